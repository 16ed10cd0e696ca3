"""The scalar LSTM of the xLSTM, with exponential gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from ..spectrogram import IN_FLOAT
from .base import Cell, affine


@keras.saving.register_keras_serializable("unrolled")
class SLSTMCell(Cell):
    """One step of the sLSTM: an LSTM whose input gate is an exponential, which can outweigh the past.

        i = exp(x_t W_i + h_(t-1) U_i + b_i)           input gate, a weight of any size
        f = sigmoid(x_t W_f + h_(t-1) U_f + b_f)       forget gate
        g = tanh(x_t W_g + h_(t-1) U_g + b_g)          new content
        o = sigmoid(x_t W_o + h_(t-1) U_o + b_o)       output gate
        n_t = f * n_(t-1) + i                          sum of the weights
        c_t = (f * n_(t-1) * c_(t-1) + i * g) / n_t    weighted mean of the contents
        h_t = o * c_t

    The state holds log n, and no exponential of a number above 0 is computed, so nothing overflows:

        log n_t = log(f * n_(t-1) + i)                 computed as m + log(exp(log(f n) - m) + exp(log i - m))
        f * n_(t-1) / n_t = sigmoid(log(f n) - log i)  with m the larger of the two logarithms

    This is the paper's cell, whose state is c * n, n and a stabiliser m of both. It starts from n = 0; here
    log n starts at 0, so the first content has a weight of i against 1. An initial state of -100 for log n
    starts as the paper does.

    Args:
        units: size of each state.
        activation: function of the new content.
        recurrent_activation: function of the output gate.
        unit_forget_bias: start b_f at one, so that the cell remembers before it has learned.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.

    Call arguments: `inputs` (batch, features), `states` a tuple of h, c and log n, `training`.
    Returns: the output h and a tuple of the new h, c and log n.

    Weights: kernel W (features, 4 * units), recurrent_kernel U (units, 4 * units), bias b (4 * units,).
    Blocks are in the order i, f, g, o.
    States: h (batch, units), which is also the output, c (batch, units) and log_n (batch, units).

    Reference: M. Beck et al., xLSTM: extended long short-term memory, NeurIPS 2024, section 2.2, with one
    head and the sigmoid as forget gate. The block around the cell is not part of it.
    """

    state_names = ("h", "c", "log_n")
    gates = 4
    gate_names = ("o",)  # in the order of `update`
    multiplies_state = True
    adds_projections = True

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        *,
        unit_forget_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, activation, **kwargs)
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
    ) -> tuple[tf.Tensor, ...]:
        _, c, log_n = state
        log_i, f, g, o = tf.split(x_proj + h_proj, 4, axis=-1)
        with tf.name_scope(IN_FLOAT):  # 8 bits can't hold sums of many steps and logarithms of small numbers
            kept = log_n + tf.math.log_sigmoid(f)
            m = tf.maximum(kept, log_i)
            log_n = m + tf.math.log(tf.exp(kept - m) + tf.exp(log_i - m))
            share = tf.sigmoid(kept - log_i)
        c = share * c + (1.0 - share) * self.activation(g)
        h = self.recurrent_activation(o) * c
        return h, c, log_n

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["recurrent_activation"] = keras.activations.serialize(self.recurrent_activation)
        return config | {"unit_forget_bias": self.unit_forget_bias}


@keras.saving.register_keras_serializable("unrolled")
class SLSTM(CellLayer):
    """The sLSTM over a sequence.

    Every step computes the equations of `SLSTMCell`. Padding changes neither the state nor the output.

    Args:
        units: size of the states and of the output.
        activation: function of the new content.
        **kwargs: the other arguments by name: those of `SLSTMCell` (unit_forget_bias, recurrent_activation,
            use_bias, dropout, ...) and those of `Recurrent` (return_sequences, return_state, go_backwards,
            stateful, ...).

    Call arguments: `sequences` (batch, steps, features); `initial_state`, a list of h, c and log n (batch,
    units), zeros if left out; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, units), or (batch, steps, units) with return_sequences; with return_state a list of
    the output and the states.

    >>> SLSTM(4, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = SLSTMCell
