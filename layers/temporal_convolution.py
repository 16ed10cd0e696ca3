"""The temporal convolutional network (TCN): dilated causal convolutions with residual connections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .cells.base import affine
from .checks import require_units
from .states import States
from .windowed import Windowed


@keras.saving.register_keras_serializable("unrolled")
class TemporalConvolution(Windowed):
    """A causal TCN over a sequence; it stands where a recurrent layer stands.

    For each dilation d, a block of two convolutions with a connection around them:

        u_t = relu(sum_j x_(t - j d) A_j + a)
        v_t = relu(sum_j u_(t - j d) B_j + b)          j = 0, ..., kernel_size - 1
        y_t = relu(v_t + R x_t)                        R is the identity if the sizes are equal

    The next block reads y. An output sees 1 + 2 (kernel_size - 1) (d_1 + ... + d_n) steps.

    Args:
        units: size of every convolution's output.
        return_sequences: return the output of every step instead of the last output only.
        kernel_size: the number of steps that a convolution reads.
        dilations: d of each block.
        **kwargs: the arguments of every Keras layer.

    Call arguments: `sequences` (batch, steps, features); `mask` (batch, steps), False at padding.
    Returns: (batch, units), or (batch, steps, units) with return_sequences.
    Masking: for padding at the end: the last output is that of the last valid step. Steps of padding between
    valid ones are read as they are.
    Weights: for block n kernel_n_1 (kernel_size * inputs, units) in blocks of j = kernel_size - 1, ..., 0,
    kernel_n_2 (kernel_size * units, units), bias_n_1 and bias_n_2 (units,), around_n (inputs, units).
    State in a stream: `past_n_1` and `past_n_2`, the last (kernel_size - 1) * d inputs of each convolution.

    Reference: S. Bai, J. Z. Kolter and V. Koltun, An empirical evaluation of generic convolutional and
    recurrent networks for sequence modeling, 2018. Theirs also normalises weights and drops channels.

    >>> TemporalConvolution(4, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 4])
    """

    def __init__(
        self,
        units: int,
        return_sequences: bool = False,
        *,
        kernel_size: int = 3,
        dilations: Sequence[int] = (1, 2, 4, 8),
        **kwargs: Any,
    ) -> None:
        super().__init__(units, return_sequences, **kwargs)
        require_units(self, kernel_size, "kernel_size")
        if not dilations:
            raise ValueError(f"{self.name}: dilations: expected at least one, got none")
        for each in dilations:
            require_units(self, each, "dilations")
        self.kernel_size = kernel_size
        self.dilations = tuple(dilations)

    def build_weights(self, features: int) -> None:
        """Create the kernels and biases of every block."""
        size, units = self.kernel_size, self.units
        self._convolutions: list[tuple[keras.Variable, keras.Variable]] = []
        self._around: list[keras.Variable | None] = []
        for number, _ in enumerate(self.dilations, 1):
            for place, inputs in ((1, features), (2, units)):
                kernel = self.kernel(f"kernel_{number}_{place}", size * inputs, units)
                self._convolutions.append((kernel, self.bias(f"bias_{number}_{place}", units)))
            around = None if features == units else self.kernel(f"around_{number}", features, units)
            self._around.append(around)
            features = units

    def pasts(self) -> dict[str, tuple[int, int]]:
        """Return the number of kept inputs of every convolution, and their size."""
        found, inputs = {}, self._features
        for number, dilation in enumerate(self.dilations, 1):
            for place in (1, 2):
                found[f"past_{number}_{place}"] = ((self.kernel_size - 1) * dilation, inputs)
                inputs = self.units
        return {name: shape for name, shape in found.items() if shape[0]}

    def outputs_of(self, sequences: tf.Tensor, before: States) -> tuple[tf.Tensor, States]:
        """Return what the last block gives, and the inputs of every convolution."""
        convolutions, pasts, wholes = iter(self._convolutions), iter(before), []
        x = sequences
        for dilation, around in zip(self.dilations, self._around, strict=True):
            inner = x
            for _ in range(2):
                whole = tf.concat([next(pasts), inner], 1) if self.kernel_size > 1 else inner
                wholes.append(whole)
                inner = tf.nn.relu(affine(self._taps(whole, dilation), *next(convolutions)))
            x = tf.nn.relu(inner + (x if around is None else affine(x, around)))
        return x, tuple(wholes) if self.kernel_size > 1 else ()

    def _taps(self, whole: tf.Tensor, dilation: int) -> tf.Tensor:
        """Return what a convolution reads at each step, (batch, steps, kernel_size * inputs)."""
        steps = tf.shape(whole)[1] - (self.kernel_size - 1) * dilation
        starts = [dilation * tap for tap in range(self.kernel_size)]
        return tf.concat([whole[:, start : start + steps] for start in starts], -1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"kernel_size": self.kernel_size, "dilations": list(self.dilations)}
