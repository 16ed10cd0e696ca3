"""The gated recurrent unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from .base import Cell, affine


@keras.saving.register_keras_serializable("unrolled")
class GRUCell(Cell):
    """One step of the gated recurrent unit.

        z = sigmoid(x_t W_z + b_z + h_(t-1) U_z + e_z)             update gate
        r = sigmoid(x_t W_r + b_r + h_(t-1) U_r + e_r)             reset gate
        g = tanh(x_t W_g + b_g + r * (h_(t-1) U_g + e_g))          new content
        h_t = z * h_(t-1) + (1 - z) * g

    With `reset_after=False` the reset gate comes before the product, and there is no e:

        g = tanh(x_t W_g + b_g + (r * h_(t-1)) U_g)

    Args:
        units: size of h.
        activation: function of the new content.
        recurrent_activation: function of the two gates.
        reset_after: apply the reset gate after the product with the state. This trains faster.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.

    Call arguments: `inputs` (batch, features), `states` a tuple of h (batch, units), `training`.
    Returns: the output (batch, units) and a tuple of the new states.

    Weights: kernel (features, 3 * units), recurrent_kernel (units, 3 * units), bias (2, 3 * units) with the
    rows b and e, or (3 * units,) with reset_after=False. Blocks are in the order z, r, g.
    State: h (batch, units), which is also the output.

    References: K. Cho et al., Learning phrase representations using RNN encoder-decoder for statistical
    machine translation, EMNLP 2014 (reset before the product); cuDNN and `keras.layers.GRU` reset after it.
    """

    gates = 3
    multiplies_state = True
    gate_names = ("z", "r")  # in the order of `update`

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        *,
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, activation=activation, **kwargs)
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.reset_after = reset_after
        self.multiplies_state = reset_after

    @property
    def bias_shape(self) -> tuple[int, ...]:
        columns = self.gates * self.units
        return (2, columns) if self.reset_after else (columns,)

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        bias = self.bias[0] if self.use_bias and self.reset_after else self.bias
        return affine(x, self.kernel, bias)

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        if self.reset_after:
            return affine(h, self.recurrent_kernel, self.bias[1] if self.use_bias else None)
        gates = affine(h, self.recurrent_kernel[:, : 2 * self.units])
        return tf.concat([gates, h], -1)  # `update` resets h: recurrent dropout must reach it too

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        # XNNPACK runs equal splits only. An unequal split costs a tenth of the step's time in TFLite.
        x_z, x_r, x_new = tf.split(x_proj, 3, axis=-1)
        h_z, h_r, h_new = tf.split(h_proj, 3, axis=-1)
        z, r = self.recurrent_activation(x_z + h_z), self.recurrent_activation(x_r + h_r)
        g = self.activation(x_new + (r * h_new if self.reset_after else self._product(r * h_new)))
        h = z * state[0] + (1.0 - z) * g
        return (h,)

    def _product(self, reset: tf.Tensor) -> tf.Tensor:
        product = affine(tf.cast(reset, self.compute_dtype), self.recurrent_kernel[:, 2 * self.units :])
        return tf.cast(product, reset.dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["recurrent_activation"] = keras.activations.serialize(self.recurrent_activation)
        config["reset_after"] = self.reset_after
        return config


@keras.saving.register_keras_serializable("unrolled")
class GRU(CellLayer):
    """The gated recurrent unit over a sequence.

    Every step computes the equations of `GRUCell`. Padding changes neither the state nor the output.

    Args:
        units: size of the state and of the output.
        activation: function of the new content.
        **kwargs: the other arguments by name: those of `GRUCell` (recurrent_activation, reset_after,
            use_bias, dropout, ...) and those of `Recurrent` (return_sequences, return_state, go_backwards,
            stateful, ...).

    Call arguments: `sequences` (batch, steps, features); `initial_state`, a list of h (batch, units), zeros
    if left out; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, units), or (batch, steps, units) with return_sequences; with return_state a list of
    the output and the states.

    >>> GRU(4, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = GRUCell
