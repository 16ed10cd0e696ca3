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
    """(z - mean) / sqrt(variance + 1e-5) * gain + bias, with mean and variance over the last axis."""
    centred = z - tf.reduce_mean(z, -1, keepdims=True)
    scale = tf.math.rsqrt(tf.reduce_mean(tf.square(centred), -1, keepdims=True) + _EPSILON)
    normalised = centred * scale * tf.cast(gain, z.dtype)
    return normalised if bias is None else normalised + tf.cast(bias, z.dtype)


@keras.saving.register_keras_serializable("unrolled")
class LSTMCell(Cell):
    """One step of the LSTM.

        i = sigmoid(x_t W_i + h_(t-1) U_i + b_i)       input gate
        f = sigmoid(x_t W_f + h_(t-1) U_f + b_f)       forget gate
        g = tanh(x_t W_g + h_(t-1) U_g + b_g)          new content
        o = sigmoid(x_t W_o + h_(t-1) U_o + b_o)       output gate
        c_t = f * c_(t-1) + i * g
        h_t = o * tanh(c_t)

    `layer_normalization` puts for each x_t W + h_(t-1) U + b, the four blocks together, and for tanh(c_t)

        LN(x_t W; gain) + LN(h_(t-1) U; gain) + b      and      tanh(LN(c_t; gain, bias))

    with LN as in `layer_norm`; epsilon is 1e-5. `peepholes` add p_i * c_(t-1) to what i, p_f * c_(t-1) to
    what f and p_o * c_t to what o is the sigmoid of. `projection` makes h_t = (o * tanh(c_t)) P.

    References: S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997);
    F. Gers et al., Learning to forget, Neural Computation 12 (2000), for f; F. Gers and J. Schmidhuber,
    Recurrent nets that time and count, IJCNN 2000, for peepholes; H. Sak et al., Long short-term memory
    recurrent neural network architectures for large scale acoustic modeling, Interspeech 2014, for P;
    J. Ba et al., Layer normalization, 2016, equations 20 to 22, for LN.

    Args beside those of `Cell`:
        recurrent_activation: of the three gates (sigmoid).
        unit_forget_bias: start b_f at one, so that the cell remembers before it has learned.
        peepholes: let the gates see c.
        projection: size of h where it is not `units`.
        layer_normalization: normalise the two products and c. Without `use_bias`, LN(c_t) has none either.

    Weights: kernel (features, 4 * units), recurrent_kernel (size of h, 4 * units), bias (4 * units,);
    blocks in the order i, f, g, o. Then, of the options that are on: peephole_kernel (3, units), rows in
    the order i, f, o; kernel_gain and recurrent_gain (4 * units,), cell_gain and cell_bias (units,), gains
    starting at one; projection_kernel (units, projection). peephole_kernel and projection_kernel have the
    initializer, regularizer and constraint of recurrent_kernel, cell_bias those of bias.
    States: h (batch, units) or (batch, projection), which is the output, and c (batch, units).
    """

    state_names = ("h", "c")
    gates = 4
    gate_names = ("f", "i", "o")  # in the order of `update`

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
    """The LSTM over a sequence: `LSTMCell` in `Recurrent`.

    >>> outputs, h, c = LSTM(4, return_state=True)(tf.ones([2, 5, 3]))
    >>> outputs.shape, c.shape
    (TensorShape([2, 4]), TensorShape([2, 4]))
    """

    cell_class = LSTMCell
