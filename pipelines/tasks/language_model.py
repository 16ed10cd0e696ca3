"""Let the layers that read words learn to tell the next and the previous word, before they learn labels."""

from __future__ import annotations

import logging
import time
from typing import Any

import keras
import numpy as np

from .._layers import layers
from ..data.examples import Features
from ..data.on_disk import some_of

log = logging.getLogger(__name__)

_WINDOW = 64
"""Words that are read at once."""
_FEWEST = 8
"""Windows with fewer words are left out."""
_MOST_TEXTS = 20_000
"""Of a split whose texts are on disk, so many are used, evenly spread."""


def learn_words(
    model: keras.Model, features: Features, *, epochs: int, batch_size: int, learning_rate: float
) -> dict[str, float]:
    """Train the embedding and the first recurrent layer of a network as a language model, in place.

        p(w_{t+1} | w_1 .. w_t) = softmax(E A h_t + b)        and, if there is a backward direction,
        p(w_{t-1} | w_t .. w_n) = softmax(E B g_t + b)

    with the embedding E, and the states h and g of the two directions. A, B and b are dropped afterwards.
    The texts are those of `train` and, if there is one, `pretraining`; labels are not used. If texts are on
    disk, some of them are used.

    Args:
        model: a network with `word_layers.embedding` and a `recurrent_stack`, whose input is tokens.
        features: tokens (texts, words) by split, 0 at padding.
        epochs: passes over the texts.
        batch_size: windows of 64 words in a step.
        learning_rate: the first one; it falls to 0 by a cosine.

    Returns:
        `language_model.nll`: the mean negative log-likelihood of a word of `validation`, in nats.

    Reference: A. M. Dai and Q. V. Le, Semi-supervised sequence learning, arXiv:1511.01432 (2015).
    """
    names = [name for name in ("train", "pretraining") if name in features.inputs]
    windows = np.concatenate([cut(some_of(features.inputs[name], _MOST_TEXTS)) for name in names])
    held_out = cut(some_of(features.inputs["validation"], _MOST_TEXTS))
    network = _language_model(model)
    steps = epochs * -(-len(windows) // batch_size)
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, max(1, steps))
    network.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), _nll)
    log.info("language model: %d windows of %d words", len(windows), _WINDOW)
    both = network.output.shape[1] > _WINDOW
    said = _Epochs(epochs)
    network.fit(
        *(windows, _targets(windows, both)),
        batch_size=batch_size,
        epochs=epochs,
        validation_data=(held_out, _targets(held_out, both)),
        verbose=0,
        callbacks=[said],
    )
    return {"language_model.nll": said.nll}


def cut(tokens: np.ndarray) -> np.ndarray:
    """Return windows (windows, 64) of texts (texts, words); padding is 0. Very short ones are left out."""
    padded = np.pad(tokens, ((0, 0), (0, -tokens.shape[1] % _WINDOW)))
    windows = padded.reshape(-1, _WINDOW)
    return windows[(windows > 0).sum(1) >= _FEWEST]


def _targets(windows: np.ndarray, both: bool) -> np.ndarray:
    """Return the word after each word and, with `both`, then the word before each; 0 where there is none."""
    following, before = windows[:, 1:], windows[:, :-1] * (windows[:, 1:] > 0)
    return np.concatenate([following, before], axis=1) if both else following


def _nll(targets: Any, logits: Any) -> Any:
    """Return the mean negative log-likelihood of the targets that are not 0."""
    each = keras.ops.sparse_categorical_crossentropy(targets, logits, from_logits=True)
    known = keras.ops.cast(targets > 0, each.dtype)
    return keras.ops.sum(each * known) / keras.ops.maximum(keras.ops.sum(known), 1.0)


def _language_model(model: keras.Model) -> keras.Model:
    """Return a network with the same layers: tokens (batch, 64) -> logits (batch, targets, vocabulary)."""
    stack = model.get_layer("recurrent")
    first = stack.layers[0]
    tokens = keras.Input([_WINDOW], dtype="int32")
    vectors, mask = keras.Model(model.input, stack.input)(tokens)
    states = first(vectors, mask=mask)
    directions = [states[:, :-1]]
    if isinstance(first, layers.Bidirectional):
        units = states.shape[-1] // 2
        directions = [states[:, :-1, :units], states[:, 1:, units:]]
    embedding = model.get_layer("embedding")
    projected = [keras.layers.Dense(embedding.output_dim)(each) for each in directions]
    return keras.Model(tokens, _Words(embedding)(keras.ops.concatenate(projected, axis=1)))


class _Words(keras.layers.Layer):
    """Compare vectors with those of all words: (batch, steps, size) -> (batch, steps, vocabulary)."""

    def __init__(self, embedding: keras.layers.Embedding, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.embedding = embedding
        self.bias = self.add_weight(shape=[embedding.input_dim], initializer="zeros", name="bias")

    def call(self, vectors: Any) -> Any:
        """Return the logits."""
        return keras.ops.matmul(vectors, keras.ops.transpose(self.embedding.embeddings)) + self.bias


class _Epochs(keras.callbacks.Callback):
    """Says how each epoch went, and how long the rest will take."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs, self.nll, self.started = epochs, float("nan"), time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep and say the value on validation."""
        self.nll = (logs or {})["val_loss"]
        left = (self.epochs - epoch - 1) * (time.monotonic() - self.started) / (epoch + 1)
        log.info(
            "language model, epoch %d of %d: %.3f nats a word on validation; about %d min left",
            *(epoch + 1, self.epochs, self.nll, -(-left // 60)),
        )
