"""All layers of sounds and of windows stream, are saved, and run in half precision."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.cases import BATCH, FRONT_END
from reference.parity import randomize

import layers

SAME = {"atol": 1e-5, "rtol": 1e-5}
HOP = 320
STREAMS = [name for name in FRONT_END if name != "SpecAugment"]  # which has nothing to carry


def model_of(name: str, **options) -> keras.Model:
    make, shape = FRONT_END[name]
    x = keras.Input([None, *shape[1:]], name="x")
    made = keras.Model(x, make(**options)(x))
    if name.startswith(("Causal", "Temporal")):
        randomize(made)
    return made


def inputs_of(name: str) -> np.ndarray:
    """Return random positive numbers, as energies are."""
    shape = (BATCH, *FRONT_END[name][1])
    return np.abs(np.random.default_rng(7).normal(0.0, 0.3, shape)).astype(np.float32)


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("name", STREAMS)
def test_packets_equal_the_whole(name: str, steps: int) -> None:
    model, x = model_of(name), inputs_of(name)
    packet = steps * (HOP if x.ndim == 2 else 1)
    step = layers.OneStep(model)
    states, rows = step.initial_states(BATCH), []
    for start in range(0, x.shape[1] // packet * packet, packet):
        outputs, states = step(x[:, start : start + packet], states)
        assert {key: tuple(state.shape[1:]) for key, state in states.items()} == step.states
        rows.append(np.asarray(outputs))
    whole = np.asarray(model(x))[:, : steps * len(rows)]
    assert np.ptp(whole, axis=1).min() > 0, "or the past would not matter"
    np.testing.assert_allclose(np.concatenate(rows, axis=1), whole, **SAME)


@pytest.mark.parametrize("name", FRONT_END)
def test_nothing_looks_ahead(name: str) -> None:
    model, x = model_of(name), inputs_of(name)
    later = x.copy()
    later[:, x.shape[1] // 5 * 3 :] += 0.5
    before, after = np.asarray(model(x)), np.asarray(model(later))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert np.all(np.any(before[:, 3:] != after[:, 3:], axis=-1))


@pytest.mark.parametrize("name", FRONT_END)
def test_saved_and_loaded_it_computes_the_same(name: str, tmp_path: Path) -> None:
    model, x = model_of(name), inputs_of(name)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    assert again.layers[1].get_config() == model.layers[1].get_config()
    np.testing.assert_array_equal(again(x), model(x))
    converted = layers.convert_model(model)
    np.testing.assert_array_equal(converted(x), model(x))


@pytest.mark.parametrize("name", FRONT_END)
def test_shapes_are_known_before_the_numbers(name: str) -> None:
    make, shape = FRONT_END[name]
    layer, x = make(), inputs_of(name)
    assert layer.compute_output_shape((BATCH, *shape)) == tuple(layer(x).shape)
    assert layer.compute_output_shape((None, None, *shape[1:]))[:2] == (None, None)
    assert tuple(tf.function(layer)(x).shape) == tuple(layer(x).shape)


@pytest.mark.parametrize("name", FRONT_END)
def test_half_precision_gives_halves_of_the_same_numbers(name: str) -> None:
    model, x = model_of(name), inputs_of(name)
    half = model_of(name, dtype="mixed_float16")
    half.set_weights(model.get_weights())
    answer, expected = half(x), np.asarray(model(x))
    assert answer.dtype == tf.float16
    np.testing.assert_allclose(answer, expected, rtol=2e-3, atol=2e-3 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("name", FRONT_END)
def test_training_has_finite_gradients_even_of_silence(name: str) -> None:
    make, _ = FRONT_END[name]
    layer = make()
    for x in (inputs_of(name), np.zeros_like(inputs_of(name))):
        with tf.GradientTape() as tape:
            given = tf.constant(x)
            tape.watch(given)
            answer = layer(given, training=True) if name == "SpecAugment" else layer(given)
            loss = tf.reduce_sum(answer**2)
        for gradient in tape.gradient(loss, [given, *layer.trainable_variables]):
            assert np.isfinite(gradient).all()


def test_masks_pass_through() -> None:
    """Padding at the end does not change earlier steps, and the recurrent layer gets its mask."""
    x = keras.Input([None, 3])
    hidden = layers.SpecAugment()(layers.CausalConv1D(4, 3)(keras.layers.Masking()(x)))
    model = keras.Model(x, layers.GRU(5)(hidden))
    short = inputs_of("CausalConv1D")
    padded = np.pad(short, [(0, 0), (0, 2), (0, 0)])
    np.testing.assert_allclose(model(padded), model(short), **SAME)
