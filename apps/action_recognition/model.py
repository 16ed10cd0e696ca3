"""The network: convolutions on each picture, or places of joints; recurrent layers over time; softmax."""

from __future__ import annotations

import keras
import numpy as np

import layers
from layers.each_step import EachStep
from pipelines.data.examples import Features
from pipelines.tasks.classification_loss import SmoothedCrossEntropy
from pipelines.tasks.labelling_loss import LabellingLoss
from pipelines.tasks.stream_network import with_recurrent_layers

from .config import HALVINGS, ActionConfig
from .skeleton import SMALLEST

_WIDTH = 5  # frames that a convolution over the joints' places sees


def build_model(config: ActionConfig, features: Features) -> keras.Model:
    """Return the network: frames -> probabilities (batch, labels), or (batch, steps, labels).

    Frames are uint8 pictures (batch, steps, size, size, colours) or float32 joints (batch, steps, joints, 3).
    """
    shape = features.inputs["train"].shape[2:]
    kind = "uint8" if config.kind == "video" else "float32"
    frames = keras.Input([None, *shape], dtype=kind, name="frames")
    x = _pictures(config, frames) if config.kind == "video" else _joints(config, features, frames)
    labels = len(features.labels)
    outputs = with_recurrent_layers(config, x, labels, each_step=config.answer == "frame")
    return keras.Model(frames, outputs, name="action_recognition")


def _pictures(config: ActionConfig, frames: keras.KerasTensor) -> keras.KerasTensor:
    """Return what three convolutions see in each picture, (batch, steps, units)."""
    x = keras.layers.Rescaling(1 / 127.5, -1.0, name="rescale")(frames)
    for stage in range(1, HALVINGS + 1):
        name, filters = f"picture_{stage}", stage * config.filters
        convolution = keras.layers.Conv2D(filters, 3, 2, padding="same", use_bias=False)
        x = _activated(EachStep(convolution, name=name)(x), name)
        if config.temporal > 1:
            rows, columns = x.shape[2:4]
            x = keras.layers.Reshape([-1, rows * columns, filters], name=f"{name}_places")(x)
            over_time = layers.CausalConv2D(
                filters, (config.temporal, 1), use_bias=False, name=f"{name}_over_time"
            )
            x = _activated(over_time(x), f"{name}_over_time")
            x = keras.layers.Reshape([-1, rows, columns, filters], name=f"{name}_picture")(x)
    x = keras.layers.Reshape([-1, int(np.prod(x.shape[2:]))], name="places")(x)
    return keras.layers.Dense(config.units, activation="relu", name="seen")(x)


def _activated(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    x = keras.layers.BatchNormalization(momentum=0.95, name=f"{name}_normalise")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _joints(config: ActionConfig, features: Features, frames: keras.KerasTensor) -> keras.KerasTensor:
    """Return the normalised places of the joints in each frame, or what two convolutions see in them."""
    x = normalised_skeleton(config, frames)
    x = keras.layers.Reshape([-1, int(np.prod(x.shape[2:]))], name="places")(x)
    mean, deviation = (np.float32(features.preprocessing[name]).ravel() for name in ("mean", "deviation"))
    x = keras.layers.Normalization(mean=mean, variance=deviation**2, name="normalise")(x)
    for number in (1, 2) if config.filters else ():
        name = f"stem_{number}"
        x = layers.CausalConv1D(config.filters, _WIDTH, use_bias=False, name=name)(x)
        x = _activated(x, name)
    return x


def normalised_skeleton(config: ActionConfig, frames: keras.KerasTensor) -> keras.KerasTensor:
    """Return joints (batch, steps, joints, 3) measured from the root joint, in lengths of the torso.

    y_j = (x_j - x_root) / |x_a - x_b|        a, b: the two joints of the torso
    """
    x = frames
    if config.root is not None:
        x = x - x[:, :, config.root : config.root + 1]
    if config.torso:
        upper, lower = (frames[:, :, joint : joint + 1] for joint in config.torso)
        squares = keras.ops.sum(keras.ops.square(upper - lower), axis=-1, keepdims=True)
        x = x / keras.ops.sqrt(keras.ops.maximum(squares, SMALLEST**2))
    return x


def make_loss(config: ActionConfig) -> keras.losses.Loss:
    """Return the smoothed cross-entropy of clips, or of the frames that have a target."""
    kind = SmoothedCrossEntropy if config.answer == "clip" else LabellingLoss
    return kind(config.label_smoothing)
