"""Convolutional long short-term memory, over sequences of rows (1D) and of images (2D)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from ..checks import require_units
from .base import Cell


class ConvLSTMCell(Cell):
    """One step of the convolutional long short-term memory; the base class of its 1D and 2D forms.

        i = sigmoid(x_t * W_i + h_(t-1) * U_i + b_i)       input gate
        f = sigmoid(x_t * W_f + h_(t-1) * U_f + b_f)       forget gate
        g = tanh(x_t * W_g + h_(t-1) * U_g + b_g)          new content
        o = sigmoid(x_t * W_o + h_(t-1) * U_o + b_o)       output gate
        c_t = f c_(t-1) + i g
        h_t = o tanh(c_t)

    Here * is a convolution; all other products are pointwise. The convolution of x has the options below.
    That of h has stride 1 and zeros around it, so that h keeps its size.

    Args:
        filters: number of channels of h and of c.
        kernel_size: positions that a convolution sees, one number or one for each axis.
        strides: steps of the convolution of x, likewise.
        padding: "valid" or "same", for x.
        dilation_rate: distance between the positions that the convolution of x sees, likewise. Strides and
            dilation can't both be above 1.
        data_format: "channels_last", or None for it.
        activation: function of the new content and of c.
        recurrent_activation: function of the three gates.
        unit_forget_bias: start b_f at one, so that the cell remembers before it has learned.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.

    Call arguments: `inputs` (batch, *positions, channels), `states` a tuple of h and c, `training`.
    Returns: the output h and a tuple of the new h and c.

    Weights: kernel W (*kernel_size, channels, 4 * filters), recurrent_kernel U (*kernel_size, filters,
    4 * filters), bias b (4 * filters,). Blocks are in the order i, f, g, o, as in Keras.
    States: h and c, (batch, *new positions, filters) each; h is also the output.

    Raises:
        ValueError: an option has a value that is not listed, or the positions are unknown or too few.

    Reference: X. Shi et al., Convolutional LSTM network, NeurIPS 2015, without peepholes, as in Keras.
    """

    state_names = ("h", "c")
    gates = 4
    gate_names = ("f", "i", "o")  # in the order of `update`
    rank: ClassVar[int]

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        *,
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        dilation_rate: int | Sequence[int] = 1,
        data_format: str | None = None,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        unit_forget_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(filters, activation, **kwargs)
        self.filters = filters
        self.kernel_size = self._one_for_each_axis("kernel_size", kernel_size)
        self.strides = self._one_for_each_axis("strides", strides)
        self.dilation_rate = self._one_for_each_axis("dilation_rate", dilation_rate)
        self.padding, self.data_format = padding, data_format or "channels_last"
        self._require("padding", ("valid", "same"))
        self._require("data_format", ("channels_last",))
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__}: expected strides or dilation_rate of 1, got {self.strides} and "
                f"{self.dilation_rate}"
            )
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.step_shape: tuple[int | None, ...] | None = None

    def _one_for_each_axis(self, name: str, value: int | Sequence[int]) -> tuple[int, ...]:
        sizes = (value,) * self.rank if isinstance(value, int) else tuple(value)
        for size in sizes:
            require_units(self, size, name)
        if len(sizes) != self.rank:
            raise ValueError(f"{type(self).__name__}: {name}: expected {self.rank} numbers, got {value!r}")
        return sizes

    def _require(self, name: str, known: Sequence[str]) -> None:
        if getattr(self, name) not in known:
            raise ValueError(
                f"{type(self).__name__}: {name}: expected {' or '.join(map(repr, known))}, "
                f"got {getattr(self, name)!r}"
            )

    def state_shapes(self, step_shape: Sequence[int | None] | None = None) -> tuple[tuple[int, ...], ...]:
        shape = self.step_shape if step_shape is None else tuple(step_shape)
        if shape is None or None in shape[:-1]:
            raise ValueError(
                f"{self.name}: expected inputs with {self.step_axes} of known sizes, got {shape}"
            )
        sizes = [self._size_after(axis, size) for axis, size in enumerate(shape[:-1])]
        return ((*sizes, self.filters),) * 2

    def _size_after(self, axis: int, size: Any) -> int:
        """Return how many positions of an axis are left after the convolution of the inputs."""
        reach = (self.kernel_size[axis] - 1) * self.dilation_rate[axis] + 1
        left = size if self.padding == "same" else size - reach + 1
        if left < 1:
            raise ValueError(
                f"{self.name}: expected at least {reach} positions for padding 'valid', got {size}"
            )
        return -(-left // self.strides[axis])

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create the weights for inputs of shape (batch, *positions, channels)."""
        self.step_shape = tuple(input_shape[1:])
        self.state_shapes()
        super().build(input_shape)
        if self.use_bias and self.unit_forget_bias:
            block = tf.range(self.gates * self.filters) // self.filters
            self.bias.assign(tf.where(block == 1, tf.ones_like(self.bias), self.bias))

    def _weight(self, name: str, role: str, shape: tuple[int, ...]) -> keras.Variable:
        return super()._weight(name, role, shape if name == "bias" else (*self.kernel_size, *shape))

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        options = {"strides": self.strides, "dilation_rate": self.dilation_rate}
        return self._convolved(x, self.kernel, padding=self.padding, bias=self.bias, **options)

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        return self._convolved(h, self.recurrent_kernel, padding="same")

    def _convolved(self, x: tf.Tensor, kernel: Any, bias: Any = None, **options: Any) -> tf.Tensor:
        """Convolve x (..., *positions, channels); axes in front of the positions don't mix."""
        lead = x.shape.rank - self.rank - 1
        given = x
        if lead > 1:
            given = tf.reshape(x, tf.concat([[-1], tf.shape(x)[lead:]], 0))
            given.set_shape([None, *x.shape[lead:]])
        made = keras.ops.conv(given, tf.cast(kernel, x.dtype), data_format="channels_last", **options)
        made = made if bias is None else made + tf.cast(bias, x.dtype)
        if lead == 1:
            return made
        whole = tf.reshape(made, tf.concat([tf.shape(x)[:lead], tf.shape(made)[1:]], 0))
        whole.set_shape([*x.shape[:lead], *made.shape[1:]])
        return whole

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        i, f, g, o = tf.split(x_proj + h_proj, 4, axis=-1)
        c = self.recurrent_activation(f) * state[1] + self.recurrent_activation(i) * self.activation(g)
        return self.recurrent_activation(o) * self.activation(c), c

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["units"]
        config["recurrent_activation"] = keras.activations.serialize(self.recurrent_activation)
        names = ("filters", "kernel_size", "strides", "padding", "dilation_rate", "data_format")
        return config | {name: getattr(self, name) for name in (*names, "unit_forget_bias")}


