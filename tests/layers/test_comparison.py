"""A converted model that answers otherwise than the original is refused."""

import importlib

import keras
import numpy as np
import pytest
from reference.keras_models import K, made, sequential, tokens

from layers import convert_model
from layers.comparison import require_same

FAULT = "the converted model differs from the original by"


def test_lost_weights_are_refused(monkeypatch):
    model = sequential(K.Dense(4), K.LSTM(3))
    module = importlib.import_module("layers.convert_model")  # the function has the same name
    monkeypatch.setattr(module, "copy_weights", lambda old, new: None)
    with pytest.raises(ValueError, match=FAULT):
        convert_model(model)


@pytest.mark.filterwarnings("ignore:Layer 'sequential.*was passed an input with a mask")
@pytest.mark.parametrize(
    "name", ["lstm masked", "shared and nested", "lstm encoder-decoder", "subclassed", "subclassed of two"]
)
def test_other_weights_are_refused_with_tokens_and_several_inputs(name):
    model, _ = made(name)
    ours = convert_model(model)
    for weight in ours.trainable_variables:
        weight.assign(1.1 * weight)
    with pytest.raises(ValueError, match=FAULT):
        require_same(model, ours)


def test_outputs_that_are_no_numbers_are_refused():
    model = sequential(K.Dense(4), K.LSTM(3))
    ours = convert_model(model)
    ours.layers[0].bias.assign(np.full(4, np.nan))
    with pytest.raises(ValueError, match=FAULT):
        require_same(model, ours)


def test_states_stay_as_they_were():
    model = sequential(K.LSTM(3, stateful=True), batch_size=2)
    model(np.ones((2, *model.input_shape[1:])))
    before = [keras.ops.convert_to_numpy(state) for state in model.layers[0].states]
    assert max(abs(state).max() for state in before) > 0
    ours = convert_model(model)
    for state, kept, new in zip(model.layers[0].states, before, ours.layers[0].states, strict=True):
        np.testing.assert_array_equal(state, kept)
        np.testing.assert_allclose(new, kept, atol=1e-6)


def test_texts_are_not_made_up():
    words = K.TextVectorization(vocabulary=["good", "bad"], output_sequence_length=4)
    model = keras.Sequential([keras.Input((1,), dtype="string"), words, K.Embedding(4, 3), K.LSTM(2)])
    assert convert_model(model).name == model.name


def test_tokens_declared_as_floats_are_zeros_and_ones():
    model = tokens(K.LSTM(3))  # an Embedding of 6 tokens refuses other numbers
    assert model.inputs[0].dtype == "float32"
    require_same(model, convert_model(model))
