"""A fused file answers every call from a state of zeros, in an interpreter that is never reset."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from pipelines.errors import ExportError
from pipelines.export.any_model import convert

L = keras.layers


@pytest.fixture(scope="module")
def inputs() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(20, 6, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    layers = [L.LSTM(16, return_sequences=True), L.LSTM(8), L.Dense(3)]
    made = keras.Sequential([L.Input((6, 4), name="x"), *layers])
    for weight in made.trainable_variables:
        weight.assign(2.0 * weight)
    return made


def answers(content: bytes, inputs: np.ndarray) -> np.ndarray:
    run: Any = Interpreter(model_content=content).get_signature_runner("serve")
    return np.concatenate([next(iter(run(x=x[None]).values())) for x in inputs])


@pytest.mark.parametrize(("precision", "allowed"), [("float32", 1e-5), ("float16", 0.01)])
def test_each_answer_is_that_of_keras(
    model: keras.Model, inputs: np.ndarray, precision: str, allowed: float
) -> None:
    content = convert(model, precision, "fused", {"x": inputs})
    expected = np.asarray(model(inputs))
    assert np.abs(expected).max() > 0.2
    assert np.abs(answers(content, inputs) - expected).max() <= allowed


def test_gates_too_small_to_quantise_are_told(model: keras.Model, inputs: np.ndarray) -> None:
    with pytest.raises(ExportError, match="dynamic_int8 fused: the same file as float32"):
        convert(model, "dynamic_int8", "fused", {"x": inputs})


def test_integer_answers_do_not_depend_on_those_before(model: keras.Model, inputs: np.ndarray) -> None:
    content = convert(model, "int8", "fused", {"x": inputs}, tolerance=10.0)
    together = answers(content, inputs)
    np.testing.assert_array_equal(answers(content, inputs[::-1]), together[::-1])


def test_small_cells_and_outputs_that_are_put_together_keep_their_precision() -> None:
    """The outputs of all steps share one scale, and the last cells stay below .5."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([L.Input((3, 6, 4), name="x"), L.TimeDistributed(L.LSTM(3)), L.LSTM(4)])
    x = np.random.default_rng(0).normal(size=(40, 3, 6, 4)).astype(np.float32)
    error = answers(convert(model, "int8", "fused", {"x": x}), x) - np.asarray(model(x))
    assert np.sqrt(np.mean(error**2)) <= 0.05 * np.std(model(x))
