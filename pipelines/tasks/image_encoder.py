"""A convolutional encoder that computes features for each place of a grid over the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import keras
import tensorflow as tf

from ..errors import UserError

_APPLICATIONS = {"mobilenet_v3_small": "MobileNetV3Small", "efficientnet_v2_b0": "EfficientNetV2B0"}


@keras.saving.register_keras_serializable("unrolled")
class Coordinates(keras.layers.Layer):
    """Appends the position of each place, from -1 to 1 across and down, as two channels.

    Without them a convolution can't tell left from right. Source: R. Liu et al., An intriguing failing of
    convolutional neural networks and the CoordConv solution, NeurIPS 2018.

    Call arguments: `features` (batch, rows, columns, channels). Returns: (batch, rows,
    columns, channels + 2).
    """

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Return the features with their positions."""
        rows, columns = features.shape[1:3]
        across, down = tf.meshgrid(tf.linspace(-1.0, 1.0, columns), tf.linspace(-1.0, 1.0, rows))
        places = tf.cast(tf.stack([across, down], axis=-1)[None], features.dtype)
        return tf.concat([features, places + tf.zeros_like(features[..., :1])], axis=-1)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the shape of what `call` returns."""
        return (*shape[:-1], shape[-1] + 2)


@dataclass(frozen=True)
class EncoderSettings:
    """The size and kind of an image encoder."""

    image_size: int
    """Width and height of an image in pixels."""
    units: int
    """The number of features of each place."""
    kind: str = "small"
    """`small` (a residual network), or `mobilenet_v3_small` or `efficientnet_v2_b0` of keras.applications."""
    weights: Literal["none", "imagenet"] = "none"
    """Initial weights of a network of keras.applications; imagenet is downloaded."""
    width: int = 24
    """Channels of the first convolution of the small encoder; they double with each halving of the image."""
    halvings: int = 3
    """The number of times that the small encoder halves the image."""
    dropout: float = 0.0
    """Dropout rate of the features."""


def build_encoder(settings: EncoderSettings) -> keras.Model:
    """Return the encoder: `image` uint8 (batch, size, size, 3) -> features (batch, places, units).

    Raises:
        UserError: the weights can't be downloaded.
    """
    image = keras.Input([settings.image_size, settings.image_size, 3], dtype="uint8", name="image")
    x = _small(settings, image) if settings.kind == "small" else _application(settings, image)
    x = Coordinates(name="coordinates")(x)
    x = keras.layers.Dense(settings.units, activation="relu", name="places")(x)
    x = keras.layers.Reshape([-1, settings.units], name="features")(x)
    x = keras.layers.Dropout(settings.dropout, name="features_dropout")(x)
    return keras.Model(image, x, name="encoder")


def _small(settings: EncoderSettings, image: keras.KerasTensor) -> keras.KerasTensor:
    """Apply one convolution, then for each further halving another convolution and a residual block."""
    x = keras.layers.Rescaling(1 / 127.5, -1.0, name="rescale")(image)
    x = _convolution(x, settings.width, "stem", strides=2)
    for stage in range(1, settings.halvings):
        channels = settings.width * 2**stage
        x = _convolution(x, channels, f"stage_{stage}", strides=2)
        inner = _convolution(x, channels, f"stage_{stage}_a")
        inner = _convolution(inner, channels, f"stage_{stage}_b", activated=False)
        x = keras.layers.Add(name=f"stage_{stage}_add")([x, inner])
        x = keras.layers.ReLU(name=f"stage_{stage}_out")(x)
    return x


def _convolution(
    x: keras.KerasTensor, channels: int, name: str, *, strides: int = 1, activated: bool = True
) -> keras.KerasTensor:
    x = keras.layers.Conv2D(channels, 3, strides, padding="same", use_bias=False, name=name)(x)
    x = keras.layers.BatchNormalization(momentum=0.95, name=f"{name}_normalise")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if activated else x


def _application(settings: EncoderSettings, image: keras.KerasTensor) -> keras.KerasTensor:
    """Apply a network of keras.applications without its classifier. The network scales the pixels itself."""
    size = settings.image_size
    weights = None if settings.weights == "none" else settings.weights
    make = getattr(keras.applications, _APPLICATIONS[settings.kind])
    try:
        network = make(include_top=False, weights=weights, input_shape=(size, size, 3))
    except Exception as error:  # the download raises many types of error
        reason = str(error).strip().splitlines()[-1]
        raise UserError(
            f"--encoder-weights {weights}: can't be downloaded ({reason}); --encoder-weights none trains "
            "from scratch"
        ) from None
    # With trained weights, batch normalisation keeps its statistics.
    return network(keras.ops.cast(image, "float32"), training=False if weights else None)
