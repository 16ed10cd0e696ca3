"""From a picture to what stands at each of its places."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from pipelines.errors import UserError

from .captions import END
from .config import CaptioningConfig

_APPLICATIONS = {"mobilenet_v3_small": "MobileNetV3Small", "efficientnet_v2_b0": "EfficientNetV2B0"}


@keras.saving.register_keras_serializable("unrolled")
class Coordinates(keras.layers.Layer):
    """A feature map with two channels more: where each place is, from -1 to 1 across and down.

    Without them a convolution can't tell left from right. Reference: R. Liu et al., An intriguing failing of
    convolutional neural networks and the CoordConv solution, NeurIPS 2018.

    Call arguments: `features` (batch, rows, columns, channels). Returns: two channels more.
    """

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """See the class."""
        rows, columns = features.shape[1:3]
        across, down = tf.meshgrid(tf.linspace(-1.0, 1.0, columns), tf.linspace(-1.0, 1.0, rows))
        places = tf.cast(tf.stack([across, down], axis=-1)[None], features.dtype)
        return tf.concat([features, places + tf.zeros_like(features[..., :1])], axis=-1)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the shape of what `call` returns."""
        return (*shape[:-1], shape[-1] + 2)


@keras.saving.register_keras_serializable("unrolled")
class WordSpotting(keras.layers.Layer):
    """How much each place stands for each word, and in training a loss by which it learns that.

        s_jw = u_w f_j + b_w,   z_w = log sum_j exp(s_jw),   loss = weight * mean over pictures of
        - sum_w [y_w log sigmoid(z_w) + (1 - y_w) log(1 - sigmoid(z_w))]

    with y_w = 1 where a caption of the picture has the word w: some place must stand for it. The captions
    alone tell the encoder what is in the picture, while the decoder can't yet say where to look. After
    H. Fang et al., From captions to visual concepts and back, CVPR 2015, section 3, whose noisy-or over
    places is close to this where probabilities are small.

    Args:
        ids: how many ids of words there are; END is none.
        weight: of the loss.

    Call arguments: `features` (batch, places, channels), `words` (batch, ids). Returns: s, (batch,
    places, ids).
    """

    def __init__(self, ids: int, weight: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ids = ids
        self.weight = weight

    def build(self, features_shape: tuple[Any, ...], words_shape: tuple[Any, ...]) -> None:
        """Make u and b, which starts so low that a picture has few words."""
        places, channels = features_shape[1:]
        rare = keras.initializers.Constant(-3.0 - math.log(places))
        self.kernel = self.add_weight(shape=(channels, self.ids), name="kernel")
        self.bias = self.add_weight(shape=(self.ids,), name="bias", initializer=rare)

    def call(self, features: tf.Tensor, words: tf.Tensor, training: bool = False) -> tf.Tensor:
        """See the class."""
        spots = features @ self.kernel + self.bias
        if training and self.weight:
            scores = tf.reduce_logsumexp(spots, axis=1)
            said = tf.reduce_max(tf.one_hot(words, self.ids, dtype=scores.dtype), axis=1)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(said, scores)[:, END + 1 :]
            self.add_loss(self.weight * tf.reduce_mean(tf.reduce_sum(losses, axis=1)))
        return spots

    def compute_output_shape(self, features_shape: tuple[Any, ...], words_shape: tuple[Any, ...]) -> Any:
        """Return the shape of what `call` returns."""
        return (*features_shape[:2], self.ids)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"ids": self.ids, "weight": self.weight}


def build_encoder(config: CaptioningConfig) -> keras.Model:
    """Return the encoder: `image` uint8 (batch, size, size, 3) -> features (batch, places, units)."""
    image = keras.Input([config.image_size, config.image_size, 3], dtype="uint8", name="image")
    x = _small(config, image) if config.encoder == "small" else _application(config, image)
    x = Coordinates(name="coordinates")(x)
    x = keras.layers.Dense(config.units, activation="relu", name="places")(x)
    x = keras.layers.Reshape([-1, config.units], name="features")(x)
    x = keras.layers.Dropout(config.encoder_dropout, name="features_dropout")(x)
    return keras.Model(image, x, name="encoder")


def _small(config: CaptioningConfig, image: keras.KerasTensor) -> keras.KerasTensor:
    """One convolution, then for every further halving one and a residual block of two."""
    x = keras.layers.Rescaling(1 / 127.5, -1.0, name="rescale")(image)
    x = _convolution(x, config.width, "stem", strides=2)
    for stage in range(1, config.halvings):
        channels = config.width * 2**stage
        x = _convolution(x, channels, f"stage_{stage}", strides=2)
        inner = _convolution(x, channels, f"stage_{stage}_a")
        inner = _convolution(inner, channels, f"stage_{stage}_b", activated=False)
        x = keras.layers.Add(name=f"stage_{stage}_add")([x, inner])
        x = keras.layers.ReLU(name=f"stage_{stage}_out")(x)
    return x


def _convolution(
    x: keras.KerasTensor, channels: int, name: str, strides: int = 1, activated: bool = True
) -> keras.KerasTensor:
    x = keras.layers.Conv2D(channels, 3, strides, padding="same", use_bias=False, name=name)(x)
    x = keras.layers.BatchNormalization(momentum=0.95, name=f"{name}_normalise")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if activated else x


def _application(config: CaptioningConfig, image: keras.KerasTensor) -> keras.KerasTensor:
    """One of keras.applications, which scales pixels by itself; without its classifier."""
    size = config.image_size
    weights = None if config.encoder_weights == "none" else config.encoder_weights
    make = getattr(keras.applications, _APPLICATIONS[config.encoder])
    try:
        network = make(include_top=False, weights=weights, input_shape=(size, size, 3))
    except Exception as error:  # whatever the download raises
        reason = str(error).strip().splitlines()[-1]
        raise UserError(
            f"--encoder-weights {weights}: can't be downloaded ({reason}); --encoder-weights none trains "
            "from scratch"
        ) from None
    # Where it starts from trained weights, its normalisation keeps their statistics.
    return network(keras.ops.cast(image, "float32"), training=False if weights else None)
