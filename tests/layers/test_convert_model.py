"""Whole stock models, converted: the same numbers, and nothing recurrent of Keras left."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.parity import BATCH, FEATURES, STEPS, UNITS, random_like, randomize

import layers
from layers import convert_model

# What models inside of models say of every mask, and heed it all the same
pytestmark = pytest.mark.filterwarnings(
    "ignore:Layer '(sequential|functional).*was passed an input with a mask"
)

K = keras.layers
SAME = {"atol": 1e-5, "rtol": 0}
"""Float32, outputs of size up to 3; a state, mask or weight in the wrong place is off by 1e-2 and more."""

TOKENS = np.array([[3, 1, 0, 4], [0, 2, 5, 0]])
"""Zeros, which `mask_zero` masks, before, between and after."""

SEQUENCE = (STEPS, FEATURES)
Model = keras.Model


@keras.saving.register_keras_serializable("test_convert_model")
def sine(x: Any) -> Any:
    return tf.sin(x)


@keras.saving.register_keras_serializable("test_convert_model")
class Reader(keras.layers.Layer):
    """A layer of the user's own that is given its recurrent layer, and has a weight."""

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


def _sequential(*parts: Any, shape: Any = SEQUENCE, **options: Any) -> Model:
    return keras.Sequential([keras.Input(shape, **options), *parts])


def _tokens(*parts: Any, **options: Any) -> Model:
    return _sequential(K.Embedding(6, FEATURES, mask_zero=True), *parts, shape=(STEPS,), **options)


def _cells() -> list[Any]:
    return [K.LSTMCell(UNITS), K.GRUCell(UNITS + 1), K.SimpleRNNCell(UNITS + 2)]


def _encoder_decoder(layer_class: Any, **options: Any) -> Model:
    """The states of the encoder begin the decoder; both read masked tokens, and the decoder's are used."""
    source, target = keras.Input((STEPS,)), keras.Input((STEPS,))
    embedding = K.Embedding(6, FEATURES, mask_zero=True)
    options |= {"return_state": True}
    _, *states = layer_class(UNITS, **options)(embedding(source))
    decoder = layer_class(UNITS, return_sequences=True, **options)
    outputs, *last = decoder(embedding(target), initial_state=states)
    return Model([source, target], [outputs, K.GRU(3)(outputs), *last])


def _shared_and_nested() -> Model:
    """One recurrent layer twice in a nested model, which is called twice too, and once beside it."""
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


def _nested_decoder() -> Model:
    """A decoder in a model of its own: the mask that Keras ignores there comes from outside."""
    x, h = keras.Input(SEQUENCE), keras.Input((UNITS,))
    decoder = Model([x, h], K.GRU(UNITS, return_sequences=True)(x, initial_state=h))
    tokens, state = keras.Input((STEPS,)), keras.Input((UNITS,))
    outputs = decoder([K.Embedding(6, FEATURES, mask_zero=True)(tokens), state])
    return Model([tokens, state], K.LSTM(3)(outputs))


def _bidirectional_states() -> Model:
    tokens = keras.Input((STEPS,))
    x = K.Embedding(6, FEATURES, mask_zero=True)(tokens)
    _, *states = K.Bidirectional(K.LSTM(UNITS, return_state=True))(x)
    both = K.Bidirectional(K.LSTM(UNITS, return_sequences=True), merge_mode=None)
    forward, backward = both(x, initial_state=states)
    return Model(tokens, [K.GRU(3)(forward), K.GRU(3)(backward), *states])


def _attention() -> Model:
    tokens = keras.Input((STEPS,))
    x = K.Embedding(6, 4, mask_zero=True)(tokens)
    x = K.Bidirectional(K.GRU(4, return_sequences=True), "sum")(x)
    x = K.LayerNormalization()(x + K.MultiHeadAttention(2, 4)(x, x))
    return Model(tokens, K.LSTM(UNITS)(K.Attention()([x, x])))


def _images() -> Model:
    return _sequential(
        K.TimeDistributed(K.Conv2D(2, 3)),
        K.TimeDistributed(K.MaxPooling2D()),
        K.TimeDistributed(K.Flatten()),
        K.Lambda(lambda x: tf.nn.relu(x)),
        K.LSTM(UNITS, unroll=True),
        shape=(STEPS, 6, 6, 1),
    )


def _called(model: Model, *inputs: Any) -> Model:
    model(*inputs)
    return model


