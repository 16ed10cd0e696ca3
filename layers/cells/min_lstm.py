"""The minimal LSTM, parallel in time."""

from __future__ import annotations

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from .linear import LinearCell


@keras.saving.register_keras_serializable("unrolled")
class MinLSTMCell(LinearCell):
    """One step of the minLSTM: gates and content don't look at the state, and the gates sum to one.

        i = sigmoid(x_t W_i + b_i)               input gate
        f = sigmoid(x_t W_f + b_f)               forget gate
        g = x_t W_g + b_g                        new content
        a = f / (f + i)                          as sigmoid(log f - log i), which can't divide by zero
        h_t = a * h_(t-1) + (1 - a) * g

    Reference: L. Feng et al., Were RNNs all we needed?, 2024; this is the plain form with normalised gates
    (1 - a is i / (f + i)), without the positive function g() of the form in logarithms.

    Args beside those of `Cell`:
        activation: of the new content (linear).
        For `recurrent_...` see `LinearCell`.

    Weights: kernel (features, 3 * units), bias (3 * units,); blocks in the order i, f, g. State: h
    (batch, units), which is the output too.
    """

    gates = 3

    def coefficients(self, x_proj: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        i, f, g = tf.split(x_proj, 3, axis=-1)
        a = tf.sigmoid(tf.math.log_sigmoid(f) - tf.math.log_sigmoid(i))
        return a, (1.0 - a) * self.activation(g)


@keras.saving.register_keras_serializable("unrolled")
class MinLSTM(CellLayer):
    """The minLSTM over a sequence: `MinLSTMCell` in `Recurrent`.

    >>> MinLSTM(4, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = MinLSTMCell
