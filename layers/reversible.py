"""Reversible normalisation of windows, so that a network of series takes and gives values in their unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import keras
import tensorflow as tf

from .plain_layer import PlainLayer
from .spectrogram import IN_FLOAT

Instance = Literal["none", "last", "mean", "standard"]
_LARGEST_EXPONENT = 60.0


class _OfFeatures(PlainLayer):
    """A layer that knows the mean and the deviation of each feature."""

    def __init__(
        self, mean: Sequence[float], deviation: Sequence[float], *, logarithm: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.mean, self.deviation = [float(each) for each in mean], [float(each) for each in deviation]
        self.logarithm = logarithm
        if len(self.mean) != len(self.deviation) or not self.mean:
            raise ValueError(
                f"{self.name}: expected one mean and one deviation for each feature, got {len(self.mean)} "
                f"and {len(self.deviation)}"
            )
        if min(self.deviation) <= 0:
            raise ValueError(f"{self.name}: deviation: expected numbers above 0, got {min(self.deviation)}")
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"mean": self.mean, "deviation": self.deviation, "logarithm": self.logarithm}
        return super().get_config() | own


@keras.saving.register_keras_serializable("unrolled")
class ReversibleNormalization(_OfFeatures):
    """Normalises each window of a series by numbers of the data, then by numbers of the window itself.

        z_t = (f(x_t) - mean) / deviation               f(x) = log(1 + x) with `logarithm`, else x
        y_t = w_t (z_t - o) / s                         w_t = 1 at steps that were seen, else 0
        none:       o = 0                  s = 1
        last:       o = z_T                s = 1
        mean:       o = sum w z / sum w    s = 1
        standard:   o = sum w z / sum w    s = sqrt(sum w (z - o)^2 / sum w + epsilon)

    `Restore` turns values of the scale of y back to that of x. Everything is computed in float32, in
    quantised files too: features may be of very different sizes.

    Args:
        mean, deviation: of f(x) for each feature, for example over the training data.
        start: the first of these features; those before it and after them are left out. A slice outside of
            the layer would be quantised with one scale for features of all sizes.
        instance: none, last, mean or standard.
        logarithm: take log(1 + x) first; x below 0 counts as 0.
        epsilon: added to the variance, so that a constant window stays finite.

    Call arguments:
        windows: (batch, steps, start + features or more).
        seen: (batch, steps, 1), 1 at steps that count and 0 at others; None if all count.

    Returns:
        y (batch, steps, features), o (batch, 1, features) and s (batch, 1, features).

    Raises:
        ValueError: `instance` is unknown, a deviation isn't above 0, or their numbers differ.

    Reference: T. Kim et al., Reversible instance normalization for accurate time-series forecasting against
    distribution shift, ICLR 2022, without its affine weights; `last` is that of A. Zeng et al., Are
    transformers effective for time series forecasting?, AAAI 2023 (NLinear).
    """

    def __init__(
        self,
        mean: Sequence[float],
        deviation: Sequence[float],
        *,
        start: int = 0,
        instance: Instance = "standard",
        logarithm: bool = False,
        epsilon: float = 1e-3,
        **kwargs: Any,
    ) -> None:
        super().__init__(mean, deviation, logarithm=logarithm, **kwargs)
        if instance not in get_args(Instance):
            expected = ", ".join(get_args(Instance))
            raise ValueError(f"{self.name}: instance: expected one of {expected}, got {instance!r}")
        self.start, self.instance, self.epsilon = start, instance, epsilon

    def call(
        self, windows: tf.Tensor, seen: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return the normalised windows, their offset and their scale."""
        with tf.name_scope(IN_FLOAT):
            x = windows[..., self.start : self.start + len(self.mean)]
            x = tf.math.log(1.0 + tf.nn.relu(x)) if self.logarithm else x
            z = (x - tf.constant(self.mean)) / tf.constant(self.deviation)
            weights = tf.ones_like(z[..., :1]) if seen is None else seen
            offset, scale = self._statistics(z, weights)
            return weights * (z - offset) / scale, offset, scale

    def _statistics(self, z: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        last = z[:, -1:]
        one = tf.ones_like(last)
        if self.instance == "none":
            return tf.zeros_like(last), one
        if self.instance == "last":
            return last, one
        count = tf.reduce_sum(weights, axis=1, keepdims=True)
        offset = tf.reduce_sum(weights * z, axis=1, keepdims=True) / count
        if self.instance == "mean":
            return offset, one
        variance = tf.reduce_sum(weights * tf.square(z - offset), axis=1, keepdims=True) / count
        return offset, tf.sqrt(variance + self.epsilon)

    def compute_output_shape(
        self, windows_shape: Sequence[int | None], seen_shape: Any = None
    ) -> tuple[tuple, tuple, tuple]:
        """Return the shapes of the normalised windows, of the offset and of the scale."""
        size = len(self.mean)
        one = (windows_shape[0], 1, size)
        return (*windows_shape[:-1], size), one, one

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"start": self.start, "instance": self.instance, "epsilon": self.epsilon}
        return super().get_config() | own


@keras.saving.register_keras_serializable("unrolled")
class Restore(_OfFeatures):
    """Turns values of the scale of a `ReversibleNormalization` back into the unit of its inputs.

        x = f^-1((y s + o) deviation + mean)            f^-1(v) = exp(v) - 1 with `logarithm`, else v

    The order of values stays, so quantiles become quantiles. Everything is computed in float32.

    Args:
        mean, deviation, logarithm: those of the normalisation.

    Call arguments:
        values: (batch, steps, features), or (batch, steps, features, quantiles).
        offset, scale: those of the normalisation, (batch, 1, features).

    Returns: the shape of `values`. Weights: none.
    """

    def call(self, values: tf.Tensor, offset: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """Return the values in the unit of the inputs."""
        with tf.name_scope(IN_FLOAT):
            mean, deviation = tf.constant(self.mean), tf.constant(self.deviation)
            if values.shape.rank == 4:
                offset, scale = offset[..., None], scale[..., None]
                mean, deviation = mean[:, None], deviation[:, None]
            x = (values * scale + offset) * deviation + mean
            if self.logarithm:
                x = tf.exp(tf.minimum(x, _LARGEST_EXPONENT)) - 1.0
            return x

    def compute_output_shape(
        self, values_shape: Sequence[int | None], offset_shape: Any = None, scale_shape: Any = None
    ) -> tuple[int | None, ...]:
        """Return the shape of the values."""
        return tuple(values_shape)