@keras.saving.register_keras_serializable("unrolled")
class ConvLSTM1DCell(ConvLSTMCell):
    """One step of the convolutional long short-term memory over rows; see `ConvLSTMCell`.

    Call arguments: `inputs` (batch, positions, channels), `states` a tuple of h and c, `training`.
    Returns: the output h (batch, new positions, filters) and a tuple of the new h and c.
    """

    rank = 1
    step_axes = ("positions", "channels")


@keras.saving.register_keras_serializable("unrolled")
class ConvLSTM2DCell(ConvLSTMCell):
    """One step of the convolutional long short-term memory over images; see `ConvLSTMCell`.

    Call arguments: `inputs` (batch, rows, columns, channels), `states` a tuple of h and c, `training`.
    Returns: the output h (batch, new rows, new columns, filters) and a tuple of the new h and c.
    """

    rank = 2
    step_axes = ("rows", "columns", "channels")


@keras.saving.register_keras_serializable("unrolled")
class ConvLSTM1D(CellLayer):
    """The convolutional long short-term memory over a sequence of rows.

    Every step computes the equations of `ConvLSTM1DCell`. Padding changes neither the state nor the output.

    Args:
        filters: number of channels of h and c.
        kernel_size: positions that a convolution sees.
        **kwargs: the other arguments by name: those of `ConvLSTM1DCell` (strides, padding, dilation_rate,
            use_bias, ...) and those of `Recurrent` (return_sequences, return_state, go_backwards, stateful,
            ...).

    Call arguments: `sequences` (batch, steps, positions, channels); `initial_state`, a list of h and c
    (batch, new positions, filters), zeros if left out; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, new positions, filters), or (batch, steps, new positions, filters) with return_sequences;
    with return_state a list of the output and the states.

    >>> ConvLSTM1D(4, 3, padding="same")(tf.ones([2, 5, 8, 3])).shape
    TensorShape([2, 8, 4])
    """

    cell_class = ConvLSTM1DCell


@keras.saving.register_keras_serializable("unrolled")
class ConvLSTM2D(CellLayer):
    """The convolutional long short-term memory over a sequence of images.

    Every step computes the equations of `ConvLSTM2DCell`. Padding changes neither the state nor the output.

    Args:
        filters: number of channels of h and c.
        kernel_size: (rows, columns) that a convolution sees, or one number for both.
        **kwargs: the other arguments by name: those of `ConvLSTM2DCell` (strides, padding, dilation_rate,
            use_bias, ...) and those of `Recurrent` (return_sequences, return_state, go_backwards, stateful,
            ...).

    Call arguments: `sequences` (batch, steps, rows, columns, channels); `initial_state`, a list of h and c
    (batch, new rows, new columns, filters), zeros if left out; `mask` (batch, steps), False at padding;
    `training`.
    Returns: (batch, new rows, new columns, filters), with the steps as second axis with return_sequences;
    with return_state a list of the output and the states.

    >>> ConvLSTM2D(4, (3, 3), strides=2)(tf.ones([2, 5, 8, 9, 3])).shape
    TensorShape([2, 3, 4, 4])
    """

    cell_class = ConvLSTM2DCell
