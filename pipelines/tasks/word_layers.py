"""Layers of networks that read words: an embedding with a start, and VADER's ratings."""

from __future__ import annotations

import keras
import numpy as np

from ..data.examples import Features
from ..ondevice.token_ids import VOCABULARY
from ..ondevice.tokenizer import Tokenizer
from . import vader
from .naive_bayes import log_count_ratios


def embedding(features: Features, size: int, naive_bayes: float) -> keras.layers.Layer:
    """Return a new embedding of the tokens, which masks padding.

    Args:
        features: inputs and targets by split; the start is computed from `train`.
        size: the size of a token's vector.
        naive_bayes: the log-count ratios, times this factor, are added to the first channels.
    """
    vocabulary = int(features.counts["vocabulary"])
    layer = keras.layers.Embedding(vocabulary, size, mask_zero=True, name="embedding")
    layer.build()
    if naive_bayes:
        ratios = log_count_ratios(features.inputs["train"], features.targets["train"], vocabulary)
        channels = np.zeros(layer.embeddings.shape, np.float32)
        channels[:, : ratios.shape[1]] = naive_bayes * ratios[:, :size]
        layer.embeddings.assign_add(channels)
    return layer


def ratings(features: Features, tokens: keras.KerasTensor) -> keras.KerasTensor:
    """Return the ratings of tokens in VADER's lexicon, which training does not change.

    Args:
        features: has the vocabulary among its assets.
        tokens: ids (batch, steps), 0 at padding.

    Returns:
        (batch, steps, 2): the positive and the negative part; zeros at padding and for other words.
    """
    values = vader.ratings(Tokenizer.from_json(features.assets[VOCABULARY]).vocabulary)
    layer = keras.layers.Embedding(*values.shape, trainable=False, name="ratings")
    layer.build()
    layer.embeddings.assign(values)
    return layer(tokens)


def summary(tokens: keras.KerasTensor, rated: keras.KerasTensor, units: int) -> keras.KerasTensor:
    """Return a dense layer over a text's ratings: their sums, balance and maxima, and the text's length.

    Args:
        tokens: ids (batch, steps), 0 at padding.
        rated: the tokens' ratings (batch, steps, 2).
        units: the size of the layer.

    Returns:
        (batch, units), from -1 to 1.
    """
    sums, largest = keras.ops.sum(rated, axis=1), keras.ops.max(rated, axis=1)
    length = keras.ops.sum(keras.ops.cast(tokens > 0, "float32"), axis=1, keepdims=True)
    balance = sums[:, :1] - sums[:, 1:]
    squashed = [keras.ops.tanh(sums / 2), keras.ops.tanh(balance / 2), largest / 2, length / 40]
    layer = keras.layers.Dense(units, activation="tanh", name="summary")
    return layer(keras.ops.concatenate(squashed, axis=-1))
