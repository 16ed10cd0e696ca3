"""The independently recurrent network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from .base import Cell, affine


@keras.saving.register_keras_serializable("unrolled")
class IndRNNCell(Cell):
    """One step of the independently recurrent network: each unit sees only its own past.

        h_t = relu(x_t W + b + u * h_(t-1))

    Args:
        units: size of h.
        activation: the relu above.
        recurrent_initializer: initial values of u; by default uniform over [0, 1). For long sequences the
            paper keeps |u| below 2^(1/steps), which a `recurrent_constraint` can do.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.

    Call arguments: `inputs` (batch, features), `states` a tuple of h (batch, units), `training`.
    Returns: the output (batch, units) and a tuple of the new states.

    Weights: kernel W (features, units), recurrent_kernel u (units,), bias b (units,).
    State: h (batch, units), which is also the output.

    Reference: S. Li et al., Independently recurrent neural network (IndRNN): building a longer and deeper
    RNN, CVPR 2018.
    """

    def __init__(
        self, units: int, activation: Any = "relu", recurrent_initializer: Any = None, **kwargs: Any
    ) -> None:
        if recurrent_initializer is None:
            recurrent_initializer = keras.initializers.RandomUniform(0.0, 1.0)
        super().__init__(units, activation, recurrent_initializer=recurrent_initializer, **kwargs)

    def _weight(self, name: str, role: str, shape: tuple[int, ...]) -> keras.Variable:
        return super()._weight(name, role, (self.units,) if name == "recurrent_kernel" else shape)

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        return affine(x, self.kernel, self.bias)

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        return h * tf.cast(self.recurrent_kernel, h.dtype)

    adds_projections = True

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        h = self.activation(x_proj + h_proj)
        return (h,)


@keras.saving.register_keras_serializable("unrolled")
class IndRNN(CellLayer):
    """The independently recurrent network over a sequence.

    Every step computes the equations of `IndRNNCell`. Padding changes neither the state nor the output.

    Args:
        units: size of the state and of the output.
        activation: the relu of the equation.
        **kwargs: the other arguments by name: those of `IndRNNCell` (recurrent_initializer, use_bias,
            dropout, ...) and those of `Recurrent` (return_sequences, return_state, go_backwards, stateful,
            ...).

    Call arguments: `sequences` (batch, steps, features); `initial_state`, a list of h (batch, units), zeros
    if left out; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, units), or (batch, steps, units) with return_sequences; with return_state a list of
    the output and the states.

    >>> IndRNN(4, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = IndRNNCell
