"""The fast gated recurrent network, whose gate and new content share their weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from ..checks import known_features, require_units
from .base import Cell, affine

_ZETA, _NU = 1.0, -4.0
"""First values before the sigmoid, as in the authors' code: the old state comes in almost only through z."""


@keras.saving.register_keras_serializable("unrolled")
class FastGRNNCell(Cell):
    """One step of the FastGRNN: gate and new content are made of the same two products.

        p = x_t W + h_(t-1) U
        z = sigmoid(p + b_z)                                    gate
        g = tanh(p + b_g)                                       new content
        h_t = (zeta * (1 - z) + nu) * g + z * h_(t-1)
        zeta = sigmoid(mix_1), nu = sigmoid(mix_2)              two learned numbers

    With `kernel_rank` W is the product W_1 W_2, with `recurrent_rank` U is U_1 U_2.

    Args:
        units: size of h.
        activation: function of the new content.
        recurrent_activation: function of the gate.
        kernel_rank: rank of W, or None for a whole matrix.
        recurrent_rank: rank of U, or None for a whole matrix.
        bias_initializer: initial values of the biases; ones by default, as in the authors' code, so that the
            cell remembers before it has learned.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.

    Call arguments: `inputs` (batch, features), `states` a tuple of h (batch, units), `training`.
    Returns: the output (batch, units) and a tuple of the new states.

    Weights: kernel W (features, units), or kernel_left W_1 (features, kernel_rank) and kernel_right W_2
    (kernel_rank, units); recurrent_kernel U (units, units), or recurrent_left U_1 (units, recurrent_rank) and
    recurrent_right U_2 (recurrent_rank, units); bias (2 * units,) in the order z, g; mix (2,).
    State: h (batch, units), which is also the output.

    Raises:
        ValueError: `kernel_rank` or `recurrent_rank` is not a whole number above 0.

    Reference: A. Kusupati et al., FastGRNN: a fast, accurate, stable and tiny kilobyte sized gated recurrent
    neural network, NeurIPS 2018. The paper also makes the matrices sparse, which this cell does not.
    """

    gates = 2
    gate_names = ("z",)  # in the order of `update`
    multiplies_state = True
    adds_projections = True

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        *,
        kernel_rank: int | None = None,
        recurrent_rank: int | None = None,
        bias_initializer: Any = "ones",
        **kwargs: Any,
    ) -> None:
        super().__init__(units, activation, bias_initializer=bias_initializer, **kwargs)
        for name, rank in (("kernel_rank", kernel_rank), ("recurrent_rank", recurrent_rank)):
            if rank is not None:
                require_units(self, rank, name)
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.kernel_rank, self.recurrent_rank = kernel_rank, recurrent_rank
        self.multiplies_state = recurrent_rank is None

    def build(self, input_shape: Sequence[int | None]) -> None:
        features = known_features(self, input_shape)
        if self.kernel_rank is None:
            self.kernel = self._weight("kernel", "kernel", (features, self.units))
        else:
            self.kernel_left = self._weight("kernel_left", "kernel", (features, self.kernel_rank))
            self.kernel_right = self._weight("kernel_right", "kernel", (self.kernel_rank, self.units))
        if self.recurrent_rank is None:
            self.recurrent_kernel = self._weight("recurrent_kernel", "recurrent", (self.units, self.units))
        else:
            left, right = (self.units, self.recurrent_rank), (self.recurrent_rank, self.units)
            self.recurrent_left = self._weight("recurrent_left", "recurrent", left)
            self.recurrent_right = self._weight("recurrent_right", "recurrent", right)
        self.bias = self._weight("bias", "bias", self.bias_shape) if self.use_bias else None
        self.mix = self.add_weight(shape=(2,), name="mix", initializer=_first_mix)

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        if self.kernel_rank is None:
            return affine(x, self.kernel)
        return affine(affine(x, self.kernel_left), self.kernel_right)

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        if self.recurrent_rank is None:
            return affine(h, self.recurrent_kernel)
        return affine(affine(h, self.recurrent_left), self.recurrent_right)

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        gate = new = x_proj + h_proj
        if self.bias is not None:
            b_z, b_g = tf.split(tf.cast(self.bias, gate.dtype), 2)
            gate, new = gate + b_z, new + b_g
        z, g = self.recurrent_activation(gate), self.activation(new)
        zeta, nu = tf.unstack(tf.sigmoid(tf.cast(self.mix, z.dtype)))
        h = (zeta * (1.0 - z) + nu) * g + z * state[0]
        return (h,)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["recurrent_activation"] = keras.activations.serialize(self.recurrent_activation)
        return config | {"kernel_rank": self.kernel_rank, "recurrent_rank": self.recurrent_rank}


def _first_mix(shape: Sequence[int], dtype: Any = None) -> tf.Tensor:
    return tf.constant([_ZETA, _NU], dtype)


@keras.saving.register_keras_serializable("unrolled")
class FastGRNN(CellLayer):
    """The FastGRNN over a sequence.

    Every step computes the equations of `FastGRNNCell`. Padding changes neither the state nor the output.

    Args:
        units: size of the state and of the output.
        activation: function of the new content.
        **kwargs: the other arguments by name: those of `FastGRNNCell` (kernel_rank, recurrent_rank,
            recurrent_activation, use_bias, dropout, ...) and those of `Recurrent` (return_sequences,
            return_state, go_backwards, stateful, ...).

    Call arguments: `sequences` (batch, steps, features); `initial_state`, a list of h (batch, units), zeros
    if left out; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, units), or (batch, steps, units) with return_sequences; with return_state a list of
    the output and the states.

    >>> FastGRNN(4, return_sequences=True, recurrent_rank=2)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    cell_class = FastGRNNCell
