"""The networks: recurrent layers over the symbols so far, then the probabilities of the next symbol.

Training and deployment share all weights. In training the recurrent layers are stateful: each row of a batch
goes on where the same row of the batch before ended (truncated backpropagation through time).
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

import layers
from pipelines.data.examples import Features
from pipelines.tasks.generation_losses import NegativeLogLikelihood

from .config import TextConfig


def make_loss(config: TextConfig) -> keras.losses.Loss:
    """Return the negative log-likelihood in nats a symbol."""
    return NegativeLogLikelihood()


def build_model(config: TextConfig, features: Features) -> keras.Model:
    """Return the network that is trained: symbols (batch_size, steps) -> probabilities of the next ones."""
    recurrent = [_recurrent(config, kind, f"recurrent_{i}") for i, kind in enumerate(config.kinds, 1)]
    symbols = int(features.counts["symbols"])
    kind = keras.layers.ReversibleEmbedding if config.tied else keras.layers.Embedding
    embedding = kind(symbols, config.embedding, name="embedding")
    output = keras.layers.Dense(config.embedding if config.tied else symbols, name="output")
    model = _connected(config, embedding, recurrent, output, batch_size=config.batch_size)
    if not config.tied:
        counts = 1.0 + np.bincount(features.targets["train"].ravel(), minlength=symbols)
        output.bias.assign(np.log(counts / counts.sum()))
    return model


def _recurrent(config: TextConfig, kind: str, name: str) -> keras.layers.Layer:
    """Return a layer that goes on with the texts of the batch before."""
    make = layers.by_name(kind)
    if kind in layers.WINDOWED_NAMES:
        return layers.Continued(make(config.units, return_sequences=True, name=name), name=name)
    more = {"layer_normalization": True} if config.layer_normalization else {}
    cell = make(config.units, recurrent_dropout=config.recurrent_dropout, **more).cell
    return layers.Recurrent(cell, return_sequences=True, stateful=True, name=name)


def deployed(config: TextConfig, features: Features, model: keras.Model) -> keras.Model:
    """Return the network that starts from zeros and takes any number of texts; it shares all weights."""
    trained = [model.get_layer(f"recurrent_{number}") for number in range(1, len(config.kinds) + 1)]
    recurrent = [
        layer.layer
        if isinstance(layer, layers.Continued)
        else layers.Recurrent(layer.cell, return_sequences=True, name=layer.name)
        for layer in trained
    ]
    return _connected(config, model.get_layer("embedding"), recurrent, model.get_layer("output"))


def _connected(
    config: TextConfig,
    embedding: keras.layers.Layer,
    recurrent: Sequence[keras.layers.Layer],
    output: keras.layers.Layer,
    *,
    batch_size: int | None = None,
) -> keras.Model:
    """Return the network of these layers. Its last operations stay in float32 in every precision."""
    masks = (None, 1, None) if config.variational_dropout else None
    inputs = keras.Input([None], batch_size=batch_size, dtype="int32", name="symbols")
    x = embedding(inputs)
    for layer in recurrent:
        x = layer(x)
        x = keras.layers.Dropout(config.dropout, masks, name=f"{layer.name}_dropout")(x)
    x = output(x)
    if config.tied:  # the weights of the embedding, from a vector of its size to the symbols
        x = embedding(x, reverse=True)
    x = keras.layers.Activation("log_softmax", name="log_probabilities")(x)
    outputs = keras.layers.Activation("exponential", name="probabilities")(x)
    return keras.Model(inputs, outputs, name="text_generation")


def start_epoch(config: TextConfig, model: keras.Model, epoch: int) -> None:
    """Let all streams start from zeros."""
    for number in range(1, len(config.kinds) + 1):
        model.get_layer(f"recurrent_{number}").reset_state()
