"""The networks: recurrent layers over the past, then the probabilities of the next step."""

from __future__ import annotations

import keras
import numpy as np

import layers
from pipelines.data.examples import Features
from pipelines.data.note_grid import KEYS
from pipelines.tasks.generation_layers import Columns, RecentAttention
from pipelines.tasks.generation_losses import NegativeLogLikelihood

from .config import MusicConfig
from .features import representation_of
from .key_convolution import KeyConvolution
from .pianoroll import PianoRoll
from .tokens import COLUMNS, INTERVALS, MOVES, START, Tokens

_REACH = 36  # keys above and below, in the previous frame, that each key depends on


def make_loss(config: MusicConfig) -> keras.losses.Loss:
    """Return the negative log-likelihood in nats a step."""
    return NegativeLogLikelihood()


def build_model(config: MusicConfig, features: Features) -> keras.Model:
    """Return the network: a sequence of inputs -> probabilities, (batch, steps, ..., classes)."""
    representation = representation_of(features.preprocessing)
    if isinstance(representation, PianoRoll):
        return _frames(config, representation, features)
    return _tokens(config, representation, features)


def _tokens(config: MusicConfig, representation: Tokens, features: Features) -> keras.Model:
    """Embeds the previous token, the next voice, the place in the bar and the state of each voice."""
    voices, size = representation.voices, config.embedding
    inputs = keras.Input([None, representation.columns], dtype="int32", name="steps")
    kinds = (("token", START + 1, size), ("voice", voices, 8), ("position", representation.positions, 8))
    parts = []
    for column, (name, count, width) in enumerate(kinds):
        ids = Columns(column, column + 1, squeeze=True, name=f"{name}_column")(inputs)
        parts.append(keras.layers.Embedding(count, width, name=name)(ids))
    of_voices = (("sounding", KEYS + 1, size), ("interval", INTERVALS, 8), ("move", MOVES, 8))
    starts = range(COLUMNS, representation.columns, voices)  # a single voice uses only the first
    for start, (name, count, width) in zip(starts, of_voices, strict=False):
        ids = Columns(start, start + voices, name=f"{name}_columns")(inputs)
        embedded = keras.layers.Embedding(count, width, name=name)(ids)
        parts.append(keras.layers.Reshape([-1, voices * width], name=f"{name}_of_voices")(embedded))
    x = keras.layers.Concatenate(name="features")(parts)
    past = _past(config, x)
    # The present sounds also bypass the recurrent layers.
    x = keras.layers.Concatenate(name="past_and_now")([past, x])
    x = keras.layers.Dense(config.units, activation="relu", name="hidden")(x)
    x = keras.layers.Dropout(config.output_dropout, name="hidden_dropout")(x)
    return _finished(inputs, x, features)


def _frames(config: MusicConfig, representation: PianoRoll, features: Features) -> keras.Model:
    """Gives each key hidden units that depend on the recurrent layers and on the keys around it."""
    halves = 2 if representation.autoregressive else 1
    inputs = keras.Input([None, halves * KEYS], name="frames")
    before = Columns(0, KEYS, name="before")(inputs) if representation.autoregressive else inputs
    size = config.channels
    past = keras.layers.Dense(KEYS * size, name="past_by_key")(_past(config, before))
    parts = [
        keras.layers.Reshape([-1, KEYS, size], name="past_of_keys")(past),
        KeyConvolution(size, _REACH, name="around")(before),
    ]
    if representation.autoregressive:
        now = Columns(KEYS, 2 * KEYS, name="now")(inputs)
        parts.append(KeyConvolution(size, KEYS - 1, below=True, name="below")(now))
    x = keras.layers.Add(name="keys")(parts)
    x = keras.layers.Activation("relu", name="hidden")(x)
    x = keras.layers.Dropout(config.output_dropout, name="hidden_dropout")(x)
    x = keras.layers.Dense(size, activation="relu", name="hidden_2")(x)
    x = keras.layers.Dropout(config.output_dropout, name="hidden_2_dropout")(x)
    return _finished(inputs, x, features)


def _past(config: MusicConfig, x: keras.KerasTensor) -> keras.KerasTensor:
    cell = layers.by_name(config.cell)
    recurrent = [
        cell(config.units, return_sequences=True, recurrent_dropout=config.recurrent_dropout)
        for _ in range(config.depth)
    ]
    past = layers.Stack(recurrent, config.dropout, name="recurrent")(x)
    if config.attention:
        recent = RecentAttention(config.attention, config.units, name="attention")(past)
        past = keras.layers.Concatenate(name="past")([past, recent])
    return keras.layers.Dropout(config.dropout, name="dropout")(past)


def _finished(inputs: keras.KerasTensor, hidden: keras.KerasTensor, features: Features) -> keras.Model:
    """Add a softmax whose bias starts from the class frequencies of the training split.

    Its last operations stay in float32 in every precision. In 8 bits a probability would be a multiple of
    1/256, and rarer classes would be impossible.
    """
    targets = features.targets["train"]
    classes = representation_of(features.preprocessing).classes
    counts = 1.0 + np.bincount(targets[targets >= 0], minlength=classes)
    dense = keras.layers.Dense(classes, name="logits")
    logits = dense(hidden)
    dense.bias.assign(np.log(counts / counts.sum()))
    log_probabilities = keras.layers.Activation("log_softmax", name="log_probabilities")(logits)
    outputs = keras.layers.Activation("exponential", name="probabilities")(log_probabilities)
    return keras.Model(inputs, outputs, name="music_generation")
