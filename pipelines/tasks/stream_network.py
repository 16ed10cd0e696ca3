"""The end of a network that labels a stream: recurrent layers, or attention over both directions, softmax."""

from __future__ import annotations

import keras

from .._layers import layers
from ..config import StreamConfig


def with_recurrent_layers(
    config: StreamConfig, x: keras.KerasTensor, labels: int, *, each_step: bool
) -> keras.KerasTensor:
    """Return probabilities from features (batch, steps, features).

    Args:
        config: cell, units, depth, dropout, and whether the network attends to all steps.
        x: the features.
        labels: how many there are.
        each_step: whether to answer at every step, (batch, steps, labels), or once, (batch, labels).
    """
    x = _attending(config, x) if config.attention else _recurrent(config, x, each_step)
    x = keras.layers.Dropout(config.dropout, name="output_dropout")(x)
    return keras.layers.Dense(labels, activation="softmax", name="probabilities")(x)


def _recurrent(config: StreamConfig, x: keras.KerasTensor, each_step: bool) -> keras.KerasTensor:
    for number, kind in enumerate(config.kinds, 1):
        every = number < len(config.kinds) or each_step
        x = _dropped(config, x, number)
        x = layers.by_name(kind)(config.units, return_sequences=every, name=f"recurrent_{number}")(x)
    return x


def _attending(config: StreamConfig, x: keras.KerasTensor) -> keras.KerasTensor:
    for number in range(1, config.depth + 1):
        forward = layers.by_name(config.cell)(config.units, return_sequences=True)
        x = _dropped(config, x, number)
        x = layers.Bidirectional(forward, name=f"recurrent_{number}")(x)
    return layers.AdditiveAttentionPooling(config.units, name="attention")(x)


def _dropped(config: StreamConfig, x: keras.KerasTensor, number: int) -> keras.KerasTensor:
    """Return the input of a recurrent layer with dropout, less of it before the first one."""
    rate = config.dropout / 2 if number == 1 else config.dropout
    return keras.layers.Dropout(rate, name=f"recurrent_{number}_dropout")(x)
