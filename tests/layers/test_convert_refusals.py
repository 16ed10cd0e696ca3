"""`convert_model` says why it can't convert a model."""

from collections.abc import Callable
from typing import Any

import keras
import pytest
import tensorflow as tf
from reference.keras_models import SEQUENCE, TOKENS, Fusion, K, Model, called, sequential
from reference.parity import BATCH, UNITS

from layers import convert_model

# Models inside other models warn about every mask, although they use it.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Layer '(sequential|functional).*was passed an input with a mask"
)


class OwnSequential(keras.Sequential):
    """A subclass that may do anything."""


class Forgetful(Fusion):
    """Has no config with its arguments."""

    get_config = Model.get_config


class Late(keras.layers.Layer):
    """Creates its layers in build."""

    def build(self, shape: Any) -> None:
        self.inner = K.GRU(UNITS)
        self.inner.build(shape)

    def call(self, x: Any) -> Any:
        return self.inner(x)


class Hidden(keras.layers.Layer):
    """Keeps its layer in a closure, where it can't be found."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = K.GRU(UNITS)
        inner, self.run = self.inner, lambda x: inner(x)
        del self.inner

    def call(self, x: Any) -> Any:
        return self.run(x)


class IgnoresMask(keras.Model):
    """Calls its layer with a state and without the mask."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.embedding, self.rnn = K.Embedding(6, UNITS, mask_zero=True), K.GRU(UNITS, name="rnn")

    def call(self, tokens: Any) -> Any:
        x = self.embedding(tokens)
        return self.rnn(x, initial_state=x[:, 0])


def _stack_with_states() -> Model:
    x, states = keras.Input(SEQUENCE), [keras.Input((UNITS,)), keras.Input((UNITS,))]
    cells = K.RNN([K.GRUCell(UNITS), K.SimpleRNNCell(UNITS)], name="cells")
    return Model([x, *states], cells(x, initial_state=states))


REFUSED: dict[str, tuple[Callable[[], Any], Any, str]] = {
    "no model": (lambda: K.LSTM(2), TypeError, "expected a keras.Model, got LSTM"),
    "not built": (lambda: keras.Sequential([K.LSTM(2)]), ValueError, "not built.*call the model on a batch"),
    "unregistered activation": (
        lambda: sequential(K.LSTM(2, activation=_same, name="mine")),
        ValueError,
        "mine: LSTM can't be rebuilt from its config: .* register their classes and functions",
    ),
    "initial state of cells": (_stack_with_states, ValueError, "cells: initial_state over several cells"),
    "own sequential": (
        lambda: OwnSequential([keras.Input(SEQUENCE), K.GRU(2)], name="mine"),
        ValueError,
        r"mine: OwnSequential is your own class .* convert keras.Sequential\(model.layers\)",
    ),
    "no config": (
        lambda: called(Forgetful(3, name="mine"), [tf.ones((BATCH, *SEQUENCE))] * 2),
        ValueError,
        "mine: Forgetful can't be rebuilt without its own get_config: .* units",
    ),
    "made late": (
        lambda: sequential(Late(name="mine")),
        ValueError,
        "mine: gru.* is missing when Late is rebuilt",
    ),
    "hidden": (
        lambda: sequential(Hidden(name="mine")),
        ValueError,
        "mine: gru.*: expected the layer in an attribute",
    ),
    "mask passed over": (lambda: called(IgnoresMask(), TOKENS), ValueError, "rnn: .*pass mask= in the call"),
}


def _same(x: Any) -> Any:
    return x


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    make, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        convert_model(make())
