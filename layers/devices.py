"""Where layers run: TensorFlow chooses, and nothing here names a device to run on.

A GPU changes no choice of `scan.chosen_execution`: training in a graph runs the compiled gradient there, too,
and Keras's policy of precision decides in which types. Only what shares work among the cores of a processor
asks for it, see `halves.py`.
"""

from __future__ import annotations

import tensorflow as tf


def sees_gpu() -> bool:
    """Return whether TensorFlow may use a GPU. What has a kernel for it then runs there."""
    return bool(tf.config.list_logical_devices("GPU"))
