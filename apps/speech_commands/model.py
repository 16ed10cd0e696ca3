"""The network: spectrogram, causal convolutions, recurrent layers, softmax. It streams without attention."""

from __future__ import annotations

import keras
import numpy as np

import layers
from pipelines.data.examples import Features
from pipelines.tasks.classification_loss import SmoothedCrossEntropy
from pipelines.tasks.recurrent_stack import recurrent_stack

from .config import PACKET_MS, SAMPLE_RATE, SpeechConfig

_WINDOW_MS = 2 * PACKET_MS
_SPECTROGRAMS = {"log_mel": layers.LogMel, "mfcc": layers.MFCC, "pcen": layers.Mel}


def build_model(config: SpeechConfig, features: Features) -> keras.Model:
    """Return the network: samples (batch, n) float32 in [-1, 1] -> probabilities (batch, labels)."""
    samples = keras.Input([None], dtype="float32", name="samples")
    x = _spectrogram(config, samples)
    x = keras.layers.BatchNormalization(name="normalise")(x)
    x = layers.SpecAugment(config.masks, frequency_masks=config.masks, name="spec_augment")(x)
    x = _image_stem(config, x) if config.stem == "image" else _time_stem(config, x)
    x = keras.layers.Dropout(config.dropout, name="input_dropout")(x)
    x = _attending(config, x) if config.attention else recurrent_stack(config, every_step=False)(x)
    x = keras.layers.Dropout(config.dropout, name="output_dropout")(x)
    outputs = keras.layers.Dense(len(features.labels), activation="softmax", name="probabilities")(x)
    return keras.Model(samples, outputs, name="speech_commands")


def _spectrogram(config: SpeechConfig, samples: keras.KerasTensor) -> keras.KerasTensor:
    kind = _SPECTROGRAMS[config.features]
    layer = kind(
        sample_rate=SAMPLE_RATE, window_ms=_WINDOW_MS, hop_ms=PACKET_MS, bins=config.bins, name="features"
    )
    x = layer(samples)
    return layers.PCEN(name="gain_control")(x) if config.features == "pcen" else x


def _time_stem(config: SpeechConfig, x: keras.KerasTensor) -> keras.KerasTensor:
    """Apply one convolution over time, three frames wide."""
    x = layers.CausalConv1D(config.filters, 3, use_bias=False, name="stem")(x)
    return _activated(x, "stem")


def _image_stem(config: SpeechConfig, x: keras.KerasTensor) -> keras.KerasTensor:
    """Apply three convolutions over time and frequency; each halves the number of frequencies."""
    x = keras.layers.Reshape([-1, config.bins, 1], name="image")(x)
    for i, factor in enumerate((1, 2, 2)):
        name = f"stem_{i + 1}"
        x = layers.CausalConv2D(config.filters * factor, (3, 3), strides=(1, 2), use_bias=False, name=name)(x)
        x = _activated(x, name)
    return keras.layers.Reshape([-1, x.shape[2] * x.shape[3]], name="frames")(x)


def _activated(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    x = keras.layers.BatchNormalization(name=f"{name}_normalise")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _attending(config: SpeechConfig, x: keras.KerasTensor) -> keras.KerasTensor:
    x = recurrent_stack(config, bidirectional=True)(x)
    return layers.AdditiveAttentionPooling(config.units, name="attention")(x)


def make_loss(config: SpeechConfig) -> keras.losses.Loss:
    """Return the cross-entropy of integer targets, smoothed by `config.label_smoothing`."""
    return SmoothedCrossEntropy(config.label_smoothing)


def parameters(model: keras.Model) -> int:
    """Return the number of values that the device needs: weights and the statistics of normalisation."""
    return int(sum(np.prod(weight.shape) for weight in model.weights))
