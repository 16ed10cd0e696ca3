"""The network: embedding, recurrent layers, attention and a maximum over the words, softmax."""

from __future__ import annotations

import keras
import numpy as np

import layers
from pipelines.data.examples import Features
from pipelines.tasks.naive_bayes import log_count_ratios

from .config import SentimentConfig

_ATTENTION = "attention"


def build_model(config: SentimentConfig, features: Features) -> keras.Model:
    """Return the network: tokens (batch, steps) int32, 0 at padding -> probabilities (batch, labels)."""
    tokens = keras.Input([None], dtype="int32", name="tokens")
    x = layers.TokenDropout(config.word_dropout, name="word_dropout")(tokens)
    x = _embedding(config, features)(x)
    x = keras.layers.SpatialDropout1D(config.channel_dropout, name="channel_dropout")(x)
    x = layers.Stack([_recurrent(config) for _ in range(config.depth)], config.dropout, name="recurrent")(x)
    pooled, _ = layers.AdditiveAttentionPooling(config.units, return_weights=True, name=_ATTENTION)(x)
    largest = layers.MaskedMaxPooling(name="largest")(x)
    x = keras.layers.Concatenate(name="pooled")([pooled, largest])
    x = keras.layers.Dropout(config.dropout, name="output_dropout")(x)
    outputs = keras.layers.Dense(len(features.labels), activation="softmax", name="probabilities")(x)
    return keras.Model(tokens, outputs, name="sentiment")


def _embedding(config: SentimentConfig, features: Features) -> keras.layers.Layer:
    vocabulary = int(features.counts["vocabulary"])
    layer = keras.layers.Embedding(vocabulary, config.embedding, mask_zero=True, name="embedding")
    layer.build()
    if config.naive_bayes_start:
        ratios = log_count_ratios(features.inputs["train"], features.targets["train"], vocabulary)
        channels = np.zeros(layer.embeddings.shape, np.float32)
        channels[:, : ratios.shape[1]] = config.naive_bayes_start * ratios[:, : config.embedding]
        layer.embeddings.assign_add(channels)
    return layer


def _recurrent(config: SentimentConfig) -> keras.layers.Layer:
    layer = layers.by_name(config.cell)(config.units, return_sequences=True)
    return layers.Bidirectional(layer) if config.bidirectional else layer


def make_loss(config: SentimentConfig) -> keras.losses.Loss:
    """Return the cross-entropy of integer targets."""
    return keras.losses.SparseCategoricalCrossentropy()


def attention_model(model: keras.Model) -> keras.Model:
    """Return the part of the network that computes the weight of each word: (batch, steps)."""
    return keras.Model(model.input, model.get_layer(_ATTENTION).output[1])
