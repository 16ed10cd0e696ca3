"""The network: embedding, recurrent layers, attention over the words, softmax."""

from __future__ import annotations

import keras

import layers
from pipelines.data import Features

from .config import SentimentConfig

CELLS = {"simple_rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}
ATTENTION = "attention"


def build_model(config: SentimentConfig, features: Features) -> keras.Model:
    """Return the network: tokens (batch, steps) int32, 0 at padding -> probabilities (batch, labels)."""
    tokens = keras.Input([None], dtype="int32", name="tokens")
    vocabulary = int(features.counts["vocabulary"])
    x = keras.layers.Embedding(vocabulary, config.embedding, mask_zero=True, name="embedding")(tokens)
    x = keras.layers.Dropout(config.word_dropout, noise_shape=(None, None, 1), name="word_dropout")(x)
    x = keras.layers.SpatialDropout1D(config.dropout, name="channel_dropout")(x)
    x = layers.Stack([_recurrent(config) for _ in range(config.depth)], config.dropout, name="recurrent")(x)
    x, _ = layers.AdditiveAttentionPooling(config.units, return_weights=True, name=ATTENTION)(x)
    x = keras.layers.Dropout(config.dropout, name="output_dropout")(x)
    outputs = keras.layers.Dense(len(features.labels), activation="softmax", name="probabilities")(x)
    return keras.Model(tokens, outputs, name="sentiment")


def _recurrent(config: SentimentConfig) -> keras.layers.Layer:
    layer = CELLS[config.cell](config.units, return_sequences=True)
    return layers.Bidirectional(layer) if config.bidirectional else layer


def attention_model(model: keras.Model) -> keras.Model:
    """Return the part of the network that gives the weight of each word: (batch, steps)."""
    return keras.Model(model.inputs, model.get_layer(ATTENTION).output[1])
