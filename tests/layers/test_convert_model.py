"""Converted Keras models compute the same numbers, and hold no recurrent layer of Keras."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.keras_models import (
    MODELS,
    SEQUENCE,
    UNSAVED,
    K,
    Model,
    assert_ours,
    assert_same,
    inputs_of,
    made,
    recurrent_layers,
    sequential,
)
from reference.parity import BATCH, FEATURES, STEPS, UNITS, random_like, randomize

import layers
from layers import convert_model

# Models inside other models warn about every mask, although they use it.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Layer '(sequential|functional).*was passed an input with a mask"
)


@pytest.mark.parametrize("name", MODELS)
def test_same_outputs(name: str) -> None:
    model, inputs = made(name)
    stateful = any(getattr(layer, "stateful", False) for layer in model._flatten_layers())
    if stateful:
        model(inputs)  # so that its layers carry states other than zeros
    ours = convert_model(model)
    assert_ours(ours)
    assert type(ours) is type(model)
    assert ours.name == model.name
    for _ in range(2 if stateful else 1):
        assert_same(ours(inputs), model(inputs))


@pytest.mark.parametrize("name", [name for name in MODELS if name not in UNSAVED])
def test_same_outputs_after_loading(name: str, tmp_path: Any) -> None:
    model, inputs = made(name)
    convert_model(model).save(tmp_path / "ours.keras")
    loaded = keras.models.load_model(tmp_path / "ours.keras")
    if "subclassed" not in name:  # whose code makes layers of Keras
        assert_ours(loaded)
    assert_same(loaded(inputs), model(inputs))


@pytest.mark.parametrize("name", ["both ways", "lstm encoder-decoder", "subclassed", "stateful"])
def test_original_stays_untouched(name: str) -> None:
    model, inputs = made(name)
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
    model = sequential(
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
    inputs = inputs_of(model, "")
    np.testing.assert_allclose(ours(inputs), model(inputs), atol=2e-2)  # float16 keeps three digits


def test_unrolling_and_implementation_are_dropped() -> None:
    ours = convert_model(sequential(K.LSTM(UNITS, unroll=True, implementation=1)))
    assert not {"unroll", "implementation"} & set(ours.layers[0].get_config())


def test_shared_layers_stay_shared() -> None:
    model, _ = made("shared and nested")
    ours = convert_model(model)
    assert len(recurrent_layers(ours)) == 1
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
    assert_same(convert_model(model)(inputs), model(inputs))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_layers_of_this_package_keep_their_weights(bidirectional: bool) -> None:
    def layer() -> keras.Layer:
        return layers.Bidirectional(layers.GRU(3, return_sequences=True)) if bidirectional else layers.LSTM(3)

    below = layers.GRU(3, return_sequences=True)
    model = sequential(layers.Stack([below, layer()]), K.Dense(2))
    randomize(model)
    (inputs,) = random_like([(BATCH, *SEQUENCE)])
    assert_same(convert_model(model)(inputs), model(inputs))
