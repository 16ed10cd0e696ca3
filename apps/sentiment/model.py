"""The network: embedding, recurrent layers, attention and a maximum over the words, softmax."""

from __future__ import annotations

import keras

import layers
from pipelines.data.examples import Features
from pipelines.tasks import word_layers
from pipelines.tasks.language_model import learn_words
from pipelines.tasks.recurrent_stack import recurrent_stack

from .config import SentimentConfig

_ATTENTION = "attention"
_SUMMARY_UNITS = 16


def build_model(config: SentimentConfig, features: Features) -> keras.Model:
    """Return the network: tokens (batch, steps) int32, 0 at padding -> probabilities (batch, labels)."""
    tokens = keras.Input([None], dtype="int32", name="tokens")
    x = layers.TokenDropout(config.word_dropout, name="word_dropout")(tokens)
    x = word_layers.embedding(features, config.embedding, config.naive_bayes_start)(x)
    x = keras.layers.SpatialDropout1D(config.channel_dropout, name="channel_dropout")(x)
    if config.lexicon:
        rated = word_layers.ratings(features, tokens)
        x = keras.layers.Concatenate(name="with_ratings")([x, rated])
    x = recurrent_stack(config, bidirectional=config.bidirectional)(x)
    pooled, _ = layers.AdditiveAttentionPooling(config.units, return_weights=True, name=_ATTENTION)(x)
    largest = layers.MaskedMaxPooling(name="largest")(x)
    x = keras.layers.Concatenate(name="pooled")([pooled, largest])
    x = keras.layers.Dropout(config.dropout, name="output_dropout")(x)
    if config.lexicon:
        x = keras.layers.Dropout(config.network_dropout, noise_shape=(None, 1), name="network_dropout")(x)
        x = keras.layers.Concatenate(name="with_summary")(
            [x, word_layers.summary(tokens, rated, _SUMMARY_UNITS)]
        )
    outputs = keras.layers.Dense(len(features.labels), activation="softmax", name="probabilities")(x)
    return keras.Model(tokens, outputs, name="sentiment")


def first_weights(config: SentimentConfig, features: Features, model: keras.Model) -> dict[str, float]:
    """Train the network as a language model if the settings say so; return its figure on validation."""
    if not config.language_model_epochs:
        return {}
    return learn_words(
        model,
        features,
        epochs=config.language_model_epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
    )


def make_loss(config: SentimentConfig) -> keras.losses.Loss:
    """Return the cross-entropy of integer targets."""
    return keras.losses.SparseCategoricalCrossentropy()


def attention_model(model: keras.Model) -> keras.Model:
    """Return the part of the network that computes the weight of each word: (batch, steps)."""
    return keras.Model(model.input, model.get_layer(_ATTENTION).output[1])
