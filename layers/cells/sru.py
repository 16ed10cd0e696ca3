"""The simple recurrent unit, whose products are all of the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from ..checks import known_features
from .base import Cell, affine


@keras.saving.register_keras_serializable("unrolled")
class SRUCell(Cell):
    """One step of the simple recurrent unit: a step multiplies no matrix with the state.

        f = sigmoid(x_t W_f + v_f * c_(t-1) + b_f)         forget gate
        r = sigmoid(x_t W_r + v_r * c_(t-1) + b_r)         reset gate
        c_t = f * c_(t-1) + (1 - f) * x_t W_g
        h_t = r * c_t + (1 - r) * x_t W_s

    The gates see c, so the cell isn't linear in its state, and training runs step by step.

    Args:
        units: size of h and c.
        activation: function of c_t in h_t; linear by default, as in the later version of the paper.
        recurrent_activation: function of the two gates.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, zoneout, seed. `Cell` describes them.
            No product is of the state: recurrent_dropout raises a ValueError.

    Call arguments: `inputs` (batch, features), `states` a tuple of h and c, `training`.
    Returns: the output h and a tuple of the new h and c.

    Weights: kernel W (features, 4 * units) in the order f, r, g, s; state_kernel v (2, units) with the rows
    f, r; bias (2 * units,) in the order f, r. state_kernel uses the options recurrent_.
    States: h (batch, units), which is also the output and which no step reads, and c (batch, units).

    Raises:
        ValueError: recurrent_dropout is given.

    Reference: T. Lei et al., Simple recurrent units for highly parallelizable recurrence, EMNLP 2018. Where
    inputs and state have the same size, the paper adds x_t itself, scaled by a constant, for x_t W_s.
    """

    state_names = ("h", "c")
    gates = 4
    gate_names = ("f", "r")  # in the order of `update`
    adds_projections = True

    def __init__(
        self, units: int, activation: Any = "linear", recurrent_activation: Any = "sigmoid", **kwargs: Any
    ) -> None:
        super().__init__(units, activation, **kwargs)
        if self.recurrent_dropout:
            raise ValueError(
                f"{type(self).__name__}: recurrent_dropout: expected none, because no product is of the "
                f"state, got {self.recurrent_dropout!r}"
            )
        self.recurrent_activation = keras.activations.get(recurrent_activation)

    @property
    def bias_shape(self) -> tuple[int, ...]:
        return (2 * self.units,)

    def build(self, input_shape: Sequence[int | None]) -> None:
        features = known_features(self, input_shape)
        self.kernel = self._weight("kernel", "kernel", (features, self.gates * self.units))
        self.state_kernel = self._weight("state_kernel", "recurrent", (2, self.units))
        self.bias = self._weight("bias", "bias", self.bias_shape) if self.use_bias else None

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        if self.bias is None:
            return affine(x, self.kernel)
        return affine(x, self.kernel, tf.pad(tf.convert_to_tensor(self.bias), [[0, 2 * self.units]]))

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        columns = [tf.shape(h)[:-1], [self.gates * self.units]]
        return tf.zeros(tf.concat(columns, 0), h.dtype)  # `update` has no use for a map of h

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        c = state[1]
        f, r, g, s = tf.split(x_proj, 4, axis=-1)  # h_proj is zero: on a device the sum would take time
        v_f, v_r = tf.unstack(tf.cast(self.state_kernel, c.dtype))
        f = self.recurrent_activation(f + v_f * c)
        r = self.recurrent_activation(r + v_r * c)
        c = f * c + (1.0 - f) * g
        h = r * self.activation(c) + (1.0 - r) * s
        return h, c

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["recurrent_activation"] = keras.activations.serialize(self.recurrent_activation)
        return config


@keras.saving.register_keras_serializable("unrolled")
class SRU(CellLayer):
    """The simple recurrent unit over a sequence.

    Every step computes the equations of `SRUCell`. Padding changes neither the state nor the output.

    Args:
        units: size of the states and of the output.
        activation: function of c in the output.
        **kwargs: the other arguments by name: those of `SRUCell` (recurrent_activation, use_bias, dropout,
            ...) and those of `Recurrent` (return_sequences, return_state, go_backwards, stateful, ...).

    Call arguments: `sequences` (batch, steps, features); `initial_state`, a list of h and c (batch, units),
    zeros if left out; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, units), or (batch, steps, units) with return_sequences; with return_state a list of
    the output and the states.

    >>> SRU(4, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = SRUCell
