"""Networks that round as their integer file: for every cell, whole sequences and steps, 8 and 16 bits."""

from __future__ import annotations

import dataclasses
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.matrix import CELLS, GRIDS, WINDOWED

import layers
from pipelines.errors import ExportError
from pipelines.export.fake_quantization.network import places_of
from pipelines.export.fake_quantization.places import Places, Steps
from pipelines.export.fake_quantization.rounding import missing, rounded, rounded_weights, rounding
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.convert import Source
from pipelines.ondevice.model import Model, Stream

STEPS, FEATURES, CLASSES = 10, 3, 4
SPECS = {"x": ((STEPS, FEATURES), "float32")}
REFUSED = {
    **dict.fromkeys([*GRIDS, "NeuralTuringMachine"], "they take other inputs than rows of features"),
    **dict.fromkeys(
        WINDOWED, "they are no cells, and their steps are computed otherwise than whole sequences"
    ),
}
"""What this test leaves out, and why."""
COVERED = [name for name in CELLS if name not in REFUSED]

# The largest and the mean difference of an output, in units of its scale. In a loop file only products with
# weights are integers, and those of 8 bits are the same to the last integer. A step file rounds at ten places
# of each step, and LiteRT rounds the sums of a product twice, to a finer grid first, so that numbers close to
# the middle between two integers may become either; the state feeds that back for ten steps. In 16 bits
# LiteRT's own sigmoid and tanh are only exact to a few of the 65,536 integers.
BOUNDS = {
    ("loop", "int8"): (1, 0.02),
    ("step", "int8"): (4, 0.3),
    ("loop", "int16x8"): (8, 0.5),
    ("step", "int16x8"): (20, 2.5),
}
WITHIN_ONE = 0.95
"""The share of the numbers of an int8 file that are the same integer or a neighbour."""


LESS_ALIKE = {
    # Its variances round to zero now and then, and it divides by their roots.
    ("LSTM_normalised", "step", "int8"): (20, 2.0),
    # The file rounds the time twice on its way to the cell, Keras once.
    ("CfC_timed", "loop", "int8"): (4, 0.3),
    ("CfC_timed", "step", "int8"): (6, 0.6),
}


def is_the_file(found: np.ndarray, execution: str, precision: str) -> bool:
    largest, mean = BOUNDS[execution, precision]
    near = precision != "int8" or np.mean(found < 1.01) >= WITHIN_ONE
    return bool(found.max() < largest + 0.01 and np.mean(found) <= mean and near)


class Case(NamedTuple):
    model: keras.Model
    places: Places
    content: bytes
    inputs: np.ndarray

    @property
    def scale(self) -> float:
        """The scale of the outputs."""
        (steps,) = (each.returns for key, each in self.places.items() if key.layer == "out" and each.returns)
        return steps.scale[0]


def network(name: str) -> keras.Model:
    keras.utils.set_random_seed(5)
    x = keras.Input((STEPS, FEATURES), name="x")
    made = keras.layers.Dense(CLASSES, name="out")(CELLS[name](return_sequences=True)(x))
    model = keras.Model(x, made)
    rng = np.random.default_rng(6)
    for weight in model.trainable_variables:
        weight.assign(weight.numpy() + 0.2 * rng.normal(size=weight.shape))
    return model


def sequences(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, STEPS, FEATURES)).astype(np.float32)


@cache
def converted(name: str, execution: str) -> tuple[keras.Model, Source, dict[str, bytes]]:
    """Return a network, its SavedModel, and its integer files by precision."""
    model, folder = network(name), tempfile.TemporaryDirectory()
    write_saved_model(model, Path(folder.name) / "model", SPECS, ["y"], execution=execution)
    calibration = [{"x": each[None]} for each in sequences(12, seed=7)]
    with folder:
        source = Source(Path(folder.name) / "model", execution, calibration)
        return model, source, {each: source.convert(each) for each in ("int8", "int16x8")}


@cache
def case(name: str, execution: str, precision: str) -> Case:
    model, source, files = converted(name, execution)
    places = places_of(model, source, ["x"], precision=precision)
    return Case(model, places, files[precision], sequences(6, seed=8))


def of_file(made: Case, execution: str) -> np.ndarray:
    """Return the outputs of the file for whole sequences."""
    if execution == "loop":
        model = Model(made.content)
        return np.concatenate([model(x=each[None])["y"] for each in made.inputs])
    stream, outputs = Stream(made.content), []
    for each in made.inputs:
        stream.reset()
        steps = [stream(x=each[None, t : t + 1])["y"] for t in range(STEPS)]
        outputs.append(np.concatenate(steps, 1))
    return np.concatenate(outputs)


def in_keras(made: Case, places: Places) -> np.ndarray:
    """Return the outputs of the Keras model that rounds at these places."""
    with rounding(made.model, places) as reached:
        outputs = tf.function(made.model)(tf.constant(made.inputs)).numpy()
    assert not missing(places, reached)
    return outputs


