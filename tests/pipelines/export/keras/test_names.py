"""Inputs, outputs and states have the names of the user's layers, each once."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import layers
from pipelines.export.keras.model_inputs import by_name
from pipelines.export.keras.names import input_names, output_names
from pipelines.export.keras.saved_model import arguments

K = keras.layers


def test_outputs_are_called_as_their_layers_and_states() -> None:
    x = keras.Input([5, 3], name="x")
    both, *states = K.Bidirectional(K.LSTM(2, return_state=True, name="rnn"), name="both")(x)
    dense = K.Dense(2, name="dense")
    of_gru = K.GRU(2, return_state=True, name="gru")(x)
    model = keras.Model(x, [both, *states, *of_gru, dense(both), dense(both)])
    directions = [f"both_{way}_rnn_{state}" for way in ("forward", "backward") for state in ("h", "c")]
    assert output_names(model, 9) == ["both", *directions, "gru", "gru_h", "dense", "dense_2"]
    assert output_names(layers.convert_model(model), 9) == output_names(model, 9)


def test_inputs_without_names_are_called_as_in_a_file(tmp_path: Path) -> None:
    inputs = [keras.Input([5, 3]), keras.Input([5, 2])]
    model = keras.Model(inputs, K.GRU(2)(K.Concatenate()(inputs)))
    model.save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    converted = layers.convert_model(model)
    assert [each.name for each in converted.inputs] == [each.name for each in loaded.inputs]
    given = {each.name: np.full(1, i) for i, each in enumerate(inputs)}
    wanted = {each.name: np.full(1, i) for i, each in enumerate(loaded.inputs)}
    names = input_names(model, converted)
    assert by_name(converted, given, names) == by_name(converted, wanted, names) == wanted


@pytest.mark.filterwarnings("ignore:When providing `inputs` as a dict")
def test_inputs_in_a_dict_go_to_their_places() -> None:
    a, b = keras.Input([2], name="z"), keras.Input([2], name="y")
    model = keras.Model({"a": a, "b": b}, K.Subtract()([a, b]))
    answer = model(arguments(model, {"y": np.full([1, 2], 1.0), "z": np.full([1, 2], 3.0)}))
    np.testing.assert_array_equal(answer, [[2, 2]])


def test_states_of_one_name_are_told_apart() -> None:
    inner = keras.Sequential([keras.Input([5, 3]), layers.GRU(2, return_sequences=True, name="rnn")])
    model = keras.Sequential([keras.Input([5, 3]), inner, layers.LSTM(2, name="rnn")])
    assert list(layers.OneStep(model).states) == ["rnn_h", "rnn_2_h", "rnn_2_c"]
    assert list(layers.OneStep(model, taken=["rnn_2_c"]).states) == ["rnn_h", "rnn_3_h", "rnn_3_c"]