MODELS: dict[str, Callable[[], Model]] = {
    "simple": lambda: _sequential(K.SimpleRNN(UNITS, return_sequences=True, go_backwards=True), K.Dense(2)),
    "lstm masked": lambda: _tokens(
        K.LSTM(UNITS, return_sequences=True, zero_output_for_mask=True), K.Dense(2)
    ),
    "gru before": lambda: _tokens(K.GRU(UNITS, reset_after=False, implementation=1, go_backwards=True)),
    "masking": lambda: _sequential(K.Masking(0.0), K.LSTM(UNITS, return_sequences=True), K.GRU(2)),
    "both ways": lambda: _tokens(K.Bidirectional(K.LSTM(UNITS, return_sequences=True)), K.GRU(2)),
    "rnn of cell": lambda: _tokens(*(K.RNN(c, return_sequences=True, go_backwards=True) for c in _cells())),
    "rnn of cells": lambda: _tokens(
        K.RNN(_cells(), return_sequences=True, zero_output_for_mask=True), K.GRU(2)
    ),
    "stacked cells": lambda: _tokens(K.RNN(K.StackedRNNCells(_cells())), K.Dense(2)),
    "cells both ways": lambda: _tokens(K.Bidirectional(K.RNN(K.LSTMCell(UNITS), return_sequences=True))),
    "convolution": lambda: _sequential(
        K.Conv1D(4, 2), K.BatchNormalization(), K.MaxPooling1D(2), K.GRU(UNITS)
    ),
    "images": _images,
    "time distributed": lambda: _sequential(K.TimeDistributed(K.LSTM(UNITS)), shape=(2, *SEQUENCE)),
    "activation": lambda: _sequential(K.LSTM(UNITS, activation=sine, recurrent_activation="hard_sigmoid")),
    "lstm encoder-decoder": lambda: _encoder_decoder(K.LSTM),
    "gru encoder-decoder": lambda: _encoder_decoder(K.GRU, dropout=0.2),
    "shared and nested": _shared_and_nested,
    "nested decoder": _nested_decoder,
    "states both ways": _bidirectional_states,
    "attention": _attention,
    "nested sequentials": lambda: _sequential(_sequential(K.LSTM(FEATURES, return_sequences=True)), K.GRU(2)),
    "layer of one's own": lambda: _tokens(Reader(K.LSTM(UNITS, return_sequences=True)), K.GRU(2)),
    "subclassed": lambda: _called(Tagger(3), TOKENS),
    "subclassed of two": lambda: _called(Fusion(3), [tf.ones((BATCH, *SEQUENCE))] * 2),
    "subclassed inside": lambda: _sequential(Tagger(3), K.Dense(2), shape=(STEPS,)),
    "stateful": lambda: _sequential(K.LSTM(UNITS, stateful=True), batch_size=BATCH),
    "stateful both ways": lambda: _tokens(K.Bidirectional(K.GRU(UNITS, stateful=True)), batch_size=BATCH),
    "stateful cells": lambda: _sequential(K.RNN(_cells(), stateful=True), batch_size=BATCH),
}
UNSAVED = {"images", "shared and nested"}
"""Keras does not load them as they are either: a lambda, a layer both in and beside a nested model."""


def _inputs(model: Model, name: str) -> Any:
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


def _made(name: str) -> tuple[Model, Any]:
    model = MODELS[name]()
    randomize(model, seed=11)
    for layer in model._flatten_layers():
        if isinstance(layer, K.BatchNormalization):
            layer.moving_variance.assign(abs(layer.moving_variance) + 0.5)
    return model, _inputs(model, name)


def _assert_same(results: Any, expected: Any) -> None:
    keras.tree.assert_same_structure(results, expected)
    for one, other in zip(keras.tree.flatten(results), keras.tree.flatten(expected), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, **SAME)
        masks = [getattr(part, "_keras_mask", None) for part in (one, other)]
        assert (masks[0] is None) == (masks[1] is None)
        np.testing.assert_array_equal(*masks)  # a loss is masked by it, too


def _recurrent(model: Model) -> list[Any]:
    ours = (layers.Recurrent, layers.Bidirectional, layers.Stack)
    return [layer for layer in model._flatten_layers() if isinstance(layer, ours)]


def _assert_ours(model: Model) -> None:
    left = [layer for layer in model._flatten_layers() if isinstance(layer, (K.RNN, K.Bidirectional))]
    assert not left
    assert _recurrent(model)


