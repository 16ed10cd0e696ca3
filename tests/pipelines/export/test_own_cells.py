"""Cells of the user and convolutional LSTMs become files that a plain interpreter runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from reference.own_cells import CfCCell, OutputCell
from reference.parity import randomize

from pipelines.export.any_model import convert, load_model
from pipelines.export.keras.files import register

L = keras.layers
STEPS, FEATURES = 4, 3
IMAGE = (6, 5, 2)


def answers(content: bytes, x: np.ndarray) -> np.ndarray:
    """Run a file with one input and the output `y` on sequences (N, steps, ...): one call or one a step."""
    interpreter = Interpreter(model_content=content)
    if "step" not in interpreter.get_signature_list():
        run = interpreter.get_signature_runner("serve")
        return np.concatenate([run(x=one[None])["y"] for one in x])
    init, step = (interpreter.get_signature_runner(name) for name in ("init", "step"))
    rows = []
    for one in x:
        state: Mapping[str, Any] = init()
        for frame in one:
            found = step(x=frame[None, None], **state)
            state = {name: found[name] for name in state}
        rows.append(found["y"])
    return np.concatenate(rows)


def drawn(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def closed_form() -> keras.Model:
    """Cells of the user, unregistered, in one layer after the other; the last one answers."""
    first = L.RNN(CfCCell(5), return_sequences=True, name="first")
    layers = [keras.Input([STEPS, FEATURES], name="x"), first, L.RNN(OutputCell(4)), L.Dense(2, name="y")]
    model = keras.Sequential(layers)
    model(np.zeros([1, STEPS, FEATURES], np.float32))
    randomize(model)
    return model


def film() -> keras.Model:
    """A network over images as people have them, with pooling in 3D, which TFLite lacks."""
    given = keras.Input([STEPS, *IMAGE], name="x")
    x = L.TimeDistributed(L.Conv2D(3, 3, activation="relu"))(given)
    x = L.ConvLSTM2D(3, (2, 3), padding="same", return_sequences=True)(x)
    x = L.MaxPooling3D((1, 2, 1))(L.BatchNormalization()(x))
    x = L.ConvLSTM1D(2, 2, dropout=0.1)(L.TimeDistributed(L.Reshape([6, 3]))(x))
    model = keras.Model(given, L.Dense(2, name="y")(L.Flatten()(x)))
    randomize(model)
    for each in model.layers:
        if isinstance(each, L.BatchNormalization):
            each.moving_variance.assign(np.abs(each.moving_variance) + 0.5)
    return model


MODELS = {"closed form": (closed_form, (FEATURES,)), "film": (film, IMAGE)}
ALLOWED = {"float32": 1e-5, "float16": 5e-3, "int8": 0.25}
"""Of the largest output."""


@pytest.mark.parametrize(
    ("precision", "execution"),
    [
        ("float32", "loop"),
        ("float32", "step"),
        ("int8", "loop"),
        ("int8", "step"),
        pytest.param("float32", "unrolled", marks=pytest.mark.long),
        pytest.param("float16", "unrolled", marks=pytest.mark.long),
        pytest.param("int8", "unrolled", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("name", MODELS)
def test_files_answer_as_keras(name: str, precision: str, execution: str) -> None:
    make, step = MODELS[name]
    model, fresh = make(), drawn((3, STEPS, *step), seed=1)
    content = convert(model, precision, execution, drawn((16, STEPS, *step), seed=2))
    wanted = np.asarray(model(fresh))
    error = np.abs(answers(content, fresh) - wanted).max() / np.abs(wanted).max()
    assert error < ALLOWED[precision]


def test_a_cell_of_the_users_module_is_found_by_name(tmp_path: Path) -> None:
    model = closed_form()
    model.save(tmp_path / "model.keras")
    before = dict(keras.saving.get_custom_objects())
    try:
        register(["reference.own_cells:CfCCell", "reference.own_cells"])
        loaded = load_model(tmp_path / "model.keras")
    finally:
        keras.saving.get_custom_objects().clear()
        keras.saving.get_custom_objects().update(before)
    fresh = drawn((3, STEPS, FEATURES), seed=1)
    np.testing.assert_allclose(answers(convert(loaded), fresh), model(fresh), atol=1e-5)


def test_the_steps_of_a_layer_are_computed_together() -> None:
    """Keras makes a copy of the layer for each step."""
    content = convert(film())
    details = Interpreter(model_content=content)._get_ops_details()
    assert sum(op["op_name"] == "CONV_2D" for op in details) <= 4
