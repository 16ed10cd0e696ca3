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
    """One step of the minimal gated unit: a GRU with one gate.

        f = sigmoid(x_t W_f + h_(t-1) U_f + b_f)            forget gate
        g = tanh(x_t W_g + (f * h_(t-1)) U_g + b_g)         new content
        h_t = (1 - f) * h_(t-1) + f * g

    Args:
        units: size of h.
        activation: function of the new content.
        recurrent_activation: function of the gate.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.

    Call arguments: `inputs` (batch, features), `states` a tuple of h (batch, units), `training`.
    Returns: the output (batch, units) and a tuple of the new states.

    Weights: kernel (features, 2 * units), recurrent_kernel (units, 2 * units), bias (2 * units,). Blocks are
    in the order f, g.
    State: h (batch, units), which is also the output.

    Reference: G. Zhou et al., Minimal gated unit for recurrent neural networks, International Journal of
    Automation and Computing 13 (2016).
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
        return tf.concat([gate, h], -1)  # `update` gates h: recurrent dropout must reach it too

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
    """The minimal gated unit over a sequence.

    Every step computes the equations of `MGUCell`. Padding changes neither the state nor the output.

    Args:
        units: size of the state and of the output.
        activation: function of the new content.
        **kwargs: the other arguments by name: those of `MGUCell` (recurrent_activation, use_bias, dropout,
            ...) and those of `Recurrent` (return_sequences, return_state, go_backwards, stateful, ...).

    Call arguments: `sequences` (batch, steps, features); `initial_state`, a list of h (batch, units), zeros
    if left out; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, units), or (batch, steps, units) with return_sequences; with return_state a list of
    the output and the states.

    >>> MGU(4, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = MGUCell