def differences(made: Case, execution: str, places: Places) -> np.ndarray:
    return np.abs(in_keras(made, places) - of_file(made, execution)) / made.scale


@pytest.mark.parametrize("precision", ["int8", "int16x8"])
@pytest.mark.parametrize("execution", ["loop", "step"])
@pytest.mark.parametrize("name", COVERED)
def test_keras_that_rounds_is_the_integer_file(name, execution, precision):
    made = case(name, execution, precision)
    found = differences(made, execution, made.places)
    if bounds := LESS_ALIKE.get((name, execution, precision)):
        assert found.max() < bounds[0]
        assert np.mean(found) < bounds[1]
        return
    assert is_the_file(found, execution, precision), (found.max(), np.mean(found))
    plain = np.abs(made.model.predict(made.inputs, verbose=0) - of_file(made, execution)) / made.scale
    assert np.mean(found) < 0.5 * np.mean(plain)  # without rounding Keras is further away


def test_no_refusal_is_stale():
    assert set(REFUSED) < set(CELLS)


def coarser(steps: Steps) -> Steps:
    return steps._replace(scale=tuple(1.5 * each for each in steps.scale))


@pytest.mark.parametrize("mutant", ["wrong scales", "no weights", "nothing in the cell", "wrong zero points"])
@pytest.mark.parametrize("execution", ["loop", "step"])
def test_a_mutant_is_not_the_integer_file(execution, mutant):
    made = case("GRU", execution, "int8")
    places = dict(made.places)
    cell = [key for key in places if key.map]
    for key in cell:
        place = places[key]
        if mutant == "nothing in the cell":
            del places[key]
        elif mutant == "no weights":
            places[key] = dataclasses.replace(place, weights=set())
        elif place.returns and mutant == "wrong scales":
            places[key] = dataclasses.replace(place, returns=coarser(place.returns))
        elif place.returns:
            shifted = place.returns._replace(zero_point=place.returns.zero_point + 90)
            places[key] = dataclasses.replace(place, returns=shifted)
    found = differences(made, execution, places)
    assert not is_the_file(found, execution, "int8"), (found.max(), np.mean(found))


@pytest.mark.parametrize("name", ["LSTM", "GRU", "MinGRU"])
def test_gradients_reach_every_weight(name):
    made = case(name, "step", "int8")
    with rounding(made.model, made.places):

        @tf.function
        def gradients(x):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(made.model(x, training=True)))
            return tape.gradient(loss, made.model.trainable_variables)

        found = gradients(tf.constant(made.inputs))
    with layers.execution("loop"), tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(made.model(made.inputs, training=True)))
    exact = tape.gradient(loss, made.model.trainable_variables)
    for variable, got, wanted in zip(made.model.trainable_variables, found, exact, strict=True):
        cosine = tf.reduce_sum(got * wanted) / (tf.norm(got) * tf.norm(wanted))
        assert float(cosine) > 0.9, variable.path


def test_what_is_rounded():
    x = tf.Variable([-9.0, -0.26, 0.1, 0.13, 40.0])
    with tf.GradientTape() as tape:
        y = rounded(x, Steps((0.25,), 1, 8))
    np.testing.assert_allclose(y, [-9.0, -0.25, 0.0, 0.25, 31.5])
    np.testing.assert_array_equal(tape.gradient(y, x), np.ones(5))
    weights = tf.constant([[1.0, 0.5], [0.3, -0.25], [0.0, 0.0]])
    steps = np.array([1.0, 0.5]) / 127
    np.testing.assert_allclose(
        rounded_weights(weights, "MatMul"), np.round(weights / steps) * steps, atol=1e-7
    )


def test_nothing_rounds_after_the_block():
    made = case("GRU", "loop", "int8")
    before = tf.function(made.model)(tf.constant(made.inputs)).numpy()
    in_keras(made, made.places)
    np.testing.assert_array_equal(tf.function(made.model)(tf.constant(made.inputs)).numpy(), before)


def test_an_operation_that_keras_lacks_is_refused(tmp_path):
    x = keras.Input((STEPS, FEATURES), name="x")
    normal = keras.layers.BatchNormalization(name="normal")(keras.layers.Dense(4)(x))
    model = keras.Model(
        x, keras.layers.Dense(CLASSES, name="out")(layers.GRU(3, return_sequences=True)(normal))
    )
    for variable in model.variables:
        variable.assign(variable.numpy() + 0.3)
    write_saved_model(model, tmp_path / "model", SPECS, ["y"])
    source = Source(tmp_path / "model", "loop", [{"x": each[None]} for each in sequences(4, seed=7)])
    with pytest.raises(ExportError, match=r"int8_loop.tflite: .*no operation of the layers"):
        places_of(model, source, ["x"], precision="int8")
