"""The vanilla (Elman) recurrent network."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from .base import Cell, affine


@keras.saving.register_keras_serializable("unrolled")
class SimpleRNNCell(Cell):
    """One step of the vanilla RNN.

        h_t = tanh(x_t W + b + h_(t-1) U)

    Reference: J. L. Elman, Finding structure in time, Cognitive Science 14 (1990).

    Arguments and weights: see `Cell`; `activation` is the tanh above (try "relu" with the identity as
    `recurrent_initializer` for the IRNN). Weights: kernel W (features, units), recurrent_kernel U
    (units, units), bias b (units,). State: h (batch, units), which is the output too.
    """

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
    """The vanilla RNN over a sequence: `SimpleRNNCell` in `Recurrent`.

    >>> SimpleRNN(4)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 4])
    """

    cell_class = SimpleRNNCell
