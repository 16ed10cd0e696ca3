"""Keras models of many kinds with recurrent layers, for the tests of `convert_model`."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from reference.parity import BATCH, FEATURES, STEPS, UNITS, random_like, randomize

import layers

K = keras.layers
SAME = {"atol": 1e-5, "rtol": 0}
"""Rounding of float32 outputs up to 3. A misplaced state, mask or weight causes 1e-2 or more."""

TOKENS = np.array([[3, 1, 0, 4], [0, 2, 5, 0]])
"""Tokens with zeros, which `mask_zero` masks, before, between and after the others."""

SEQUENCE = (STEPS, FEATURES)
Model = keras.Model


@keras.saving.register_keras_serializable("test_convert_model")
def sine(x: Any) -> Any:
    return tf.sin(x)


@keras.saving.register_keras_serializable("test_convert_model")
class Reader(keras.layers.Layer):
    """A user's layer that gets its recurrent layer as an argument and has a weight."""

    def __init__(self, inner: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner
        self.supports_masking = True

    def build(self, shape: Any) -> None:
        self.inner.build(shape)
        self.scale = self.add_weight(shape=(1,), name="scale")

    def call(self, sequences: Any, mask: Any = None) -> Any:
        return self.inner(sequences, mask=mask) * self.scale

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"inner": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Reader":
        return cls(**(config | {"inner": keras.saving.deserialize_keras_object(config["inner"])}))


@keras.saving.register_keras_serializable("test_convert_model")
class Tagger(keras.Model):
    """A subclassed model with layers in attributes, lists, dicts, tuples, a Sequential and a layer."""

    def __init__(self, units: int = UNITS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.embedding = K.Embedding(6, FEATURES, mask_zero=True)
        self.chain = [K.LSTM(units, return_sequences=True), K.Dropout(0.1)]
        self.by_name = {"both": K.Bidirectional(K.GRU(units, return_sequences=True))}
        self.deep = ((K.SimpleRNN(units, return_sequences=True),), K.BatchNormalization())
        self.extra = Reader(K.GRU(units, return_sequences=True))
        self.end = keras.Sequential([K.LSTM(units), K.Dense(2)])

    def call(self, tokens: Any, training: bool = False) -> Any:
        x = self.embedding(tokens)
        for layer in (*self.chain, self.by_name["both"], self.deep[0][0], self.deep[1], self.extra):
            x = layer(x)
        return self.end(x)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.chain[0].units}


@keras.saving.register_keras_serializable("test_convert_model")
class Fusion(keras.Model):
    """A subclassed model of two inputs."""

    def __init__(self, units: int = UNITS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first, self.second = K.LSTM(units), K.GRU(units)

    def call(self, inputs: Any) -> Any:
        return self.first(inputs[0]) - self.second(inputs[1])

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.first.units}


def sequential(*parts: Any, shape: Any = SEQUENCE, **options: Any) -> Model:
    return keras.Sequential([keras.Input(shape, **options), *parts])


def functional(*parts: Any) -> Model:
    x = inputs = keras.Input((FEATURES,))
    for part in parts:
        x = part(x)
    return Model(inputs, x)


def tokens(*parts: Any, **options: Any) -> Model:
    return sequential(K.Embedding(6, FEATURES, mask_zero=True), *parts, shape=(STEPS,), **options)


def rnn_cells() -> list[Any]:
    return [K.LSTMCell(UNITS), K.GRUCell(UNITS + 1), K.SimpleRNNCell(UNITS + 2)]


def encoder_decoder(layer_class: Any, **options: Any) -> Model:
    """The decoder starts from the encoder's states. Both read masked tokens."""
    source, target = keras.Input((STEPS,)), keras.Input((STEPS,))
    embedding = K.Embedding(6, FEATURES, mask_zero=True)
    options |= {"return_state": True}
    _, *states = layer_class(UNITS, **options)(embedding(source))
    decoder = layer_class(UNITS, return_sequences=True, **options)
    outputs, *last = decoder(embedding(target), initial_state=states)
    return Model([source, target], [outputs, K.GRU(3)(outputs), *last])


def shared_and_nested() -> Model:
    """One recurrent layer, called twice inside a nested model that is called twice, and once outside it."""
    rnn = K.GRU(FEATURES, return_sequences=True)
    inner_input = keras.Input(SEQUENCE)
    inner = Model(inner_input, rnn(rnn(inner_input)), name="inner")
    left, right = keras.Input(SEQUENCE, name="left"), keras.Input(SEQUENCE, name="right")
    both = inner(left) + inner(rnn(right))
    pooled = K.GlobalAveragePooling1D()(both)
    return Model(
        {"left": left, "right": right},
        {"largest": keras.ops.max(both, axis=1), "pooled": keras.ops.tanh(pooled)},
    )


def nested_decoder() -> Model:
    """A decoder in a nested model. The mask that Keras ignores there comes from outside."""
    x, h = keras.Input(SEQUENCE), keras.Input((UNITS,))
    decoder = Model([x, h], K.GRU(UNITS, return_sequences=True)(x, initial_state=h))
    tokens, state = keras.Input((STEPS,)), keras.Input((UNITS,))
    outputs = decoder([K.Embedding(6, FEATURES, mask_zero=True)(tokens), state])
    return Model([tokens, state], K.LSTM(3)(outputs))


def bidirectional_states() -> Model:
    tokens = keras.Input((STEPS,))
    x = K.Embedding(6, FEATURES, mask_zero=True)(tokens)
    _, *states = K.Bidirectional(K.LSTM(UNITS, return_state=True))(x)
    both = K.Bidirectional(K.LSTM(UNITS, return_sequences=True), merge_mode=None)
    forward, backward = both(x, initial_state=states)
    return Model(tokens, [K.GRU(3)(forward), K.GRU(3)(backward), *states])


def attention() -> Model:
    tokens = keras.Input((STEPS,))
    x = K.Embedding(6, 4, mask_zero=True)(tokens)
    x = K.Bidirectional(K.GRU(4, return_sequences=True), "sum")(x)
    x = K.LayerNormalization()(x + K.MultiHeadAttention(2, 4)(x, x))
    return Model(tokens, K.LSTM(UNITS)(K.Attention()([x, x])))


def images() -> Model:
    return sequential(
        K.TimeDistributed(K.Conv2D(2, 3)),
        K.TimeDistributed(K.MaxPooling2D()),
        K.TimeDistributed(K.Flatten()),
        K.Lambda(lambda x: tf.nn.relu(x)),
        K.LSTM(UNITS, unroll=True),
        shape=(STEPS, 6, 6, 1),
    )


def called(model: Model, *inputs: Any) -> Model:
    model(*inputs)
    return model


MODELS: dict[str, Callable[[], Model]] = {
    "simple": lambda: sequential(K.SimpleRNN(UNITS, return_sequences=True, go_backwards=True), K.Dense(2)),
    "lstm masked": lambda: tokens(
        K.LSTM(UNITS, return_sequences=True, zero_output_for_mask=True), K.Dense(2)
    ),
    "gru before": lambda: tokens(K.GRU(UNITS, reset_after=False, implementation=1, go_backwards=True)),
    "masking": lambda: sequential(K.Masking(0.0), K.LSTM(UNITS, return_sequences=True), K.GRU(2)),
    "both ways": lambda: tokens(K.Bidirectional(K.LSTM(UNITS, return_sequences=True)), K.GRU(2)),
    "rnn of cell": lambda: tokens(*(K.RNN(c, return_sequences=True, go_backwards=True) for c in rnn_cells())),
    "rnn of cells": lambda: tokens(
        K.RNN(rnn_cells(), return_sequences=True, zero_output_for_mask=True), K.GRU(2)
    ),
    "stacked cells": lambda: tokens(K.RNN(K.StackedRNNCells(rnn_cells())), K.Dense(2)),
    "cells both ways": lambda: tokens(K.Bidirectional(K.RNN(K.LSTMCell(UNITS), return_sequences=True))),
    "convolution": lambda: sequential(
        K.Conv1D(4, 2), K.BatchNormalization(), K.MaxPooling1D(2), K.GRU(UNITS)
    ),
    "images": images,
    "time distributed": lambda: sequential(K.TimeDistributed(K.LSTM(UNITS)), shape=(2, *SEQUENCE)),
    "time distributed model": lambda: sequential(
        K.TimeDistributed(sequential(K.Dense(4), shape=(FEATURES,))), K.LSTM(UNITS)
    ),
    "time distributed models": lambda: sequential(
        K.TimeDistributed(functional(sequential(K.Dense(4), shape=(FEATURES,)), K.BatchNormalization())),
        K.GRU(UNITS),
    ),
    "another way back": lambda: sequential(
        K.Bidirectional(
            K.LSTM(UNITS, return_sequences=True),
            backward_layer=K.GRU(UNITS, return_sequences=True, go_backwards=True),
        ),
        K.LSTM(2),
    ),
    "layers in a row": lambda: sequential(K.Pipeline([K.Rescaling(0.5), K.Dense(4)]), K.LSTM(UNITS)),
    "zeros before windows": lambda: sequential(
        K.ZeroPadding1D((2, 0)), K.Conv1D(4, 3), K.ZeroPadding1D((1, 0)), K.MaxPooling1D(2, 1), K.GRU(2)
    ),
    "normalised inside": lambda: sequential(
        K.TimeDistributed(sequential(K.SpectralNormalization(K.Dense(4)), shape=(FEATURES,))), K.GRU(2)
    ),
    "model in a layer": lambda: sequential(Reader(sequential(K.Dense(4), K.Dense(3))), K.LSTM(UNITS)),
    "normalised weights": lambda: sequential(K.SpectralNormalization(K.Dense(4)), K.LSTM(UNITS)),
    "activation": lambda: sequential(K.LSTM(UNITS, activation=sine, recurrent_activation="hard_sigmoid")),
    "lstm encoder-decoder": lambda: encoder_decoder(K.LSTM),
    "gru encoder-decoder": lambda: encoder_decoder(K.GRU, dropout=0.2),
    "shared and nested": shared_and_nested,
    "nested decoder": nested_decoder,
    "states both ways": bidirectional_states,
    "attention": attention,
    "nested sequentials": lambda: sequential(sequential(K.LSTM(FEATURES, return_sequences=True)), K.GRU(2)),
    "layer of one's own": lambda: tokens(Reader(K.LSTM(UNITS, return_sequences=True)), K.GRU(2)),
    "subclassed": lambda: called(Tagger(3), TOKENS),
    "subclassed of two": lambda: called(Fusion(3), [tf.ones((BATCH, *SEQUENCE))] * 2),
    "subclassed inside": lambda: sequential(Tagger(3), K.Dense(2), shape=(STEPS,)),
    "stateful": lambda: sequential(K.LSTM(UNITS, stateful=True), batch_size=BATCH),
    "stateful both ways": lambda: tokens(K.Bidirectional(K.GRU(UNITS, stateful=True)), batch_size=BATCH),
    "stateful cells": lambda: sequential(K.RNN(rnn_cells(), stateful=True), batch_size=BATCH),
}
UNSAVED = {"images", "shared and nested"}
"""Models that Keras can't load: one has a lambda, one a layer both inside and outside a nested model."""


def inputs_of(model: Model, name: str) -> Any:
    def like(shape: Any) -> Any:
        if len(shape) == 2 and shape[1] == STEPS:
            return TOKENS
        (x,) = random_like([(BATCH, *shape[1:])], seed=7)
        if name == "masking":
            x[0, 1] = x[1, 2:] = 0.0
        return x

    if name == "subclassed":
        return TOKENS
    if name == "subclassed of two":
        return random_like([(BATCH, *SEQUENCE)] * 2, seed=7)
    wanted = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    return keras.tree.map_structure(lambda tensor: like(tensor.shape), wanted)


def made(name: str) -> tuple[Model, Any]:
    model = MODELS[name]()
    randomize(model, seed=11)
    for layer in model._flatten_layers():
        if isinstance(layer, K.BatchNormalization):
            layer.moving_variance.assign(abs(layer.moving_variance) + 0.5)
    return model, inputs_of(model, name)


def assert_same(results: Any, expected: Any) -> None:
    keras.tree.assert_same_structure(results, expected)
    for one, other in zip(keras.tree.flatten(results), keras.tree.flatten(expected), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, **SAME)
        masks = [getattr(part, "_keras_mask", None) for part in (one, other)]
        assert (masks[0] is None) == (masks[1] is None)
        np.testing.assert_array_equal(*masks)  # a loss is masked by it, too


def recurrent_layers(model: Model) -> list[Any]:
    ours = (layers.Recurrent, layers.Bidirectional, layers.Stack)
    return [layer for layer in model._flatten_layers() if isinstance(layer, ours)]


def assert_ours(model: Model) -> None:
    left = [layer for layer in model._flatten_layers() if isinstance(layer, (K.RNN, K.Bidirectional))]
    assert not left
    assert recurrent_layers(model)
