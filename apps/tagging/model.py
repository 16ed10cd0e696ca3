"""The network: words, their characters and parts, recurrent layers in both directions, a linear-chain CRF."""

from __future__ import annotations

from pathlib import Path

import keras

import layers
from pipelines.data.examples import Features
from pipelines.data.word_vectors import read_vectors
from pipelines.ondevice.tagged_words import FILE, PARTS, WordReader
from pipelines.tasks.recurrent_stack import recurrent_stack

from .config import TaggingConfig

_CHARACTER, _WIDTH = 24, 3


def build_model(config: TaggingConfig, features: Features) -> keras.Model:
    """Return the network: words (batch, steps, columns) int32 -> what `tag_decoding` reads."""
    read = 1 + config.characters_read
    given = keras.Input([None, read + (PARTS if config.parts else 0)], dtype="int32", name="words")
    words = layers.TokenDropout(config.word_dropout, name="word_dropout")(given[:, :, 0])
    x = [_embedding(config, features)(words)]
    if config.characters:
        x.append(_of_characters(config, features, given[:, :, 1:read]))
    if config.parts:
        x.append(_of_parts(config, features, given[:, :, read:]))
    x = keras.layers.Concatenate(name="word_and_spelling")(x) if len(x) > 1 else x[0]
    x = keras.layers.SpatialDropout1D(config.channel_dropout, name="channel_dropout")(x)
    x = recurrent_stack(config, bidirectional=config.bidirectional)(x)
    x = keras.layers.Dropout(config.dropout, name="output_dropout")(x)
    tags = len(features.labels)
    scores = keras.layers.Dense(tags, name="scores")(x)
    if config.window:
        scores = scores + _of_window(config, features, given, tags)
    if config.decoder == "softmax":
        outputs = keras.layers.Activation("softmax", name="probabilities")(scores)
    else:
        outputs = layers.LinearChainCRF(name="crf")(scores)
    return keras.Model(given, outputs, name="tagging")


def _embedding(config: TaggingConfig, features: Features) -> keras.layers.Layer:
    """Return the embedding of words, which starts with the vectors of --vectors.

    It masks padding where words are read from the end, too: no step sees what is behind it otherwise.
    """
    layer = keras.layers.Embedding(
        int(features.counts["words"]), config.embedding, mask_zero=config.bidirectional, name="embedding"
    )
    if config.vectors is not None:
        given = read_vectors(Path(config.vectors), config.embedding)
        layer.build()
        start = keras.ops.convert_to_numpy(layer.embeddings).copy()
        for number, word in enumerate(WordReader.from_json(features.assets[FILE]).words):
            start[number] = given.get(word, start[number])
        layer.embeddings.assign(start)
    return layer


def _of_parts(config: TaggingConfig, features: Features, parts: keras.KerasTensor) -> keras.KerasTensor:
    """Return the sum of the vectors of each word's parts, (batch, steps, config.parts)."""
    x = keras.layers.Embedding(int(features.counts["parts"]), config.parts, name="parts")(parts)
    return keras.ops.sum(x, axis=2)


def _of_window(
    config: TaggingConfig, features: Features, given: keras.KerasTensor, tags: int
) -> keras.KerasTensor:
    """Return the sum of the scores that the words around each word have, and their parts, for each tag.

    Each word and each part has one score for each tag and place in the window, as in a linear model of
    hand-made features. Scores start at 0. In training features are dropped at random.

    Returns:
        (batch, steps, tags).
    """
    places = 2 * config.window + 1
    scores = []
    for name, each in (("words", given[:, :, :1]), ("parts", given[:, :, -PARTS:])):
        known = int(features.counts[name])
        table = keras.layers.Embedding(known, places * tags, "zeros", name=f"scores_of_{name}")
        scores.append(table(each))
    x = keras.layers.Concatenate(axis=2, name="scores_around")(scores)
    whole = (None, None, 1 + PARTS, 1)
    x = keras.layers.Dropout(config.dropout, whole, name="scores_dropout")(x)
    x = keras.ops.pad(keras.ops.sum(x, axis=2), [[0, 0], [config.window, config.window], [0, 0]])
    # The scores for the next word are the first ones, and come from the step before.
    steps = [slice(place, place - places + 1 or None) for place in range(places)]
    return sum(x[:, each, place * tags : (place + 1) * tags] for place, each in enumerate(steps))


def _of_characters(config: TaggingConfig, features: Features, given: keras.KerasTensor) -> keras.KerasTensor:
    """Return what the characters of each word tell, (batch, steps, config.characters), by a convolution."""
    size = int(features.counts["characters"])
    x = keras.layers.Embedding(size, _CHARACTER, name="characters")(given)
    x = keras.layers.Conv2D(
        config.characters, (1, _WIDTH), padding="same", activation="relu", name="spelling"
    )(x)
    return keras.ops.max(x, axis=2)


def make_loss(config: TaggingConfig) -> keras.losses.Loss:
    """Return the negative log-likelihood of the tags: of a sentence, or the mean over its words."""
    return (
        layers.CRFLoss()
        if config.decoder == "crf"
        else keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    )
