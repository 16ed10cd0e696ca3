"""Convolutions and padding that never see later steps, so that a stream computes the same as the sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .plain_layer import PlainLayer
from .states import after_the_past, zero_past


class _Causal(PlainLayer):
    """A mixin that makes a Keras convolution causal along its first axis, time."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        *,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters=filters,
            kernel_size=kernel_size,
            dilation_rate=dilation_rate,
            groups=groups,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            data_format="channels_last",
            **kwargs,
        )
        self.supports_masking = True  # no valid step sees the padding after it

    @property
    def past(self) -> int:
        """Number of earlier steps that an output sees."""
        return (self.kernel_size[0] - 1) * self.dilation_rate[0]

    def build(self, sequences_shape: Sequence[int | None]) -> None:
        """Create the weights for inputs of shape (batch, steps, ..., channels)."""
        super().build(sequences_shape)
        self._step_shape = tuple(sequences_shape[2:])

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the state that a stream starts from: zeros (batch_size, past, ...), named `past`."""
        return zero_past((batch_size, self.past, *self._step_shape), self.compute_dtype)

    def call(self, sequences: tf.Tensor) -> tf.Tensor:
        """Return the results; the class docstring describes the arguments."""
        return super().call(after_the_past(self, sequences, self.past))


@keras.saving.register_keras_serializable("unrolled")
class CausalConv1D(_Causal, keras.layers.Conv1D):
    """A convolution over time in which an output sees only its own step and earlier steps.

        y_t = b + sum_j x_(t - j * dilation_rate) K_(kernel_size - 1 - j)      zeros before the first step

    Args:
        filters: number of output channels.
        kernel_size: number of steps that an output sees.
        **kwargs: by name: dilation_rate, groups, activation, use_bias; kernel_ and bias_ with initializer,
            regularizer and constraint; activity_regularizer. They mean the same as in `keras.layers.Conv1D`.

    Call arguments: `sequences` (batch, steps, channels).
    Returns: (batch, steps, filters).
    Masking: the mask goes on to the next layer. No valid step sees padding at the end.
    Weights: kernel K (kernel_size, channels / groups, filters), bias b (filters,).
    State in a stream: `past`, the last (kernel_size - 1) * dilation_rate steps of the inputs.

    Reference: A. van den Oord et al., WaveNet: a generative model for raw audio, 2016.
    """

    def compute_output_shape(self, sequences_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return (batch, steps, filters)."""
        return (*sequences_shape[:2], self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return _without(super().get_config(), "strides", "padding", "data_format")


@keras.saving.register_keras_serializable("unrolled")
class CausalConv2D(_Causal, keras.layers.Conv2D):
    """A convolution over time and frequency whose outputs see only their own step and earlier steps.

    Along time it is causal, with stride 1 and zeros before the first step. Along frequency it is an ordinary
    convolution.

    Args:
        filters: number of output channels.
        kernel_size: (steps, frequencies) that an output sees, or one number for both.
        strides: (1, stride along frequency), or 1.
        padding: "same" or "valid", along frequency.
        **kwargs: by name: dilation_rate, groups, activation, use_bias; kernel_ and bias_ with initializer,
            regularizer and constraint; activity_regularizer. They mean the same as in `keras.layers.Conv2D`.

    Call arguments: `sequences` (batch, steps, frequencies, channels).
    Returns: (batch, steps, new frequencies, filters).
    Masking: the mask goes on to the next layer. No valid step sees padding at the end.
    Weights: kernel (steps, frequencies, channels / groups, filters), bias (filters,).
    State in a stream: `past`, the last (kernel_size[0] - 1) * dilation_rate[0] steps of the inputs.

    Raises:
        ValueError: the stride along time is not 1, or there are too few frequencies for padding "valid".

    Reference: A. van den Oord et al., WaveNet: a generative model for raw audio, 2016, for causality.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: int | Sequence[int] = 1,
        padding: str = "same",
        **kwargs: Any,
    ) -> None:
        super().__init__(filters, kernel_size, strides=strides, padding=padding, **kwargs)
        if self.strides[0] != 1:
            raise ValueError(f"CausalConv2D: strides: expected 1 along time, got {self.strides}")

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Return the convolution of inputs (batch, past + steps, frequencies, channels)."""
        before, after = self._frequency_padding(inputs.shape[2])
        return keras.ops.conv(
            tf.pad(inputs, [[0, 0], [0, 0], [before, after], [0, 0]]) if before or after else inputs,
            kernel,
            strides=list(self.strides),
            padding="valid",
            dilation_rate=self.dilation_rate,
        )

    def _frequency_padding(self, size: int) -> tuple[int, int]:
        """Return how many zeros Keras puts before and after `size` frequencies."""
        if self.padding == "valid":
            return 0, 0
        stride = self.strides[1]
        total = (-(-size // stride) - 1) * stride + self._reach - size
        return max(total, 0) // 2, max(total, 0) - max(total, 0) // 2

    @property
    def _reach(self) -> int:
        """Width in frequencies of the span that an output sees."""
        return (self.kernel_size[1] - 1) * self.dilation_rate[1] + 1

    def compute_output_shape(self, sequences_shape: Sequence[Any]) -> tuple[int | None, ...]:
        """Return (batch, steps, new frequencies, filters)."""
        batch, steps, size, _ = sequences_shape
        padded = size + sum(self._frequency_padding(size))
        count = (padded - self._reach) // self.strides[1] + 1
        if count < 1:
            raise ValueError(
                f"{self.name}: expected at least {self._reach} frequencies for padding 'valid', got {size}"
            )
        return (batch, steps, count, self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return _without(super().get_config(), "data_format")


@keras.saving.register_keras_serializable("unrolled")
class CausalPadding1D(PlainLayer):
    """Zeros before a sequence, for a window behind it that sees so many earlier steps.

    In a stream these are the steps before the current ones, and zeros before the first one.

    Args:
        padding: how many zeros.

    Call arguments: `sequences` (batch, steps, channels).
    Returns: (batch, padding + steps, channels).
    State in a stream: `past`, the last `padding` steps of the inputs.
    """

    def __init__(self, padding: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = padding

    def build(self, sequences_shape: Sequence[int | None]) -> None:
        """Take note of the number of channels of inputs (batch, steps, channels)."""
        self._step_shape = tuple(sequences_shape[2:])

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the state that a stream starts from: zeros (batch_size, padding, channels), named `past`."""
        return zero_past((batch_size, self.padding, *self._step_shape), self.compute_dtype)

    def call(self, sequences: tf.Tensor) -> tf.Tensor:
        """Return the results; the class docstring describes the arguments."""
        return after_the_past(self, sequences, self.padding)

    def compute_output_shape(self, sequences_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return (batch, padding + steps, channels)."""
        batch, steps, *channels = sequences_shape
        return (batch, None if steps is None else steps + self.padding, *channels)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"padding": self.padding}


def _without(config: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in names}
