"""The closed-form continuous-time network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from .base import Cell, affine


@keras.saving.register_keras_serializable("unrolled")
class CfCCell(Cell):
    """One step of the closed-form continuous-time network: the state moves from k to g as time passes.

        g = tanh(x_t W_g + h_(t-1) U_g + b_g)
        k = tanh(x_t W_k + h_(t-1) U_k + b_k)
        a = x_t W_a + h_(t-1) U_a + b_a                   how fast
        d = x_t W_d + h_(t-1) U_d + b_d                   from when on
        s = sigmoid(a * time + d)
        h_t = (1 - s) * k + s * g

    `time` is 1, or with `timed` the last feature of the inputs: the time since the step before, in a unit in
    which it is about 1. x_t are then the other features.

    Args:
        units: size of h.
        activation: function of g and k.
        recurrent_activation: function of the gate.
        timed: take the time from the inputs, for steps that are not evenly spaced.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.

    Call arguments: `inputs` (batch, features), `states` a tuple of h (batch, units), `training`.
    Returns: the output (batch, units) and a tuple of the new states.

    Weights: kernel (features, 4 * units), recurrent_kernel (units, 4 * units), bias (4 * units,). Blocks are
    in the order g, k, a, d. With `timed`, the kernel has a row less: none for the time.
    State: h (batch, units), which is also the output.

    Raises:
        ValueError: `timed` with dropout, which would drop times, or with fewer than two features.

    Reference: R. Hasani et al., Closed-form continuous-time neural networks, Nature Machine Intelligence 4
    (2022), with the signs of its code. There a shared network computes what the four maps see; here they see
    inputs and state themselves, which makes a step two linear maps and an update.
    """

    gates = 4
    gate_names = ("s",)  # in the order of `update`
    multiplies_state = True
    adds_projections = True

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        *,
        timed: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, activation, **kwargs)
        if timed and self.dropout:
            raise ValueError(
                f"{type(self).__name__}: dropout: expected 0 with timed, because times would be dropped, "
                f"got {self.dropout!r}"
            )
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.timed = timed
        self.adds_projections = not timed

    def build(self, input_shape: Sequence[int | None]) -> None:
        if self.timed and input_shape[-1] == 1:
            raise ValueError(f"{self.name}: expected two or more features, the last of them the time, got 1")
        super().build(input_shape)

    def _weight(self, name: str, role: str, shape: tuple[int, ...]) -> keras.Variable:
        if name == "kernel" and self.timed:
            shape = (shape[0] - 1, shape[1])
        return super()._weight(name, role, shape)

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        if not self.timed:
            return affine(x, self.kernel, self.bias)
        return tf.concat([affine(x[..., :-1], self.kernel, self.bias), x[..., -1:]], -1)

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        return affine(h, self.recurrent_kernel)

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        if self.timed:
            x_proj, time = tf.split(x_proj, [self.gates * self.units, 1], axis=-1)
        g, k, a, d = tf.split(x_proj + h_proj, 4, axis=-1)
        s = self.recurrent_activation(a * time + d if self.timed else a + d)
        h = (1.0 - s) * self.activation(k) + s * self.activation(g)
        return (h,)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["recurrent_activation"] = keras.activations.serialize(self.recurrent_activation)
        return config | {"timed": self.timed}


@keras.saving.register_keras_serializable("unrolled")
class CfC(CellLayer):
    """The closed-form continuous-time network over a sequence.

    Every step computes the equations of `CfCCell`. Padding changes neither the state nor the output.

    Args:
        units: size of the state and of the output.
        activation: function of the two contents.
        **kwargs: the other arguments by name: those of `CfCCell` (timed, recurrent_activation, use_bias,
            dropout, ...) and those of `Recurrent` (return_sequences, return_state, go_backwards, stateful,
            ...).

    Call arguments: `sequences` (batch, steps, features), the last feature with `timed` the time since the
    step before; `initial_state`, a list of h (batch, units), zeros if left out; `mask` (batch, steps), False
    at padding; `training`.
    Returns: (batch, units), or (batch, steps, units) with return_sequences; with return_state a list of
    the output and the states.

    >>> CfC(4, return_sequences=True, timed=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = CfCCell
