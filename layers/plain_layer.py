"""The base class of this package's layers: their errors are plain text."""

from __future__ import annotations

import re
from typing import Any

import keras
import tensorflow as tf

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class PlainLayer(keras.layers.Layer):
    """A layer whose errors hold no codes for colours, which Keras adds to every error of a call.

    Logs, files and one-line messages would show them.
    """

    @tf.autograph.experimental.do_not_convert
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the layer as Keras does."""
        try:
            return super().__call__(*args, **kwargs)
        except Exception as error:
            error.args = tuple(_plain(each) for each in error.args)
            if hasattr(error, "_message"):  # TensorFlow's errors
                error._message = _plain(error._message)
            raise


def _plain(value: Any) -> Any:
    return _COLOUR.sub("", value) if isinstance(value, str) else value
