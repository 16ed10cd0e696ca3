"""The minimal LSTM, which trains on all steps at once."""

from __future__ import annotations

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from .linear import LinearCell


@keras.saving.register_keras_serializable("unrolled")
class MinLSTMCell(LinearCell):
    """One step of the minLSTM: gates and new content do not read the state, and the gates sum to one.

        i = sigmoid(x_t W_i + b_i)               input gate
        f = sigmoid(x_t W_f + b_f)               forget gate
        g = x_t W_g + b_g                        new content
        a = f / (f + i)                          computed as sigmoid(log f - log i), which never divides by 0
        h_t = a * h_(t-1) + (1 - a) * g

    Args:
        units: size of h.
        activation: function of the new content; linear by default.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.
            There is no recurrent kernel: recurrent_dropout, recurrent_regularizer and
            recurrent_constraint raise a ValueError, and recurrent_initializer has no effect.

    Call arguments: `inputs` (batch, features), `states` a tuple of h (batch, units), `training`.
    Returns: the output (batch, units) and a tuple of the new states.

    Weights: kernel (features, 3 * units), bias (3 * units,). Blocks are in the order i, f, g.
    State: h (batch, units), which is also the output.

    Reference: L. Feng et al., Were RNNs all we needed?, 2024. This is the plain form with normalised gates;
    the paper's form in logarithms also makes the new content positive.
    """

    gates = 3

    def coefficients(self, x_proj: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        i, f, g = tf.split(x_proj, 3, axis=-1)
        a = tf.sigmoid(tf.math.log_sigmoid(f) - tf.math.log_sigmoid(i))
        return a, (1.0 - a) * self.activation(g)


@keras.saving.register_keras_serializable("unrolled")
class MinLSTM(CellLayer):
    """The minLSTM over a sequence. Training computes all steps at once.

    Every step computes the equations of `MinLSTMCell`. Padding changes neither the state nor the output.

    Args:
        units: size of the state and of the output.
        activation: function of the new content.
        **kwargs: the other arguments by name: those of `MinLSTMCell` (use_bias, dropout, ...) and those of
            `Recurrent` (return_sequences, return_state, go_backwards, stateful, ...).

    Call arguments: `sequences` (batch, steps, features); `initial_state`, a list of h (batch, units), zeros
    if left out; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, units), or (batch, steps, units) with return_sequences; with return_state a list of
    the output and the states.

    >>> MinLSTM(4, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = MinLSTMCell
