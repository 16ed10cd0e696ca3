"""A decoder that forecasts series step by step, from its own forecasts."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .._layers import layers
from .forecasting import LEVELS, MEDIAN


@keras.saving.register_keras_serializable("unrolled")
class Rollout(keras.layers.Layer):
    """Forecasts step by step: a GRU, whose next input is its own forecast.

    In use the next step reads the median; in training it reads a draw from the quantiles, which is a random
    place between the two quantiles around a random level.

    Args:
        units: units of the GRU.
        horizon: the number of steps.
        head: the layer that turns numbers (batch, targets, n) into forecasts (batch, targets, levels).

    Call arguments: `state` (batch, units); `first` (batch, targets), what the first step reads.
    Returns: (batch, horizon, targets, levels).
    Weights: those of the GRU, and of the product from its state to the numbers.
    """

    def __init__(self, units: int, horizon: int, head: keras.layers.Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.horizon, self.head = units, horizon, head
        self.cell = layers.GRUCell(units)
        self._numbers = {"IncreasingQuantiles": len(LEVELS), "StudentQuantiles": 2}.get(
            type(head).__name__, 1
        )

    def build(self, state_shape: Any, first_shape: Any) -> None:
        """Create the weights."""
        self._targets = first_shape[-1]
        self.cell.build((None, self._targets))
        self.product = keras.layers.Dense(self._targets * self._numbers, name="output")
        self.product.build((None, self.units))
        self.built = True

    def call(self, state: tf.Tensor, first: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the forecasts of all steps."""
        given, forecasts = first, []
        for _ in range(self.horizon):
            (state,) = self.cell.advance(
                self.cell.project_inputs(given), self.cell.project_previous(state, None), (state,)
            )
            numbers = tf.reshape(self.product(state), [-1, self._targets, self._numbers])
            forecasts.append(self.head(numbers))
            given = _drawn(forecasts[-1]) if training else _middle(forecasts[-1])
        return tf.stack(forecasts, axis=1)

    def compute_output_shape(self, state_shape: Any, first_shape: Any) -> tuple[int | None, ...]:
        """Return (batch, horizon, targets, levels)."""
        levels = 1 if self._numbers == 1 else len(LEVELS)
        return state_shape[0], self.horizon, first_shape[-1], levels

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        head = keras.saving.serialize_keras_object(self.head)
        return super().get_config() | {"units": self.units, "horizon": self.horizon, "head": head}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Rollout:
        """Return a layer with this config."""
        return cls(**{**config, "head": keras.saving.deserialize_keras_object(config["head"])})


def _middle(forecast: tf.Tensor) -> tf.Tensor:
    return forecast[..., MEDIAN if forecast.shape[-1] == len(LEVELS) else 0]


def _drawn(forecast: tf.Tensor) -> tf.Tensor:
    """Return a draw from quantiles (batch, targets, levels): a straight line between two of them."""
    if forecast.shape[-1] != len(LEVELS):
        return _middle(forecast)
    level = tf.random.uniform(tf.shape(forecast)[:-1], LEVELS[0], LEVELS[-1])[..., None]
    levels = np.array(LEVELS, np.float32)
    up = (level - np.append(levels[0] - 1, levels[:-1])) / np.append(1.0, np.diff(levels)).astype(np.float32)
    down = (np.append(levels[1:], levels[-1] + 1) - level) / np.append(np.diff(levels), 1.0).astype(
        np.float32
    )
    weights = tf.maximum(0.0, tf.minimum(up, down))  # a hat around each level
    return tf.reduce_sum(weights * forecast, axis=-1) / tf.reduce_sum(weights, axis=-1)
