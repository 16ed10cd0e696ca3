"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ..recurrent import CellLayer
from .base import Cell, affine


@keras.saving.register_keras_serializable("unrolled")
class LSTMCell(Cell):
    """One step of the LSTM.

        i = sigmoid(x_t W_i + h_(t-1) U_i + b_i)       input gate
        f = sigmoid(x_t W_f + h_(t-1) U_f + b_f)       forget gate
        g = tanh(x_t W_g + h_(t-1) U_g + b_g)          new content
        o = sigmoid(x_t W_o + h_(t-1) U_o + b_o)       output gate
        c_t = f * c_(t-1) + i * g
        h_t = o * tanh(c_t)

    References: S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997);
    F. Gers et al., Learning to forget, Neural Computation 12 (2000), for f.

    Args beside those of `Cell`:
        recurrent_activation: of the three gates (sigmoid).
        unit_forget_bias: start b_f at one, so that the cell remembers before it has learned.

    Weights: kernel (features, 4 * units), recurrent_kernel (units, 4 * units), bias (4 * units,); blocks
    in the order i, f, g, o. States: h and c, each (batch, units); h is the output.
    """

    state_names = ("h", "c")
    gates = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        unit_forget_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, activation=activation, **kwargs)
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    def build(self, input_shape: Sequence[int | None]) -> None:
        super().build(input_shape)
        if self.use_bias and self.unit_forget_bias:
            block = tf.range(self.gates * self.units) // self.units
            self.bias.assign(tf.where(block == 1, tf.ones_like(self.bias), self.bias))

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        return affine(x, self.kernel, self.bias)

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        return affine(h, self.recurrent_kernel)

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        i, f, g, o = tf.split(x_proj + h_proj, 4, axis=-1)
        c = self.recurrent_activation(f) * state[1] + self.recurrent_activation(i) * self.activation(g)
        h = self.recurrent_activation(o) * self.activation(c)
        return h, (h, c)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["recurrent_activation"] = keras.activations.serialize(self.recurrent_activation)
        config["unit_forget_bias"] = self.unit_forget_bias
        return config


@keras.saving.register_keras_serializable("unrolled")
class LSTM(CellLayer):
    """The LSTM over a sequence: `LSTMCell` in `Recurrent`.

    >>> outputs, h, c = LSTM(4, return_state=True)(tf.ones([2, 5, 3]))
    >>> outputs.shape, c.shape
    (TensorShape([2, 4]), TensorShape([2, 4]))
    """

    cell_class = LSTMCell
