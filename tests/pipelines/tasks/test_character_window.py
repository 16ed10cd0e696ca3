"""The soft window over characters: by hand, along its text, step by step, and in a file."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers import GRU, OneStep, execution
from pipelines.export.part import Part
from pipelines.export.parts import export_parts
from pipelines.ondevice.model import Stream
from pipelines.ondevice.step_network import StreamNetwork
from pipelines.ondevice.vocabulary import END
from pipelines.tasks.character_window import CharacterWindow
from pipelines.tasks.stroke_mixture import StrokeMixture

CHARACTERS, GAUSSIANS = 5, 3
rng = np.random.default_rng(0)
TEXT = np.array([[3, 1, 4, END, END], [2, 1, 1, 4, 3]], np.int32)
X = rng.normal(size=(2, 7, 3)).astype(np.float32)


def window(cell: str = "lstm", pace: float = 2.0) -> CharacterWindow:
    keras.utils.set_random_seed(1)
    layer = CharacterWindow(cell, 6, CHARACTERS, gaussians=GAUSSIANS, pace=pace)
    layer(X, TEXT)
    for weight in layer.trainable_variables:
        weight.assign(weight + rng.normal(0, 0.3, weight.shape))
    return layer


def model_of(layer: CharacterWindow) -> keras.Model:
    points, text = keras.Input([None, 3], name="points"), keras.Input([5], dtype="int32", name="text")
    h, w, phi = layer(points, text)
    x = GRU(4, return_sequences=True)(keras.layers.Concatenate()([h, w]))
    return keras.Model([points, text], [x, phi])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_window_by_hand(cell: str) -> None:
    layer = window(cell)
    found = layer(X, TEXT)
    onehot = np.eye(CHARACTERS)[TEXT][:, :, 1:]
    states, kappa, w = layer.cell.get_initial_state(2), np.zeros((2, GAUSSIANS)), np.zeros((2, 4))
    for t in range(X.shape[1]):
        h, states = layer.cell(np.concatenate([X[:, t], w], axis=1).astype(np.float32), states)
        numbers = np.logaddexp(0, np.asarray(h) @ np.asarray(layer.kernel) + np.asarray(layer.bias))
        a, b, c = np.split(numbers, 3, axis=1)
        kappa = kappa + c
        phi = np.zeros((2, 5))
        for u in range(5):
            phi[:, u] = (a * np.exp(-b * (kappa - u) ** 2)).sum(axis=1)
        w = np.einsum("bu,buc->bc", phi, onehot)
        for one, whole in zip((h, w, phi), found, strict=True):
            np.testing.assert_allclose(whole[:, t], one, atol=1e-5)
    assert layer.compute_output_shape(X.shape, TEXT.shape) == [tuple(each.shape) for each in found]


@pytest.mark.parametrize("cell", ["lstm", "min_gru"])
def test_step_by_step_it_gives_what_the_whole_gives(cell: str) -> None:
    model = model_of(window(cell))
    whole, step = model([X, TEXT]), OneStep(model)
    states = step.initial_states(2)
    assert {"character_window_kappa", "character_window_window"} < {name.replace("_1", "") for name in states}
    for t in range(X.shape[1]):
        outputs, states = step([X[:, t : t + 1], TEXT], states)
        for one, all_steps in zip(outputs, whole, strict=True):
            np.testing.assert_allclose(one[:, 0], all_steps[:, t], atol=1e-5)


def test_the_window_starts_at_the_text_and_follows_it_at_its_pace() -> None:
    layer = CharacterWindow("gru", 6, CHARACTERS, gaussians=GAUSSIANS, pace=4.0)
    text = np.array([[1, 2, 3, 4, END, END]], np.int32)
    _, w, phi = layer(np.zeros((1, 20, 3), np.float32), text)
    at = np.argmax(phi[0], axis=-1)
    assert at[0] == 0
    assert (np.diff(at) >= 0).all()
    assert at[15:].min() == 4  # behind the text, where it reads no character
    np.testing.assert_array_equal(np.argmax(w[0], axis=-1)[at < 4], at[at < 4])
    assert np.sum(phi[0, 1]) < 3


def test_padding_is_read_as_no_character() -> None:
    layer = window()
    longer = np.concatenate([TEXT, np.full((2, 3), END, np.int32)], axis=1)
    for one, other in zip(layer(X, TEXT), layer(X, longer), strict=True):
        np.testing.assert_allclose(one, other[..., : one.shape[-1]], atol=1e-6)


def test_the_gradient_reaches_all_weights_and_the_early_steps() -> None:
    layer = window()
    given = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(given)
        h, w, phi = layer(given, TEXT)
        loss = tf.reduce_sum(tf.square(w[:, -1])) + tf.reduce_sum(h[:, -1] * phi[:, -1, :1])
    gradients = tape.gradient(loss, [given, *layer.trainable_variables])
    for gradient in gradients:
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 0
    assert (np.abs(gradients[0]).max(axis=(0, 2)) > 0).all()


@pytest.mark.parametrize("how", ["own_gradient", "compiled"])
def test_training_has_the_gradient_of_the_plain_loop(how: str) -> None:
    layer, found = window(), {}
    weights = [rng.normal(size=(2, 7, size)).astype(np.float32) for size in (6, 4, 5)]

    for name in ("loop", how):
        x = tf.constant(X)
        with tf.GradientTape() as tape, execution(name):
            tape.watch(x)
            outputs = layer(x, TEXT, training=True)
            loss = sum(tf.reduce_sum(w * y**2) for w, y in zip(weights, outputs, strict=True))
        found[name] = [*outputs, *tape.gradient(loss, [x, *layer.trainable_variables])]
    for one, other in zip(found["loop"], found[how], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_it_can_be_made_again_from_its_settings() -> None:
    model = model_of(window("gru"))
    made = keras.Model.from_config(model.get_config())
    made.set_weights(model.get_weights())
    np.testing.assert_allclose(made([X, TEXT])[0], model([X, TEXT])[0], atol=1e-6)


def test_files_of_a_step_give_what_the_network_gives(tmp_path: Path) -> None:
    steps, text = keras.Input([7, 3], name="steps"), keras.Input([5], dtype="int32", name="text")
    h, w, phi = window("gru")(steps, text)
    numbers = keras.layers.Dense(13)(keras.layers.Concatenate()([h, w]))
    model = keras.Model([steps, text], [StrokeMixture()(numbers), phi])
    given = {"steps": np.repeat(X, 4, axis=0), "text": np.repeat(TEXT, 4, axis=0)}
    part = Part(model, ["mixture", "window"], given, given, execution="step", whole=("text",))
    files, left_out = export_parts({"draw": part}, ["float32", "int8"], tmp_path)
    assert not left_out
    mixture, phi = (np.asarray(each) for each in model([X, TEXT]))
    for (record, content), bound in zip(files, (1e-5, 0.25), strict=True):
        assert record["runs_on"] == ["interpreter", "compiled_model"]
        network = StreamNetwork(Stream(content))
        network.context = {"text": TEXT[:1]}
        state = network.initial_state()
        for t in range(X.shape[1]):
            outputs, state = network(X[0, t], state)
            np.testing.assert_allclose(outputs["mixture"], mixture[0, t], atol=bound)
            np.testing.assert_allclose(outputs["window"], phi[0, t], atol=bound)
