"""Apply a layer to every step of a sequence at once."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .scan import chosen_execution


@keras.saving.register_keras_serializable("unrolled")
class EachStep(keras.layers.TimeDistributed):
    """A `keras.layers.TimeDistributed` that calls its layer once, on the steps of all sequences together.

        y_t = layer(x_t)

    Keras makes a copy of the layer's operations for each step, so that files grow with the sequence.

    Args:
        layer: a layer or model over (batch, ...).

    Call arguments: `inputs` (batch, steps, ...); `mask` (batch, steps, ...), for layers that take one;
    `training`.
    Returns: (batch, steps, ...).
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: Any = None) -> tf.Tensor:
        """Return the results; the class docstring describes the arguments."""
        if chosen_execution(training=bool(training)) == "fused":  # TFLite's own LSTM takes one sequence
            return super().call(inputs, training=training, mask=mask)
        options: dict[str, Any] = {}
        if self.layer._call_has_training_arg:
            options["training"] = training
        if self.layer._call_has_mask_arg and mask is not None:
            options["mask"] = _folded(mask)
        made = self.layer.call(_folded(inputs), **options)
        whole = tf.reshape(made, tf.concat([tf.shape(inputs)[:2], tf.shape(made)[1:]], 0))
        whole.set_shape([*inputs.shape[:2], *made.shape[1:]])
        return whole


_POOLINGS = {
    keras.layers.MaxPooling3D: keras.layers.MaxPooling2D,
    keras.layers.AveragePooling3D: keras.layers.AveragePooling2D,
}


def pools_each_step(layer: Any) -> bool:
    """Return whether a layer pools over rows and columns of every step. TFLite has no pooling in 3D."""
    if type(layer) not in _POOLINGS or layer.data_format != "channels_last":
        return False
    return layer.pool_size[0] == layer.strides[0] == 1


def pooling_of_each_step(layer: Any) -> EachStep:
    """Return the layer that computes the same as a pooling in 3D of which `pools_each_step` is true."""
    size, strides = layer.pool_size[1:], layer.strides[1:]
    pooling = _POOLINGS[type(layer)](size, strides, layer.padding, "channels_last")
    return EachStep(pooling, name=layer.name, dtype=layer.dtype_policy)


def _folded(sequences: tf.Tensor) -> tf.Tensor:
    """Return (batch, steps, ...) as (batch * steps, ...)."""
    folded = tf.reshape(sequences, tf.concat([[-1], tf.shape(sequences)[2:]], 0))
    known = None not in sequences.shape[:2]
    folded.set_shape([sequences.shape[0] * sequences.shape[1] if known else None, *sequences.shape[2:]])
    return folded
