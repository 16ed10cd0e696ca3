"""The network in training, what answers of it, and its loss."""

from __future__ import annotations

import keras
import tensorflow as tf

from pipelines.data.examples import Features

from .captions import END, Vocabulary
from .config import CaptioningConfig
from .decoder import Greedy, build_decoder
from .encoder import WordSpotting, build_encoder
from .features import VOCABULARY
from .reading import TeacherForcing


@keras.saving.register_keras_serializable("unrolled")
class CaptionLoss(keras.losses.Loss):
    """Cross-entropy of each next word in nats, mean over the words of a batch, END included.

    Targets (batch, steps, captions) and log-probabilities (batch, steps, captions, classes):

        loss = mean over t of - sum_k q_tk log p_tk,   q_t = (1 - s) onehot(target_t) + s / classes

    Words that the network can't say (unknown ones) don't count.

    Args:
        label_smoothing: s.
    """

    def __init__(self, label_smoothing: float = 0.0, **kwargs: object) -> None:
        super().__init__(name="caption_loss")
        self.label_smoothing = label_smoothing

    def call(self, targets: tf.Tensor, log_probabilities: tf.Tensor) -> tf.Tensor:
        """Return the loss, a scalar."""
        targets = tf.cast(targets, tf.int32)  # Keras makes real numbers of them
        classes = log_probabilities.shape[-1]
        first = tf.ones_like(targets[:, :1], tf.bool)
        counted = tf.concat([first, targets[:, :-1] != END], axis=1) & (targets < classes)
        chosen = tf.gather(
            log_probabilities, tf.minimum(targets, classes - 1), batch_dims=len(targets.shape), axis=-1
        )
        smoothing = self.label_smoothing
        losses = -(1 - smoothing) * chosen - smoothing * tf.reduce_mean(log_probabilities, axis=-1)
        weights = tf.cast(counted, losses.dtype)
        return tf.reduce_sum(losses * weights) / tf.maximum(1.0, tf.reduce_sum(weights))

    def get_config(self) -> dict[str, object]:
        """Return the constructor's arguments."""
        return {"label_smoothing": self.label_smoothing}


def build_model(config: CaptioningConfig, features: Features) -> keras.Model:
    """Return the network in training: `image`, `tokens` (batch, steps, captions), `words` (batch, ids) of all
    captions -> log-probabilities of what comes after each token, (batch, steps, captions, words + 1).
    """
    vocabulary = Vocabulary.from_json(features.assets[VOCABULARY])
    encoder = build_encoder(config)
    decoder = build_decoder(config, vocabulary, encoder.outputs[0].shape[1])
    image = keras.Input(encoder.inputs[0].shape[1:], dtype="uint8", name="image")
    tokens = keras.Input([None, None], dtype="int32", name="tokens")
    reading = TeacherForcing(
        decoder,
        config.attention_guidance,
        config.attention_regularization,
        config.scheduled_sampling,
        name="reading",
    )
    spotting = WordSpotting(vocabulary.start + 1, config.word_spotting, name="word_spotting")
    words = keras.Input([None], dtype="int32", name="words")
    features = encoder(image)
    outputs = reading(tokens, features, spotting(features, words))
    return keras.Model([image, tokens, words], outputs, name="image_captioning")


def encoder_of(model: keras.Model) -> keras.Model:
    """Return the part of a built network that reads the picture."""
    return model.get_layer("encoder")


def decoder_of(model: keras.Model) -> keras.Model:
    """Return the part of a built network that says words."""
    return model.get_layer("reading").decoder


def captioner(features: Features, model: keras.Model) -> keras.Model:
    """Return what answers: `image` -> ids (batch, max_words), the most probable word each time."""
    vocabulary = Vocabulary.from_json(features.assets[VOCABULARY])
    encoder = encoder_of(model)
    image = keras.Input(encoder.inputs[0].shape[1:], dtype="uint8", name="image")
    greedy = Greedy(decoder_of(model), vocabulary.start, features.preprocessing["max_words"], name="caption")
    return keras.Model(image, greedy(encoder(image)), name="captioner")
