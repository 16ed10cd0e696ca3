"""The minimal GRU, which trains on all steps at once."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from .linear import LinearCell


@keras.saving.register_keras_serializable("unrolled")
class MinGRUCell(LinearCell):
    """One step of the minGRU: a GRU whose gate and new content do not read the state.

        z = sigmoid(x_t W_z + b_z)               update gate
        g = x_t W_g + b_g                        new content
        h_t = (1 - z) * h_(t-1) + z * g

    Args:
        units: size of h.
        activation: function of the new content; linear by default.
        recurrent_activation: function of the gate.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.
            There is no recurrent kernel: recurrent_dropout, recurrent_regularizer and
            recurrent_constraint raise a ValueError, and recurrent_initializer has no effect.

    Call arguments: `inputs` (batch, features), `states` a tuple of h (batch, units), `training`.
    Returns: the output (batch, units) and a tuple of the new states.

    Weights: kernel (features, 2 * units), bias (2 * units,). Blocks are in the order z, g.
    State: h (batch, units), which is also the output.

    Reference: L. Feng et al., Were RNNs all we needed?, 2024. This is the plain form; the paper's form in
    logarithms also makes the new content positive.
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
    """The minGRU over a sequence. Training computes all steps at once.

    Every step computes the equations of `MinGRUCell`. Padding changes neither the state nor the output.

    Args:
        units: size of the state and of the output.
        activation: function of the new content.
        **kwargs: the other arguments by name: those of `MinGRUCell` (recurrent_activation, use_bias, dropout,
            ...) and those of `Recurrent` (return_sequences, return_state, go_backwards, stateful, ...).

    Call arguments: `sequences` (batch, steps, features); `initial_state`, a list of h (batch, units), zeros
    if left out; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, units), or (batch, steps, units) with return_sequences; with return_state a list of
    the output and the states.

    >>> MinGRU(4, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = MinGRUCell
