"""The real-gated linear recurrent unit, which trains on all steps at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from .linear import LinearCell

_POWER = 8.0
"""c of the paper."""
_LEAST = 1e-7
"""Smallest 1 - a^2 under the root: about the rounding of float32, and the root's gradient stays finite."""


@keras.saving.register_keras_serializable("unrolled")
class RGLRUCell(LinearCell):
    """One step of the real-gated linear recurrent unit: each unit decays at a rate that its gate changes.

        r = sigmoid(x_t W_r + b_r)                        recurrence gate
        i = sigmoid(x_t W_i + b_i)                        input gate
        g = x_t W_g + b_g                                 new content
        a = sigmoid(decay)^(8 r)
        h_t = a * h_(t-1) + sqrt(1 - a^2) * i * g

    A closed recurrence gate (r = 0) keeps the state and ignores the input.

    Args:
        units: size of h.
        activation: function of the new content; linear by default.
        recurrent_activation: function of the two gates.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.
            There is no recurrent kernel: recurrent_dropout, recurrent_regularizer and
            recurrent_constraint raise a ValueError, and recurrent_initializer has no effect.

    Call arguments: `inputs` (batch, features), `states` a tuple of h (batch, units), `training`.
    Returns: the output (batch, units) and a tuple of the new states.

    Weights: kernel (features, 3 * units), bias (3 * units,). Blocks are in the order r, i, g. decay (units,),
    drawn so that sigmoid(decay)^8 is uniform over [0.9, 0.999).
    State: h (batch, units), which is also the output.

    Reference: S. De et al., Griffin: mixing gated linear recurrences with local attention for efficient
    language models, 2024, section 2.4. There a linear layer makes the unit's input x, and the gates see
    its result; here W_g is that layer, so that inputs may have any size, and the gates see x itself. The
    block around the unit is not part of it.
    """

    gates = 3
    gate_names = ("r", "i")  # in the order of `coefficients`

    def __init__(
        self, units: int, activation: Any = "linear", recurrent_activation: Any = "sigmoid", **kwargs: Any
    ) -> None:
        super().__init__(units, activation, **kwargs)
        self.recurrent_activation = keras.activations.get(recurrent_activation)

    def build(self, input_shape: Sequence[int | None]) -> None:
        super().build(input_shape)
        self.decay = self.add_weight(shape=(self.units,), name="decay", initializer=_first_decay)

    def coefficients(self, x_proj: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        r, i, g = tf.split(x_proj, 3, axis=-1)
        r, i = self.recurrent_activation(r), self.recurrent_activation(i)
        a = tf.exp(_POWER * r * tf.math.log_sigmoid(tf.cast(self.decay, r.dtype)))
        return a, tf.sqrt(tf.maximum(1.0 - a * a, _LEAST)) * i * self.activation(g)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["recurrent_activation"] = keras.activations.serialize(self.recurrent_activation)
        return config


def _first_decay(shape: Sequence[int], dtype: Any = None) -> tf.Tensor:
    power = keras.initializers.RandomUniform(0.9, 0.999)(shape, dtype)
    a = power ** (1.0 / _POWER)
    return tf.math.log(a / (1.0 - a))


@keras.saving.register_keras_serializable("unrolled")
class RGLRU(CellLayer):
    """The real-gated linear recurrent unit over a sequence. Training computes all steps at once.

    Every step computes the equations of `RGLRUCell`. Padding changes neither the state nor the output.

    Args:
        units: size of the state and of the output.
        activation: function of the new content.
        **kwargs: the other arguments by name: those of `RGLRUCell` (recurrent_activation, use_bias, dropout,
            ...) and those of `Recurrent` (return_sequences, return_state, go_backwards, stateful, ...).

    Call arguments: `sequences` (batch, steps, features); `initial_state`, a list of h (batch, units), zeros
    if left out; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, units), or (batch, steps, units) with return_sequences; with return_state a list of
    the output and the states.

    >>> RGLRU(4, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = RGLRUCell
