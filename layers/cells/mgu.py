"""The minimal gated unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from .base import Cell, affine


@keras.saving.register_keras_serializable("unrolled")
class MGUCell(Cell):
    """One step of the minimal gated unit: a GRU whose two gates are one.

        f = sigmoid(x_t W_f + h_(t-1) U_f + b_f)            forget gate
        g = tanh(x_t W_g + (f * h_(t-1)) U_g + b_g)         new content
        h_t = (1 - f) * h_(t-1) + f * g

    Reference: G. Zhou et al., Minimal gated unit for recurrent neural networks, International Journal of
    Automation and Computing 13 (2016).

    Args beside those of `Cell`:
        recurrent_activation: of the gate (sigmoid).

    Weights: kernel (features, 2 * units), recurrent_kernel (units, 2 * units), bias (2 * units,); blocks
    in the order f, g. State: h (batch, units), which is the output too.
    """

    gates = 2
    gate_names = ("f",)  # in the order of `update`

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", **kwargs: Any
    ) -> None:
        super().__init__(units, activation=activation, **kwargs)
        self.recurrent_activation = keras.activations.get(recurrent_activation)

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        return affine(x, self.kernel, self.bias)

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        gate = affine(h, self.recurrent_kernel[:, : self.units])
        return tf.concat([gate, h], -1)  # h, for `update` to gate: dropped where it is dropped in U

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        x_gate, x_new = tf.split(x_proj, 2, axis=-1)
        h_gate, h_old = tf.split(h_proj, 2, axis=-1)
        f = self.recurrent_activation(x_gate + h_gate)
        g = self.activation(x_new + self._product(f * h_old))
        h = (1.0 - f) * state[0] + f * g
        return (h,)

    def _product(self, gated: tf.Tensor) -> tf.Tensor:
        product = affine(tf.cast(gated, self.compute_dtype), self.recurrent_kernel[:, self.units :])
        return tf.cast(product, gated.dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["recurrent_activation"] = keras.activations.serialize(self.recurrent_activation)
        return config


@keras.saving.register_keras_serializable("unrolled")
class MGU(CellLayer):
    """The minimal gated unit over a sequence: `MGUCell` in `Recurrent`.

    >>> MGU(4, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = MGUCell
