"""Prepare the GPUs that TensorFlow sees, before anything runs on them."""

from __future__ import annotations

import contextlib
import functools
import logging

from .ondevice.native_messages import held_back

log = logging.getLogger(__name__)


@functools.cache
def import_tensorflow() -> None:
    """Import TensorFlow without its messages about missing drivers, and prepare the GPUs that it sees.

    Nothing is pinned to a device: TensorFlow puts on a GPU what has a kernel for it. A GPU gives memory as it
    is needed, so that several processes can share it. It multiplies float32 numbers in float32, as
    processors do and as exported files are compared, not in TensorFloat-32; who wants speed for precision
    sets one of Keras's policies. What else a program has begun to do on its GPUs stays as it is.
    """
    with held_back():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return
    tf.config.experimental.enable_tensor_float_32_execution(False)
    with contextlib.suppress(RuntimeError):  # they are in use already
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    log.info("TensorFlow sees %s", ", ".join(gpu.name for gpu in gpus))
