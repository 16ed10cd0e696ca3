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
    """One step of the GRU.

        z = sigmoid(x_t W_z + b_z + h_(t-1) U_z + e_z)             update gate
        r = sigmoid(x_t W_r + b_r + h_(t-1) U_r + e_r)             reset gate
        g = tanh(x_t W_g + b_g + r * (h_(t-1) U_g + e_g))          new content
        h_t = z * h_(t-1) + (1 - z) * g

    Without `reset_after` the reset gate comes before the product, and there is no e:

        g = tanh(x_t W_g + b_g + (r * h_(t-1)) U_g)

    References: K. Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014, where
    the reset comes first; after the product it is as in cuDNN, faster to train, and as in
    `keras.layers.GRU`, whose default it is, too.

    Args beside those of `Cell`:
        recurrent_activation: of the two gates (sigmoid).
        reset_after: apply the reset gate after the product with the state.

    Weights: kernel (features, 3 * units), recurrent_kernel (units, 3 * units), bias (2, 3 * units), whose
    rows are b and e, or b alone (3 * units,) without `reset_after`; blocks in the order z, r, g.
    State: h (batch, units), which is the output too.
    """

    gates = 3
    gate_names = ("z", "r")  # in the order of `update`

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, activation=activation, **kwargs)
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.reset_after = reset_after

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
        return tf.concat([gates, h], -1)  # h, for `update` to reset: dropped where it is dropped in U

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        # Equal thirds: TFLite cuts others outside of XNNPACK, which takes a tenth of a step.
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
    """The GRU over a sequence: `GRUCell` in `Recurrent`.

    >>> GRU(4, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = GRUCell
