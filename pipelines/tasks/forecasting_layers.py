"""Layers and losses of networks that forecast series."""

from __future__ import annotations

from typing import Any, Literal

import keras
import tensorflow as tf

from .._layers import layers
from .forecasting import LEVELS, MEDIAN

Distribution = Literal["point", "quantiles", "student_t"]
Error = Literal["mse", "mae"]
NUMBERS: dict[Distribution, int] = {"point": 1, "quantiles": len(LEVELS), "student_t": 2}
"""How many numbers a network computes for each forecast."""
_LEAST_SCALE = 1e-3


def student_t_quantiles(degrees: float) -> list[float]:
    """Return the quantiles `LEVELS` of a Student t with these degrees of freedom, location 0 and scale 1."""
    from scipy.stats import t

    return [float(each) for each in t.ppf(LEVELS, degrees)]


@keras.saving.register_keras_serializable("unrolled")
class IncreasingQuantiles(keras.layers.Layer):
    """Turns numbers into quantiles that cannot cross: a median, and steps above 0 to both sides.

        q_m = x_m
        q_(k+1) = q_k + softplus(x_(k+1))   above the median m
        q_(k-1) = q_k - softplus(x_(k-1))   below it

    Call arguments: `numbers` (..., levels). Returns: the same shape. Computed in float32.
    """

    def call(self, numbers: tf.Tensor) -> tf.Tensor:
        """Return the quantiles."""
        with tf.name_scope(layers.IN_FLOAT):
            given = tf.split(numbers, len(LEVELS), axis=-1)
            quantiles = [given[MEDIAN]]
            for number in given[MEDIAN + 1 :]:
                quantiles.append(quantiles[-1] + tf.nn.softplus(number))
            for number in reversed(given[:MEDIAN]):
                quantiles.insert(0, quantiles[0] - tf.nn.softplus(number))
            return tf.concat(quantiles, -1)


@keras.saving.register_keras_serializable("unrolled")
class StudentQuantiles(keras.layers.Layer):
    """Turns a location and a scale into the quantiles of a Student t.

        q_k = x_1 + (softplus(x_2) + .001) t_k

    Args:
        quantiles: t_k, the quantiles for location 0 and scale 1.

    Call arguments: `numbers` (..., 2). Returns: (..., levels). Computed in float32.
    """

    def __init__(self, quantiles: list[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.quantiles = quantiles

    def call(self, numbers: tf.Tensor) -> tf.Tensor:
        """Return the quantiles."""
        with tf.name_scope(layers.IN_FLOAT):
            scale = tf.nn.softplus(numbers[..., 1:]) + _LEAST_SCALE
            return numbers[..., :1] + scale * tf.constant(self.quantiles)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"quantiles": self.quantiles}


@keras.saving.register_keras_serializable("unrolled")
class ForecastLoss(keras.losses.Loss):
    """The mean error of forecasts, in deviations of the training part, over the values that are known.

    Args:
        distribution: point: squared or absolute errors; quantiles: their pinball losses; student_t: the
            negative log-likelihood of the Student t with these quantiles.
        error: mse or mae, of point forecasts.
        degrees: the degrees of freedom of the Student t.

    Call arguments: targets and outputs as in `pipelines.tasks.forecasting`.
    """

    def __init__(
        self,
        distribution: Distribution = "point",
        error: Error = "mse",
        degrees: float = 5.0,
        name: str = "forecast_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.distribution, self.error, self.degrees = distribution, error, degrees

    def call(self, y_true: Any, y_pred: Any) -> tf.Tensor:
        """Return the mean loss."""
        y_true, y_pred = tf.convert_to_tensor(y_true, tf.float32), tf.convert_to_tensor(y_pred)
        value, deviation = y_true[..., :1], y_true[..., 1:2]
        known = tf.math.logical_not(tf.math.is_nan(value))
        value = tf.where(known, value, 0.0)
        outputs = y_pred[..., None] if self.distribution == "point" else y_pred
        difference = self._scored(value, deviation) - self._scored(outputs, deviation)
        losses = self._losses(difference, outputs, deviation)
        counted = tf.cast(known, tf.float32)
        total = tf.reduce_sum(counted * losses)
        return total / tf.maximum(1.0, tf.reduce_sum(counted) * losses.shape[-1])

    def count(self, y_true: Any, y_pred: Any) -> tf.Tensor:
        """Return how many values of `y_true` the loss is a mean over."""
        return tf.reduce_sum(tf.cast(~tf.math.is_nan(y_true[..., 0]), tf.float32))

    def _losses(self, difference: tf.Tensor, outputs: tf.Tensor, deviation: tf.Tensor) -> tf.Tensor:
        if self.distribution == "point":
            return tf.square(difference) if self.error == "mse" else tf.abs(difference)
        if self.distribution == "quantiles":
            levels = tf.constant(LEVELS, tf.float32)
            return tf.maximum(levels * difference, (levels - 1.0) * difference)
        quantiles = student_t_quantiles(self.degrees)
        spread = self._scored(outputs[..., -1:], deviation) - self._scored(outputs[..., :1], deviation)
        scale = tf.maximum(spread / (quantiles[-1] - quantiles[0]), 1e-6)
        ratio = tf.square(difference[..., MEDIAN : MEDIAN + 1] / scale) / self.degrees
        return tf.math.log(scale) + (self.degrees + 1) / 2 * tf.math.log1p(ratio)

    @staticmethod
    def _scored(values: tf.Tensor, deviation: tf.Tensor) -> tf.Tensor:
        logarithm = tf.math.log1p(tf.maximum(values, -0.999))
        return tf.where(deviation < 0, logarithm, values) / tf.abs(deviation)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"distribution": self.distribution, "error": self.error, "degrees": self.degrees}
        return super().get_config() | own


@keras.saving.register_keras_serializable("unrolled")
class SegmentDecoder(keras.layers.Layer):
    """Makes the questions of a segment-wise decoder: which segment of which series, for each state.

    Args:
        channels: the number of series that are forecast side by side.
        segments: the number of segments of the forecast.

    Call arguments: `state` (batch * channels, units).
    Returns: questions (batch * channels * segments, 1, units), and the state of each (the same, units).
    Weights: segments (segments, units / 2), channels (channels, units - units / 2).

    Reference: S. Lin et al., SegRNN: segment recurrent neural network for long-term time series forecasting,
    2023.
    """

    def __init__(self, channels: int, segments: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels, self.segments = channels, segments

    def build(self, state_shape: Any) -> None:
        """Create the weights."""
        units = state_shape[-1]
        sizes = {"segments": (self.segments, units // 2), "channels": (self.channels, units - units // 2)}
        self._segments, self._channels = (
            self.add_weight(name=name, shape=size, initializer="random_normal")
            for name, size in sizes.items()
        )
        self.built = True

    def call(self, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the questions and their states."""
        units = state.shape[-1]
        segments = tf.tile(self._segments[None], [self.channels, 1, 1])
        channels = tf.repeat(self._channels[:, None], self.segments, axis=1)
        each = tf.reshape(tf.concat([segments, channels], -1), [1, self.channels * self.segments, units])
        states = tf.reshape(state, [-1, self.channels, 1, units])
        states = tf.reshape(tf.tile(states, [1, 1, self.segments, 1]), [-1, units])
        questions = tf.reshape(states, [-1, self.channels * self.segments, units]) * 0.0 + each
        return tf.reshape(questions, [-1, 1, units]), states

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"channels": self.channels, "segments": self.segments}
