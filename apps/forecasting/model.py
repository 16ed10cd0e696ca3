"""The networks: raw windows in, forecasts in the same unit out; normalisation is part of the graph."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras

import layers
from pipelines.data.examples import Features
from pipelines.tasks.forecasting_layers import (
    NUMBERS,
    ForecastLoss,
    IncreasingQuantiles,
    SegmentDecoder,
    StudentQuantiles,
    student_t_quantiles,
)
from pipelines.tasks.forecasting_rollout import Rollout
from pipelines.tasks.recurrent_stack import recurrent_stack

from .config import ForecastConfig


class _Read(NamedTuple):
    """What a network reads of a window, (batch, look_back, ...) each."""

    own: keras.KerasTensor
    """The targets, normalised by the window."""
    levels: keras.KerasTensor
    """The targets on their scale over the training part."""
    others: keras.KerasTensor | None
    """All other columns on that scale, if there are any."""


def make_loss(config: ForecastConfig) -> keras.losses.Loss:
    """Return the error of point forecasts, the pinball loss of quantiles, or the likelihood of Student t."""
    return ForecastLoss(config.distribution, config.error, config.degrees)


def build_model(config: ForecastConfig, features: Features) -> keras.Model:
    """Return the network: (batch, steps, columns) -> (batch, horizon, targets[, levels]), in the data's unit.

    It sees the last `look_back` steps of what it is given.
    """
    settings = features.preprocessing
    count, width = len(settings["targets"]), features.inputs["test"].shape[2]
    series = keras.Input([None, width], dtype="float32", name="series")
    window, seen = layers.LastSteps(config.look_back, name="window")(series)
    scale = {key: settings[key][:count] for key in ("mean", "deviation")} | {"logarithm": config.logarithm}
    own, offset, spread = layers.ReversibleNormalization(
        **scale, instance=config.normalization, name="normalise"
    )(window, seen)
    read = _Read(own, own * spread + offset, _others(settings, window, seen))
    network = {"direct": _direct, "segments": _segments, "autoregressive": _autoregressive}[config.model]
    numbers = network(config, read)
    forecast = numbers if config.model == "autoregressive" else _head_of(config)(numbers)
    if config.linear:
        forecast = _with_linear(config, own, forecast)
    if config.distribution == "point":
        forecast = forecast[..., 0]
    outputs = layers.Restore(**scale, name="forecast")(forecast, offset, spread)
    return keras.Model(series, outputs, name="forecasting")


def _others(settings: Any, window: keras.KerasTensor, seen: keras.KerasTensor) -> keras.KerasTensor | None:
    """Return the columns beside the targets on their scale over the training part, or None without any."""
    count, measured = len(settings["targets"]), len(settings["mean"])
    width = window.shape[-1]
    if width == count:
        return None
    mean = [*settings["mean"][count:], *[0.0] * (width - measured)]
    deviation = [*settings["deviation"][count:], *[1.0] * (width - measured)]
    layer = layers.ReversibleNormalization(
        mean, deviation, start=count, instance="none", name="normalise_others"
    )
    return layer(window, seen)[0]


def _direct(config: ForecastConfig, read: _Read) -> keras.KerasTensor:
    count = read.own.shape[-1]
    x = _encoded(config, read)
    numbers = NUMBERS[config.distribution]
    x = keras.layers.Dense(config.horizon * count * numbers, name="output")(x)
    return keras.layers.Reshape([config.horizon, count, numbers], name="numbers")(x)


def _encoded(config: ForecastConfig, read: _Read) -> keras.KerasTensor:
    """Return the last state of the recurrent layers over the window, (batch, units)."""
    x = keras.layers.Concatenate(name="columns")([each for each in read if each is not None])
    x = recurrent_stack(config, every_step=False)(x)
    return keras.layers.Dropout(config.dropout, name="output_dropout")(x)


def _segments(config: ForecastConfig, read: _Read) -> keras.KerasTensor:
    """Read each series by itself in segments; decode all segments of the forecast side by side."""
    own, _, others = read
    count, segment, numbers = own.shape[-1], config.segment, NUMBERS[config.distribution]
    length = config.look_back // segment
    ahead = -(-config.horizon // segment)
    x = keras.layers.Permute([2, 1], name="by_series")(own)
    x = keras.ops.reshape(x, [-1, count, length, segment])
    if others is not None:
        ends = keras.ops.reshape(others, [-1, 1, length, segment, others.shape[-1]])[:, :, :, -1]
        x = keras.layers.Concatenate(name="columns")([x, keras.ops.repeat(ends, count, axis=1)])
    x = keras.ops.reshape(x, [-1, length, x.shape[-1]])
    x = keras.layers.Dense(config.units, activation="relu", name="segment")(x)
    for number in range(1, config.depth):
        x = layers.GRU(config.units, return_sequences=True, name=f"recurrent_{number}")(x)
    recurrent = layers.GRU(config.units, name="recurrent")
    questions, states = SegmentDecoder(count, ahead, name="questions")(recurrent(x))
    x = recurrent(questions, initial_state=states)
    x = keras.layers.Dropout(config.dropout, name="output_dropout")(x)
    x = keras.layers.Dense(segment * numbers, name="output")(x)
    x = keras.ops.reshape(x, [-1, count, ahead * segment, numbers])[:, :, : config.horizon]
    return keras.layers.Permute([2, 1, 3], name="numbers")(x)


def _autoregressive(config: ForecastConfig, read: _Read) -> keras.KerasTensor:
    rollout = Rollout(config.units, config.horizon, _head_of(config), name="rollout")
    return rollout(_encoded(config, read), read.own[:, -1])


def _head_of(config: ForecastConfig) -> keras.layers.Layer:
    """Return the layer that turns numbers (..., n) into the forecast (..., levels), or 1 for points."""
    if config.distribution == "quantiles":
        return IncreasingQuantiles(name="quantiles")
    if config.distribution == "student_t":
        return StudentQuantiles(student_t_quantiles(config.degrees), name="quantiles")
    return keras.layers.Identity(name="points")


def _with_linear(
    config: ForecastConfig, own: keras.KerasTensor, forecast: keras.KerasTensor
) -> keras.KerasTensor:
    """Move all quantiles by a linear forecast from the series' own window."""
    x = keras.layers.Permute([2, 1], name="own_series")(own)
    x = keras.layers.Dense(config.horizon, kernel_initializer="zeros", name="linear")(x)
    x = keras.layers.Permute([2, 1], name="linear_forecast")(x)
    return forecast + keras.ops.expand_dims(x, -1)
