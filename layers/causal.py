"""Convolutions that never look ahead: a stream gives what the whole sequence gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .states import after_the_past, zero_past


class _Causal(keras.layers.Layer):
    """Put before a convolution of Keras among the bases, makes it causal along the first axis, time."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
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
        self.supports_masking = True  # what is after the valid steps reaches none of them

    @property
    def past(self) -> int:
        """How many steps before its own an output sees."""
        return (self.kernel_size[0] - 1) * self.dilation_rate[0]

    def build(self, sequences_shape: Sequence[int | None]) -> None:
        """Make the weights for inputs (batch, steps, ..., channels)."""
        super().build(sequences_shape)
        self._step_shape = tuple(sequences_shape[2:])

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the states that a stream starts from; see `states.Streaming`."""
        return zero_past((batch_size, self.past, *self._step_shape), self.compute_dtype)

    def call(self, sequences: tf.Tensor) -> tf.Tensor:
        """See the class."""
        return super().call(after_the_past(self, sequences, self.past))


@keras.saving.register_keras_serializable("unrolled")
class CausalConv1D(_Causal, keras.layers.Conv1D):
    """A convolution over time that sees the past only; otherwise `keras.layers.Conv1D`.

    State in a stream: `past`, the last (kernel_size - 1) * dilation_rate steps of its inputs.

    Args: those of `keras.layers.Conv1D` but strides, padding and data_format.

    Call arguments: `sequences` (batch, steps, channels).
    Returns: (batch, steps, filters).
    """

    def compute_output_shape(self, sequences_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return (batch, steps, filters)."""
        return (*sequences_shape[:2], self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return _without(super().get_config(), "strides", "padding", "data_format")


@keras.saving.register_keras_serializable("unrolled")
class CausalConv2D(_Causal, keras.layers.Conv2D):
    """A convolution over time and frequency that sees the past only; otherwise `keras.layers.Conv2D`.

    State in a stream: `past`, the last (kernel_size[0] - 1) * dilation_rate[0] steps of its inputs.

    Args:
        strides: (1, along frequency); 1 for both.
        padding: along frequency, "same" or "valid".
        **kwargs: those of `keras.layers.Conv2D` but data_format.

    Call arguments: `sequences` (batch, steps, frequencies, channels).
    Returns: (batch, steps, new frequencies, filters).
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
        """Return the convolution of inputs that have their past before them."""
        before, after = self._frequency_padding(inputs.shape[2])
        return keras.ops.conv(
            tf.pad(inputs, [[0, 0], [0, 0], [before, after], [0, 0]]) if before or after else inputs,
            kernel,
            strides=list(self.strides),
            padding="valid",
            dilation_rate=self.dilation_rate,
        )

    def _frequency_padding(self, size: int) -> tuple[int, int]:
        """Return the zeros before and after `size` frequencies: those of Keras."""
        if self.padding == "valid":
            return 0, 0
        stride = self.strides[1]
        total = (-(-size // stride) - 1) * stride + self._reach - size
        return max(total, 0) // 2, max(total, 0) - max(total, 0) // 2

    @property
    def _reach(self) -> int:
        """Frequencies from the first to the last that an output sees."""
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


def _without(config: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in names}
