"""The network: normalisation, causal convolutions, recurrent layers, softmax."""

from __future__ import annotations

import keras
import numpy as np

import layers
from pipelines.data.examples import Features
from pipelines.tasks.classification_loss import SmoothedCrossEntropy
from pipelines.tasks.labelling_loss import LabellingLoss
from pipelines.tasks.stream_network import with_recurrent_layers

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
    outputs = with_recurrent_layers(config, x, len(features.labels), each_step=config.answer != "window")
    return keras.Model(signal, outputs, name="sensor_signals")


def make_loss(config: SensorConfig) -> keras.losses.Loss:
    """Return the smoothed cross-entropy of windows, or of the steps that have a target."""
    kind = SmoothedCrossEntropy if config.answer == "window" else LabellingLoss
    return kind(config.label_smoothing)
