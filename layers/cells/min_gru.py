"""The minimal GRU, parallel in time."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from .linear import LinearCell


@keras.saving.register_keras_serializable("unrolled")
class MinGRUCell(LinearCell):
    """One step of the minGRU: a GRU whose gate and content don't look at the state.

        z = sigmoid(x_t W_z + b_z)               update gate
        g = x_t W_g + b_g                        new content
        h_t = (1 - z) * h_(t-1) + z * g

    Reference: L. Feng et al., Were RNNs all we needed?, 2024; this is the plain form, without the
    positive function g() of the form in logarithms.

    Args beside those of `Cell`:
        activation: of the new content (linear).
        recurrent_activation: of the gate (sigmoid).
        For `recurrent_...` see `LinearCell`.

    Weights: kernel (features, 2 * units), bias (2 * units,); blocks in the order z, g. State: h
    (batch, units), which is the output too.
    """

    gates = 2
    gate_names = ("z",)  # in the order of `update`

    def __init__(
        self, units: int, activation: Any = "linear", recurrent_activation: Any = "sigmoid", **kwargs: Any
    ) -> None:
        super().__init__(units, activation, **kwargs)
        self.recurrent_activation = keras.activations.get(recurrent_activation)

    def coefficients(self, x_proj: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        z, g = tf.split(x_proj, 2, axis=-1)
        z = self.recurrent_activation(z)
        return 1.0 - z, z * self.activation(g)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["recurrent_activation"] = keras.activations.serialize(self.recurrent_activation)
        return config


@keras.saving.register_keras_serializable("unrolled")
class MinGRU(CellLayer):
    """The minGRU over a sequence: `MinGRUCell` in `Recurrent`.

    >>> MinGRU(4, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = MinGRUCell
