"""The network: normalisation, causal convolutions, recurrent layers, softmax."""

from __future__ import annotations

import keras
import numpy as np

import layers
from pipelines.data.examples import Features
from pipelines.tasks.classification_loss import SmoothedCrossEntropy
from pipelines.tasks.labelling_loss import LabellingLoss

from .config import SensorConfig

_WIDTH = 5  # steps that a convolution sees


def build_model(config: SensorConfig, features: Features) -> keras.Model:
    """Return the network: packets (batch, steps, packet * channels) of raw samples -> probabilities.

    They are (batch, labels) of a window, or (batch, steps, labels).
    """
    size = features.inputs["train"].shape[2]
    signal = keras.Input([None, size], dtype="float32", name="signal")
    mean, deviation = (
        np.tile(features.preprocessing[name], config.packet).astype(np.float32)
        for name in ("mean", "deviation")
    )
    x = keras.layers.Normalization(mean=mean, variance=deviation**2, name="normalise")(signal)
    for number in (1, 2) if config.filters else ():
        name = f"stem_{number}"
        x = layers.CausalConv1D(config.filters, _WIDTH, use_bias=False, name=name)(x)
        x = keras.layers.BatchNormalization(name=f"{name}_normalise")(x)
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
    x = _attending(config, x) if config.attention else _recurrent(config, x)
    x = keras.layers.Dropout(config.dropout, name="output_dropout")(x)
    outputs = keras.layers.Dense(len(features.labels), activation="softmax", name="probabilities")(x)
    return keras.Model(signal, outputs, name="sensor_signals")


def _recurrent(config: SensorConfig, x: keras.KerasTensor) -> keras.KerasTensor:
    for number in range(1, config.depth + 1):
        every = number < config.depth or config.answer != "window"
        x = _dropped(config, x, number)
        x = layers.by_name(config.cell)(config.units, return_sequences=every, name=f"recurrent_{number}")(x)
    return x


def _attending(config: SensorConfig, x: keras.KerasTensor) -> keras.KerasTensor:
    for number in range(1, config.depth + 1):
        forward = layers.by_name(config.cell)(config.units, return_sequences=True)
        x = _dropped(config, x, number)
        x = layers.Bidirectional(forward, name=f"recurrent_{number}")(x)
    return layers.AdditiveAttentionPooling(config.units, name="attention")(x)


def _dropped(config: SensorConfig, x: keras.KerasTensor, number: int) -> keras.KerasTensor:
    """Return the input of a recurrent layer with dropout, less of it before the first one."""
    rate = config.dropout / 2 if number == 1 else config.dropout
    return keras.layers.Dropout(rate, name=f"recurrent_{number}_dropout")(x)


def make_loss(config: SensorConfig) -> keras.losses.Loss:
    """Return the smoothed cross-entropy of windows, or of the steps that have a target."""
    kind = SmoothedCrossEntropy if config.answer == "window" else LabellingLoss
    return kind(config.label_smoothing)
