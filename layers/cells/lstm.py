"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from ..checks import require_units
from .base import Cell, affine

_EPSILON = 1e-5


def layer_norm(z: tf.Tensor, gain: Any, bias: Any = None) -> tf.Tensor:
    """Normalise z (..., size) over its last axis: (z - mean) / sqrt(variance + 1e-5) * gain + bias.

    Args:
        z: (..., size).
        gain: (size,).
        bias: (size,), or None.
    """
    centred = z - tf.reduce_mean(z, -1, keepdims=True)
    scale = tf.math.rsqrt(tf.reduce_mean(tf.square(centred), -1, keepdims=True) + _EPSILON)
    normalised = centred * scale * tf.cast(gain, z.dtype)
    return normalised if bias is None else normalised + tf.cast(bias, z.dtype)


@keras.saving.register_keras_serializable("unrolled")
class LSTMCell(Cell):
    """One step of the long short-term memory.

        i = sigmoid(x_t W_i + h_(t-1) U_i + b_i)       input gate
        f = sigmoid(x_t W_f + h_(t-1) U_f + b_f)       forget gate
        g = tanh(x_t W_g + h_(t-1) U_g + b_g)          new content
        o = sigmoid(x_t W_o + h_(t-1) U_o + b_o)       output gate
        c_t = f * c_(t-1) + i * g
        h_t = o * tanh(c_t)

    With `peepholes` the gates see c: p_i * c_(t-1) is added inside the sigmoid of i, p_f * c_(t-1) inside
    that of f, and p_o * c_t inside that of o. With `projection`

        h_t = (o * tanh(c_t)) P

    With `layer_normalization` the sum of the two products, all four blocks together, and the cell become

        LN(x_t W; kernel_gain) + LN(h_(t-1) U; recurrent_gain) + b
        LN(c_t; cell_gain, cell_bias)                        inside the tanh of h_t only
        LN(z; gain, bias) = (z - mean(z)) / sqrt(variance(z) + 1e-5) * gain + bias

    Args:
        units: size of c, and of h without a projection.
        activation: function of the new content and of c.
        recurrent_activation: function of the three gates.
        unit_forget_bias: start b_f at one, so that the cell remembers before it has learned.
        peepholes: let the gates see c.
        projection: size of h, or None for `units`.
        layer_normalization: normalise the two products and c. Without `use_bias` there is no cell_bias.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.

    Call arguments: `inputs` (batch, features), `states` a tuple of h and c, `training`.
    Returns: the output h and a tuple of the new h and c.

    Weights: kernel W (features, 4 * units), recurrent_kernel U (size of h, 4 * units), bias b (4 * units,).
    Blocks are in the order i, f, g, o. Then, where the option is on: peephole_kernel (3, units) with the rows
    i, f, o; kernel_gain and recurrent_gain (4 * units,), cell_gain and cell_bias (units,), where gains start
    at one; projection_kernel P (units, projection). peephole_kernel and projection_kernel use the
    initializer, regularizer and constraint of the recurrent kernel, cell_bias those of the bias.
    States: h (batch, units) or (batch, projection), which is also the output, and c (batch, units).

    Raises:
        ValueError: `projection` is not a whole number above 0.

    References: S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997);
    F. Gers et al., Learning to forget, Neural Computation 12 (2000), for f; F. Gers and J. Schmidhuber,
    Recurrent nets that time and count, IJCNN 2000, for peepholes; H. Sak et al., Long short-term memory
    recurrent neural network architectures for large scale acoustic modeling, Interspeech 2014, for P;
    J. Ba et al., Layer normalization, 2016, equations 20 to 22, for LN.
    """

    state_names = ("h", "c")
    gates = 4
    multiplies_state = True
    adds_projections = True
    gate_names = ("f", "i", "o")  # in the order of `update`

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        *,
        unit_forget_bias: bool = True,
        peepholes: bool = False,
        projection: int | None = None,
        layer_normalization: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, activation=activation, **kwargs)
        if projection is not None:
            require_units(self, projection, "projection")
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.peepholes = peepholes
        self.projection = projection
        self.layer_normalization = layer_normalization
        self.adds_projections = not layer_normalization

    @property
    def state_size(self) -> tuple[int, ...]:
        return (self.projection or self.units, self.units)

    def build(self, input_shape: Sequence[int | None]) -> None:
        super().build(input_shape)
        if self.use_bias and self.unit_forget_bias:
            block = tf.range(self.gates * self.units) // self.units
            self.bias.assign(tf.where(block == 1, tf.ones_like(self.bias), self.bias))
        if self.peepholes:
            self.peephole_kernel = self._weight("peephole_kernel", "recurrent", (3, self.units))
        if self.layer_normalization:
            self._build_normalization()
        if self.projection:
            shape = (self.units, self.projection)
            self.projection_kernel = self._weight("projection_kernel", "recurrent", shape)

    def _build_normalization(self) -> None:
        columns = (self.gates * self.units,)
        self.kernel_gain = self.add_weight(shape=columns, name="kernel_gain", initializer="ones")
        self.recurrent_gain = self.add_weight(shape=columns, name="recurrent_gain", initializer="ones")
        self.cell_gain = self.add_weight(shape=(self.units,), name="cell_gain", initializer="ones")
        self.cell_bias = self._weight("cell_bias", "bias", (self.units,)) if self.use_bias else None

    def _weight(self, name: str, role: str, shape: tuple[int, ...]) -> keras.Variable:
        if name == "recurrent_kernel":
            shape = (self.output_size, *shape[1:])
        return super()._weight(name, role, shape)

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        return affine(x, self.kernel, None if self.layer_normalization else self.bias)

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        return affine(h, self.recurrent_kernel)

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        c = state[1]
        i, f, g, o = tf.split(self._sum(x_proj, h_proj), 4, axis=-1)
        if self.peepholes:
            p_i, p_f, p_o = tf.unstack(tf.cast(self.peephole_kernel, c.dtype))
            i, f = i + p_i * c, f + p_f * c
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(g)
        if self.peepholes:
            o = o + p_o * c
        seen = layer_norm(c, self.cell_gain, self.cell_bias) if self.layer_normalization else c
        h = self.recurrent_activation(o) * self.activation(seen)
        if self.projection:
            h = tf.cast(affine(tf.cast(h, self.compute_dtype), self.projection_kernel), c.dtype)
        return h, c

    def _sum(self, x_proj: tf.Tensor, h_proj: tf.Tensor) -> tf.Tensor:
        if not self.layer_normalization:
            return x_proj + h_proj
        return layer_norm(x_proj, self.kernel_gain) + layer_norm(h_proj, self.recurrent_gain, self.bias)

    def unsupported_by_fused(self) -> str | None:
        if type(self) is not LSTMCell:
            return super().unsupported_by_fused()
        for name in ("peepholes", "projection", "layer_normalization"):
            if getattr(self, name):
                return f"expected an LSTM without {name}"
        if (self.activation, self.recurrent_activation) != (
            keras.activations.tanh,
            keras.activations.sigmoid,
        ):
            return "expected the activations tanh and sigmoid"
        return "expected no zoneout" if any(self.zoneout_rates) else None

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["recurrent_activation"] = keras.activations.serialize(self.recurrent_activation)
        for name in ("unit_forget_bias", "peepholes", "projection", "layer_normalization"):
            config[name] = getattr(self, name)
        return config


@keras.saving.register_keras_serializable("unrolled")
class LSTM(CellLayer):
    """The long short-term memory over a sequence.

    Every step computes the equations of `LSTMCell`. Padding changes neither the state nor the output.

    Args:
        units: size of h and c.
        activation: function of the new content and of c.
        **kwargs: the other arguments by name: those of `LSTMCell` (peepholes, projection,
            layer_normalization, use_bias, ...) and those of `Recurrent` (return_sequences, return_state,
            go_backwards, stateful, ...).

    Call arguments: `sequences` (batch, steps, features); `initial_state`, a list of h and c (batch, units),
    zeros if left out; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, units), or (batch, steps, units) with return_sequences; with return_state a list of
    the output and the states.

    >>> outputs, h, c = LSTM(4, return_state=True)(tf.ones([2, 5, 3]))
    >>> outputs.shape, c.shape
    (TensorShape([2, 4]), TensorShape([2, 4]))
    """

    cell_class = LSTMCell
