"""Windows of a stream, and a normalisation that is undone: against NumPy, in streams, and in files."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import layers
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.convert import convert
from pipelines.ondevice.model import Model, Stream

STEPS, WINDOW = 7, 4
MEAN, DEVIATION = [1000.0, 0.2], [10.0, 0.1]
KINDS = ("none", "last", "mean", "standard")
SCALE = np.array(DEVIATION, np.float32)
X = (np.random.default_rng(0).normal(size=(3, STEPS, 2)) * SCALE + np.array(MEAN)).astype(np.float32)


def normalised(x: np.ndarray, instance: str, logarithm: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The equations of the docstring."""
    z = ((np.log(1 + np.maximum(x, 0)) if logarithm else x) - np.array(MEAN)) / SCALE
    mean, last, zero = z.mean(axis=1, keepdims=True), z[:, -1:], np.zeros_like(z[:, :1])
    offset = {"none": zero, "last": last, "mean": mean, "standard": mean}[instance]
    variance = np.square(z - mean).mean(axis=1, keepdims=True)
    scale = np.sqrt(variance + 1e-3) if instance == "standard" else zero + 1
    return (z - offset) / scale, offset, scale


@pytest.mark.parametrize("logarithm", [False, True])
@pytest.mark.parametrize("instance", KINDS)
def test_the_equations_and_the_way_back(instance: str, logarithm: bool) -> None:
    layer = layers.ReversibleNormalization(MEAN, DEVIATION, instance=instance, logarithm=logarithm)
    found = layer(X)
    for ours, wanted in zip(found, normalised(X, instance, logarithm), strict=True):
        np.testing.assert_allclose(ours, wanted, atol=2e-3, rtol=1e-4)
    back = layers.Restore(MEAN, DEVIATION, logarithm=logarithm)
    np.testing.assert_allclose(back(*found), X, rtol=1e-4)
    quantiles = tf.stack([found[0], found[0] + 1.0], axis=-1)
    both = back(quantiles, *found[1:]).numpy()
    np.testing.assert_allclose(both[..., 0], X, rtol=1e-4)
    assert (both[..., 1] > both[..., 0]).all()


@pytest.mark.parametrize("instance", KINDS)
def test_steps_that_were_not_seen_do_not_count(instance: str) -> None:
    layer = layers.ReversibleNormalization(MEAN, DEVIATION, instance=instance)
    seen = np.ones((3, STEPS, 1), np.float32)
    seen[:, :3] = 0
    changed = X.copy()
    changed[:, :3] = 1e6
    for ours, other in zip(layer(X, seen), layer(changed, seen), strict=True):
        np.testing.assert_array_equal(ours, other)
    for ours, cut in zip(layer(X, seen)[1:], layer(X[:, 3:])[1:], strict=True):
        np.testing.assert_allclose(ours, cut, atol=1e-4)


def test_a_constant_window_stays_finite_and_returns() -> None:
    constant = np.full((1, STEPS, 2), 5.0, np.float32)
    found = layers.ReversibleNormalization([0.0, 0.0], [1.0, 1.0])(constant)
    np.testing.assert_array_equal(found[0], np.zeros_like(constant))
    np.testing.assert_allclose(layers.Restore([0.0, 0.0], [1.0, 1.0])(*found), constant)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: layers.ReversibleNormalization([0.0], [1.0], instance="x"),
            "instance: expected one of none",
        ),
        (
            lambda: layers.ReversibleNormalization([0.0], [0.0]),
            "deviation: expected numbers above 0, got 0.0",
        ),
        (lambda: layers.Restore([0.0, 1.0], [1.0]), "expected one mean and one deviation for each feature"),
        (lambda: layers.LastSteps(0), "steps"),
    ],
)
def test_refusals(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def forecaster(instance: str = "standard", columns: int = 2) -> keras.Model:
    """A network that reads a window whole, which no stream could do without `LastSteps`.

    Of more than two columns it reads those from the second on.
    """
    keras.utils.set_random_seed(1)
    x = keras.Input([None, columns], name="x")
    window, seen = layers.LastSteps(WINDOW, name="window")(x)
    normalise = layers.ReversibleNormalization(MEAN, DEVIATION, start=int(columns > 2), instance=instance)
    y, offset, scale = normalise(window, seen)
    y = keras.layers.Permute([2, 1])(y)
    y = layers.Bidirectional(layers.GRU(3, return_sequences=True))(y)
    y = keras.layers.Permute([2, 1])(keras.layers.Dense(5)(y))
    return keras.Model(x, layers.Restore(MEAN, DEVIATION)(y, offset, scale))


@pytest.mark.parametrize("instance", KINDS)
def test_every_step_of_a_stream_gives_what_the_sequence_so_far_gives(instance: str) -> None:
    model = forecaster(instance)
    step = layers.OneStep(model)
    assert step.states == {"window_past": (WINDOW - 1, 3)}
    states = step.initial_states(len(X))
    for t in range(STEPS):
        outputs, states = step(X[:, t : t + 1], states)
        np.testing.assert_allclose(outputs, model(X[:, : t + 1]), rtol=1e-5)
    np.testing.assert_allclose(outputs, model(X[:, -WINDOW:]), rtol=1e-5)


def test_saved_converted_and_in_half_precision_it_computes_the_same(tmp_path) -> None:
    model = forecaster()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(again(X), model(X))
    np.testing.assert_array_equal(layers.convert_model(model)(X), model(X))
    layer = layers.ReversibleNormalization(MEAN, DEVIATION, dtype="mixed_float16")
    assert layer(X)[0].dtype == tf.float32
    shapes = [tuple(each.shape) for each in layer(X)]
    assert [tuple(each) for each in layer.compute_output_shape(X.shape)] == shapes


def test_the_features_to_normalise_begin_at_start() -> None:
    wider = np.concatenate([X[..., :1] * 9, X, X[..., :1] * 7], axis=-1)
    layer = layers.ReversibleNormalization(MEAN, DEVIATION, start=1)
    found = layer(wider)
    for ours, wanted in zip(found, layers.ReversibleNormalization(MEAN, DEVIATION)(X), strict=True):
        np.testing.assert_array_equal(ours, wanted)
    again = layers.ReversibleNormalization.from_config(layer.get_config())
    np.testing.assert_array_equal(again(wider)[0], found[0])
    assert layer.compute_output_shape(wider.shape) == tuple(tuple(each.shape) for each in found)


@pytest.mark.parametrize("columns", [2, 4])
@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("execution", ["loop", "step"])
def test_files_take_and_give_raw_values_of_any_size(
    execution: str, precision: str, columns: int, tmp_path
) -> None:
    """Further columns are a hundred thousand times larger than the smallest that is read."""
    model = forecaster(columns=columns)
    x = X if columns == 2 else np.concatenate([X[..., :1] * 9, X, X[..., :1] * 9], axis=-1)
    write_saved_model(model, tmp_path, {"x": ((STEPS, columns), "float32")}, ["y"], execution=execution)
    content = convert(tmp_path, precision, execution, [{"x": each[None]} for each in x])
    file = Stream(content) if execution == "step" else Model(content)
    expected = model(x).numpy()
    allowed = 1e-4 if precision == "float32" else 0.1
    errors = np.abs(file.predict(x) - expected) / SCALE
    assert errors.max() < allowed * max(1, np.ptp(expected / SCALE, axis=(0, 1)).max())