@pytest.mark.parametrize("name", MODELS)
def test_same_outputs(name: str) -> None:
    model, inputs = _made(name)
    stateful = any(getattr(layer, "stateful", False) for layer in model._flatten_layers())
    if stateful:
        model(inputs)  # so that its layers carry states other than zeros
    ours = convert_model(model)
    _assert_ours(ours)
    assert type(ours) is type(model)
    assert ours.name == model.name
    for _ in range(2 if stateful else 1):
        _assert_same(ours(inputs), model(inputs))


@pytest.mark.parametrize("name", [name for name in MODELS if name not in UNSAVED])
def test_same_outputs_after_loading(name: str, tmp_path: Any) -> None:
    model, inputs = _made(name)
    convert_model(model).save(tmp_path / "ours.keras")
    loaded = keras.models.load_model(tmp_path / "ours.keras")
    if "subclassed" not in name:  # whose code makes layers of Keras
        _assert_ours(loaded)
    _assert_same(loaded(inputs), model(inputs))


@pytest.mark.parametrize("name", ["both ways", "lstm encoder-decoder", "subclassed", "stateful"])
def test_original_stays_untouched(name: str) -> None:
    model, inputs = _made(name)
    if name != "subclassed":
        model.compile("sgd", "mse")
    every = model._flatten_layers()
    values, nodes = model.get_weights(), [len(layer._inbound_nodes) for layer in every]
    config, compiled = model.get_config(), model.compiled
    ours = convert_model(model)
    assert [id(layer) for layer in model._flatten_layers()] == [id(layer) for layer in every]
    assert [len(layer._inbound_nodes) for layer in every] == nodes
    assert (model.get_config(), model.compiled, ours.compiled) == (config, compiled, False)
    assert not {id(layer) for layer in every} & {id(layer) for layer in ours._flatten_layers()}
    for weight in ours.weights:
        weight.assign(weight + 1.0)
    ours(inputs)
    for value, expected in zip(model.get_weights(), values, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_precision_and_what_is_trained_are_kept() -> None:
    half = {"dtype": "mixed_float16"}
    model = _sequential(
        K.Bidirectional(K.LSTM(UNITS, return_sequences=True, **half), **half),
        K.RNN([K.LSTMCell(UNITS, **half), K.GRUCell(UNITS, **half)], return_sequences=True, **half),
        K.GRU(UNITS, dtype="float64"),
        K.Dense(2),
    )
    randomize(model)
    model.layers[0].backward_layer.trainable = False
    model.layers[2].trainable = False
    ours = convert_model(model)
    for layer, mine in zip(model.layers, ours.layers, strict=True):
        assert mine.dtype_policy == layer.dtype_policy
        assert [w.dtype for w in mine.weights] == [w.dtype for w in layer.weights]
        assert [w.trainable for w in mine.weights] == [w.trainable for w in layer.weights]
        assert len(mine.trainable_weights) == len(layer.trainable_weights)
    assert [cell.cell.compute_dtype for cell in ours.layers[1].layers] == ["float16", "float16"]
    inputs = _inputs(model, "")
    np.testing.assert_allclose(ours(inputs), model(inputs), atol=2e-2)  # float16 keeps three digits


def test_unrolling_and_implementation_are_dropped() -> None:
    ours = convert_model(_sequential(K.LSTM(UNITS, unroll=True, implementation=1)))
    assert not {"unroll", "implementation"} & set(ours.layers[0].get_config())


def test_shared_layers_stay_shared() -> None:
    model, _ = _made("shared and nested")
    ours = convert_model(model)
    assert len(_recurrent(ours)) == 1
    assert len(ours.weights) == len(model.weights)


def test_other_state_than_weights_is_copied() -> None:
    words = K.TextVectorization(output_sequence_length=STEPS)
    words.adapt(["one two three two", "four"])
    numbers = K.Normalization()
    numbers.adapt(np.array([[[1.0] * FEATURES, [5.0] * FEATURES]]))
    text, x = keras.Input((1,), dtype="string"), keras.Input(SEQUENCE)
    read = K.LSTM(UNITS)(K.Embedding(9, 4, mask_zero=True)(words(text)))
    model = Model([text, x], [read, K.GRU(UNITS)(numbers(x))])
    inputs = [
        tf.constant([["two four"], ["none three one"]]),
        tf.constant(random_like([(BATCH, *SEQUENCE)])[0]),
    ]
    _assert_same(convert_model(model)(inputs), model(inputs))


@keras.saving.register_keras_serializable("test_convert_model")
class OwnCell(keras.layers.SimpleRNNCell):
    """A cell that unrolled does not know."""


class OwnRNN(keras.layers.LSTM):
    """A layer that may compute anything."""


class OwnSequential(keras.Sequential):
    """A model that may do anything."""


class Forgetful(Fusion):
    """Does not say what it was made of."""

    get_config = Model.get_config


class Late(keras.layers.Layer):
    """Makes its layers late."""

    def build(self, shape: Any) -> None:
        self.inner = K.GRU(UNITS)
        self.inner.build(shape)

    def call(self, x: Any) -> Any:
        return self.inner(x)


class Hidden(keras.layers.Layer):
    """Runs its layer from where it can't be found."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = K.GRU(UNITS)
        inner, self.run = self.inner, lambda x: inner(x)
        del self.inner

    def call(self, x: Any) -> Any:
        return self.run(x)


class Deaf(keras.Model):
    """Passes a state, but not the mask."""

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
    "own cell": (
        lambda: _sequential(K.RNN(OwnCell(UNITS), name="mine")),
        TypeError,
        "mine: cell: expected .*GRUCell, got OwnCell: write it as a Cell",
    ),
    "own cell in a stack": (
        lambda: _sequential(K.RNN([K.LSTMCell(2), OwnCell(2)], name="mine")),
        TypeError,
        "mine: cell: .*got OwnCell",
    ),
    "own layer": (
        lambda: _sequential(OwnRNN(2, name="mine")),
        TypeError,
        r"got OwnRNN \(mine\): write its step",
    ),
    "convolution": (
        lambda: _sequential(K.ConvLSTM1D(2, 2, name="mine"), shape=(2, *SEQUENCE)),
        TypeError,
        r"got ConvLSTM1D \(mine\)",
    ),
    "activity": (
        lambda: _sequential(K.Bidirectional(K.GRU(2), activity_regularizer="l2", name="mine")),
        ValueError,
        "mine: activity_regularizer.* make it without",
    ),
    "layer as activation": (
        lambda: _sequential(K.LSTM(2, activation=K.PReLU(), name="mine")),
        ValueError,
        "mine: activation: expected a function, got a layer",
    ),
    "unregistered activation": (
        lambda: _sequential(K.LSTM(2, activation=_same, name="mine")),
        ValueError,
        "mine: can't be made again from its config: register",
    ),
    "states of cells": (
        lambda: Model(x := keras.Input(SEQUENCE), K.RNN(_cells(), return_state=True, name="mine")(x)[0]),
        ValueError,
        "mine: return_state=True over several cells.*one RNN layer for each cell",
    ),
    "cells backwards": (
        lambda: _sequential(K.RNN(_cells(), go_backwards=True, name="mine")),
        ValueError,
        "mine: go_backwards=True over several cells",
    ),
    "initial state of cells": (_stack_with_states, ValueError, "cells: initial_state over several cells"),
    "precision of cells": (
        lambda: _sequential(K.RNN([K.GRUCell(2), K.GRUCell(2, dtype="float16")], name="mine")),
        ValueError,
        "mine: dtype: expected that of every cell",
    ),
    "own sequential": (
        lambda: OwnSequential([keras.Input(SEQUENCE), K.GRU(2)], name="mine"),
        ValueError,
        r"mine: OwnSequential, .* convert keras.Sequential\(model.layers\)",
    ),
    "no config": (
        lambda: _called(Forgetful(3, name="mine"), [tf.ones((BATCH, *SEQUENCE))] * 2),
        ValueError,
        "mine: Forgetful can't be made again without a get_config of its own: .* units",
    ),
    "made late": (
        lambda: _sequential(Late(name="mine")),
        ValueError,
        "mine: gru.* is not there in a Late made again",
    ),
    "hidden": (
        lambda: _sequential(Hidden(name="mine")),
        ValueError,
        "mine: gru.*: expected it in an attribute",
    ),
    "mask passed over": (lambda: _called(Deaf(), TOKENS), ValueError, "rnn: .*pass mask= in the call"),
}


def _same(x: Any) -> Any:
    return x


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    make, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        convert_model(make())
