"""Streaming and the exported executions compute what one call on the whole sequence computes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from reference.cases import BATCH, FEATURES, RECURRENT, STEPS
from reference.parity import random_like, randomize

import layers

SAME = {"atol": 1e-6, "rtol": 1e-5}


def model_of(layer: keras.layers.Layer, masked: bool = False) -> keras.Model:
    x = keras.Input([STEPS, FEATURES], name="x")
    made = keras.Model(x, layer(keras.layers.Masking()(x) if masked else x))
    randomize(made, seed=5)
    return made


def sequences() -> np.ndarray:
    (x,) = random_like([(BATCH, STEPS, FEATURES)])
    return np.asarray(x)


def stepped(step: layers.OneStep, x: np.ndarray) -> list[np.ndarray]:
    states, rows = step.initial_states(len(x)), []
    for t in range(x.shape[1]):
        output, states = step(x[:, t : t + 1], states)
        rows.append(np.asarray(output))
    return rows


@pytest.mark.parametrize("name", RECURRENT)
def test_steps_equal_the_sequence(name: str) -> None:
    model = model_of(RECURRENT[name].make(return_sequences=True))
    x = sequences()
    rows = stepped(layers.OneStep(model), x)
    np.testing.assert_allclose(np.concatenate(rows, axis=1), model(x), **SAME)


@pytest.mark.parametrize("sequence", [True, False], ids=["sequence", "last"])
def test_masked_steps_keep_state_and_output(sequence: bool) -> None:
    model = model_of(layers.LSTM(5, return_sequences=sequence), masked=True)
    x = sequences()
    x[0, 0], x[1, 2:], x[2, 1] = 0, 0, 0
    rows = stepped(layers.OneStep(model), x)
    answers = np.concatenate(rows, axis=1) if sequence else rows[-1]
    np.testing.assert_allclose(answers, model(x), **SAME)


def test_states_are_named_after_layer_and_state() -> None:
    model = model_of(
        layers.Stack([layers.LSTM(5, return_sequences=True, name="low"), layers.GRU(4, name="high")])
    )
    assert layers.OneStep(model).states == {"low_h": (5,), "low_c": (5,), "high_h": (4,)}


def test_a_stateful_layer_is_left_as_it_is() -> None:
    x = keras.Input(batch_shape=[1, STEPS, FEATURES])
    layer = layers.GRU(5, stateful=True)
    model = keras.Model(x, layer(x))
    stepped(layers.OneStep(model), sequences()[:1])
    assert not np.any(layer.states[0].numpy())


def _shared() -> keras.Model:
    layer = layers.GRU(FEATURES, return_sequences=True)
    x = keras.Input([STEPS, FEATURES])
    return keras.Model(x, layer(layer(x)))


def _given() -> keras.Model:
    x, h = keras.Input([STEPS, FEATURES]), keras.Input([5])
    return keras.Model([x, h], layers.GRU(5)(x, initial_state=h))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: model_of(layers.Bidirectional(layers.GRU(5))), "starts at the end"),
        (lambda: model_of(layers.GRU(5, go_backwards=True)), "starts at the end"),
        (lambda: model_of(layers.MaskedMaxPooling()), "MaskedMaxPooling needs the whole sequence"),
        (lambda: model_of(keras.layers.Dense(2)), "expected a model with a layer that carries a state"),
        (_shared, "called once a step, got a shared layer"),
        (_given, "expected no initial_state"),
    ],
    ids=["bidirectional", "backwards", "pooling", "none", "shared", "initial_state"],
)
def test_what_needs_the_sequence_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _one_step_of(make())


FRAMES, BINS = 6, 8
STEPWISE = {
    "reshape": lambda: keras.layers.Reshape([-1, 2, BINS // 2]),
    "reshape to a channel": lambda: keras.layers.Reshape([-1, BINS, 1]),
    "permuted frequencies": lambda: keras.Sequential(
        [keras.layers.Reshape([-1, BINS, 1]), keras.layers.Permute([1, 3, 2])]
    ),
    "convolution over frequency": lambda: keras.Sequential(
        [keras.layers.Reshape([-1, BINS, 1]), keras.layers.Conv2D(3, (1, 3), strides=(1, 2), padding="same")]
    ),
    "convolution of a step": lambda: keras.layers.Conv1D(3, 1),
    "pooling over frequency": lambda: keras.Sequential(
        [keras.layers.Reshape([-1, BINS, 1]), keras.layers.AveragePooling2D([1, 3], strides=[1, 2])]
    ),
    "softmax of a step": lambda: keras.layers.Softmax(),
    "normalisation of a step": lambda: keras.layers.LayerNormalization(axis=-1),
    "statistics of a bin": lambda: keras.layers.BatchNormalization(axis=2),
    "slopes of a bin": lambda: keras.layers.PReLU(shared_axes=[1]),
}


@pytest.mark.parametrize("packet", [1, 2])
@pytest.mark.parametrize("name", STEPWISE)
def test_what_leaves_the_steps_apart_streams(name: str, packet: int) -> None:
    x = keras.Input([None, BINS])
    hidden = STEPWISE[name]()(x)
    hidden = keras.layers.Reshape([-1, int(np.prod(hidden.shape[2:]))])(hidden)
    model = keras.Model(x, layers.GRU(5, return_sequences=True)(hidden))
    given = np.random.default_rng(3).normal(size=(BATCH, FRAMES, BINS)).astype(np.float32)
    step = layers.OneStep(model)
    states, rows = step.initial_states(BATCH), []
    for t in range(0, FRAMES, packet):
        output, states = step(given[:, t : t + packet], states)
        rows.append(np.asarray(output))
    np.testing.assert_allclose(np.concatenate(rows, axis=1), model(given), **SAME)


def _pooled(layer: keras.layers.Layer, x: keras.KerasTensor) -> keras.KerasTensor:
    return layer(keras.layers.Reshape([-1, BINS, 1])(x))


@pytest.mark.parametrize(
    "make",
    [
        lambda x: keras.layers.Reshape([FRAMES, BINS], name="it")(x),
        lambda x: keras.layers.Reshape([-1, BINS // 2], name="it")(x),
        lambda x: keras.layers.Reshape([-1, FRAMES * BINS], name="it")(x),
        lambda x: keras.layers.Permute([2, 1], name="it")(x),
        lambda x: keras.layers.Conv1D(3, 2, padding="causal", name="it")(x),
        lambda x: keras.layers.Conv1D(3, 1, strides=2, name="it")(x),
        lambda x: _pooled(keras.layers.MaxPooling2D([2, 1], strides=1, name="it"), x),
        lambda x: _pooled(keras.layers.MaxPooling2D([1, 2], strides=2, name="it"), x),
        lambda x: _pooled(keras.layers.Conv2D(3, 1, data_format="channels_first", name="it"), x),
        lambda x: keras.layers.Softmax(axis=1, name="it")(x),
        lambda x: keras.layers.Softmax(axis=-2, name="it")(x),
        lambda x: keras.layers.LayerNormalization(axis=[1, 2], name="it")(x),
        lambda x: keras.layers.BatchNormalization(axis=1, name="it")(x),
        lambda x: keras.layers.Concatenate(axis=1, name="it")([x, x]),
        lambda x: keras.layers.PReLU(name="it")(x),
        lambda x: keras.layers.Flatten(name="it")(x),
        lambda x: keras.layers.GlobalAveragePooling1D(name="it")(x),
    ],
)
def test_what_mixes_the_steps_is_refused_by_name(make: Any) -> None:
    x = keras.Input([FRAMES, BINS])
    model = keras.Model([x], [make(x), layers.GRU(2)(x)])
    with pytest.raises(ValueError, match=r"it: streaming: \w+ needs the whole sequence, so it cannot run"):
        layers.OneStep(model)


def test_what_follows_the_last_output_has_no_steps() -> None:
    x = keras.Input([FRAMES, BINS])
    hidden = keras.layers.BatchNormalization(axis=1)(layers.GRU(5)(x))
    assert layers.OneStep(keras.Model(x, keras.layers.PReLU()(hidden))).states


def _one_step_of(model: keras.Model) -> None:
    step, x = layers.OneStep(model), sequences()[:, :1]
    inputs = [x, np.zeros((BATCH, 5), np.float32)] if len(model.inputs) == 2 else x
    step(inputs, step.initial_states(BATCH))


@pytest.mark.parametrize("name", RECURRENT)
def test_unrolled_equals_the_loop(name: str) -> None:
    layer = RECURRENT[name].built(return_state=True)
    randomize(layer, seed=6)
    x, mask = sequences(), np.arange(STEPS) < np.array([[4], [2], [3]])
    expected = layer(x, mask=mask)
    with layers.execution("unrolled"):
        for part, wanted in zip(layer(x, mask=mask), expected, strict=True):
            np.testing.assert_allclose(part, wanted, **SAME)


def test_fused_equals_the_loop() -> None:
    layer = layers.LSTM(5, return_sequences=True)
    layer.build((1, STEPS, FEATURES))
    randomize(layer, seed=7)
    x = sequences()[:1]
    expected = layer(x)
    with layers.execution("fused"):
        np.testing.assert_allclose(layer(x), expected, **SAME)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (layers.GRU(5), "expected an LSTM, got a GRUCell"),
        (layers.LSTM(5, peepholes=True), "without peepholes"),
        (layers.LSTM(5, activation="relu"), "activations tanh and sigmoid"),
        (layers.LSTM(5, zoneout=0.1), "no zoneout"),
        (layers.LSTM(5, return_state=True), "does not return or carry"),
    ],
    ids=["gru", "peepholes", "activation", "zoneout", "state"],
)
def test_fused_refuses_what_tflite_has_not(layer: keras.layers.Layer, message: str) -> None:
    with layers.execution("fused"), pytest.raises(ValueError, match=message):
        layer(sequences()[:1])


def test_fused_refuses_masks_and_batches() -> None:
    layer, x = layers.LSTM(5), sequences()
    with layers.execution("fused"):
        with pytest.raises(ValueError, match="no mask"):
            layer(x[:1], mask=np.ones((1, STEPS), bool))
        with pytest.raises(ValueError, match=f"a batch of 1, got {BATCH}"):
            layer(x)
