"""Recurrent layers of Keras without a counterpart compute their own steps, in every execution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.own_cells import CfCCell, OutputCell
from reference.parity import BATCH, FEATURES, STEPS, UNITS, random_like, randomize

from layers import OneStep, convert_model, execution
from layers.keras_rnn import KerasRNN

L = keras.layers
SAME = {"atol": 1e-6, "rtol": 0}


class OwnLSTM(L.LSTM):
    """A subclass that may compute anything."""


BACKWARDS = {"go_backwards": True}

MAKERS: dict[str, Callable[..., Any]] = {
    "CfC": lambda **o: L.RNN(CfCCell(UNITS), **o),
    "output of its own": lambda **o: L.RNN(OutputCell(UNITS), **o),
    "several cells": lambda **o: L.RNN([L.LSTMCell(2), CfCCell(UNITS)], **o),
    "subclass": lambda **o: OwnLSTM(UNITS, **o),
    "both directions": lambda **o: _both_directions(**o),
    "several cells backwards": lambda **o: L.RNN([L.LSTMCell(2), L.GRUCell(UNITS)], **(o | BACKWARDS)),
    "activity": lambda **o: L.GRU(UNITS, activity_regularizer="l2", **o),
    "activation with weights": lambda **o: L.GRU(UNITS, activation=L.PReLU(), **o),
}


def _both_directions(**options: Any) -> Any:
    with keras.saving.custom_object_scope({"CfCCell": CfCCell}):  # Keras copies the layer by its config
        return L.Bidirectional(L.RNN(CfCCell(UNITS), **options), name=options["name"])


def model_of(name: str, *, masked: bool = False, batch: int | None = None, **options: Any) -> keras.Model:
    given = keras.Input([STEPS, FEATURES], batch)
    model = keras.Model(given, MAKERS[name](name="rnn", **options)(L.Masking()(given) if masked else given))
    model(np.ones([batch or 1, STEPS, FEATURES], np.float32))
    randomize(model)
    return model


def sequences() -> np.ndarray:
    (x,) = random_like([(BATCH, STEPS, FEATURES)])
    x[0, 0], x[1, 2:] = 0, 0
    return x


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_sequences": True, "masked": True},
        {"masked": True, "return_sequences": True, "zero_output_for_mask": True, "go_backwards": True},
        {"masked": True, "return_state": True},
    ],
    ids=["last", "masked", "zeros backwards", "states"],
)
@pytest.mark.parametrize("name", MAKERS)
def test_every_execution_is_that_of_keras(name: str, options: dict[str, Any]) -> None:
    if name == "both directions":
        options = {key: value for key, value in options.items() if key not in ("go_backwards",)}
    model = model_of(name, **options)
    ours = convert_model(model)
    assert isinstance(ours.get_layer("rnn"), KerasRNN)
    expected = keras.tree.flatten(model(sequences()))
    for how in ("loop", "unrolled"):
        with execution(how):
            found = keras.tree.flatten(ours(sequences()))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, **SAME)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", ["CfC", "output of its own", "several cells"])
def test_a_stream_computes_the_sequence(name: str, masked: bool) -> None:
    model = model_of(name, return_sequences=True, masked=masked)
    step, x = OneStep(convert_model(model)), sequences()
    states, rows = step.initial_states(BATCH), []
    assert ("rnn_output" in states) == (name != "CfC")
    for t in range(STEPS):
        row, states = step(x[:, t : t + 1], states)
        rows.append(row)
    np.testing.assert_allclose(np.concatenate(rows, axis=1), model(x), **SAME)


def test_a_stateful_layer_goes_on_and_is_left_alone_by_a_stream() -> None:
    model = model_of("CfC", batch=BATCH, stateful=True)
    ours = convert_model(model)
    for _ in range(2):
        np.testing.assert_allclose(ours(sequences()), model(sequences()), **SAME)
    kept = np.asarray(ours.get_layer("rnn").layer.states[0])
    step = OneStep(ours)
    step(sequences()[:, :1], step.initial_states(BATCH))
    np.testing.assert_array_equal(ours.get_layer("rnn").layer.states[0], kept)


def test_long_sequences_and_open_ones() -> None:
    given = keras.Input([None, FEATURES])
    model = keras.Model(given, L.RNN(CfCCell(UNITS), return_sequences=True)(given))
    ours = convert_model(model)
    (x,) = random_like([(1, 600, FEATURES)])
    for spec in (tf.TensorSpec([1, 600, FEATURES]), tf.TensorSpec([None, None, FEATURES])):
        with execution("loop"):
            traced = tf.function(ours, autograph=False).get_concrete_function(spec)
        np.testing.assert_allclose(traced(tf.constant(x)), model(x), atol=1e-5)


def test_training_is_that_of_keras_and_files_keep_the_layer(tmp_path: Any) -> None:
    ours = convert_model(model_of("output of its own"))
    assert np.abs(ours(sequences(), training=True) - ours(sequences())).max() > 1e-3
    ours.save(tmp_path / "ours.keras")
    known = {"CfCCell": CfCCell, "OutputCell": OutputCell}
    again = keras.saving.load_model(tmp_path / "ours.keras", custom_objects=known)
    np.testing.assert_array_equal(again(sequences()), ours(sequences()))


def test_what_it_has_not_is_refused() -> None:
    ours = convert_model(model_of("CfC"))
    with execution("fused"), pytest.raises(ValueError, match="rnn: execution 'fused': expected an LSTM"):
        ours(sequences())
    with pytest.raises(ValueError, match="rnn: streaming: it starts at the end"):
        OneStep(convert_model(model_of("CfC", go_backwards=True)))
