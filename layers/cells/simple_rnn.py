"""The simple (Elman) recurrent network."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from .base import Cell, affine


@keras.saving.register_keras_serializable("unrolled")
class SimpleRNNCell(Cell):
    """One step of the simple recurrent network.

        h_t = tanh(x_t W + b + h_(t-1) U)

    Args:
        units: size of h.
        activation: the tanh above. "relu", with `recurrent_initializer="identity"`, makes it the IRNN.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.

    Call arguments: `inputs` (batch, features), `states` a tuple of h (batch, units), `training`.
    Returns: the output (batch, units) and a tuple of the new states.

    Weights: kernel W (features, units), recurrent_kernel U (units, units), bias b (units,).
    State: h (batch, units), which is also the output.

    References: J. L. Elman, Finding structure in time, Cognitive Science 14 (1990); Q. Le, N. Jaitly and
    G. Hinton, A simple way to initialize recurrent networks of rectified linear units, 2015 (the IRNN).
    """

    multiplies_state = True
    adds_projections = True

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        return affine(x, self.kernel, self.bias)

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        return affine(h, self.recurrent_kernel)

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        h = self.activation(x_proj + h_proj)
        return (h,)


@keras.saving.register_keras_serializable("unrolled")
class SimpleRNN(CellLayer):
    """The simple (Elman) recurrent network over a sequence.

    Every step computes the equations of `SimpleRNNCell`. Padding changes neither the state nor the output.

    Args:
        units: size of the state and of the output.
        activation: the tanh of the equation.
        **kwargs: the other arguments by name: those of `SimpleRNNCell` (use_bias, dropout, ...) and those of
            `Recurrent` (return_sequences, return_state, go_backwards, stateful, ...).

    Call arguments: `sequences` (batch, steps, features); `initial_state`, a list of h (batch, units), zeros
    if left out; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, units), or (batch, steps, units) with return_sequences; with return_state a list of
    the output and the states.

    >>> SimpleRNN(4)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 4])
    """

    cell_class = SimpleRNNCell
