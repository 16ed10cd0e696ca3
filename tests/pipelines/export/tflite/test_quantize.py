"""Integer files: numbers that calibration has not seen, and weights of very different sizes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from pipelines.export.any_model import convert
from pipelines.ondevice.model import Model


@pytest.mark.parametrize(("precision", "allowed"), [("int8", 0.5), ("int16x8", 0.02)])
def test_numbers_beyond_the_calibrated_range(precision: str, allowed: float) -> None:
    """They are cut off in int8 only: 16 bits have room for half as much again."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input([4, 3], name="x"), keras.layers.SimpleRNN(4), keras.layers.Dense(2)]
    )
    x = np.random.default_rng(0).uniform(-1, 1, [50, 4, 3]).astype(np.float32)
    device = Model(convert(model, precision, "unrolled", x))
    beyond = 1.4 * np.sign(x)
    wanted = np.asarray(model(beyond))
    error = np.sqrt(np.mean((device.predict(beyond) - wanted) ** 2)) / np.std(wanted)
    assert allowed / 5 < error <= allowed


@pytest.mark.parametrize(("precision", "allowed"), [("int8", 0.05), ("int16x8", 0.01)])
def test_filters_of_tiny_weights_keep_their_bias(precision: str, allowed: float) -> None:
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense(3, name="dense")
    model = keras.Sequential([keras.Input([4, 3], name="x"), dense, keras.layers.SimpleRNN(4)])
    dense.kernel.assign(dense.kernel * [1.0, 0.0, 1e-7])
    dense.bias.assign([0.2, 0.5, -0.4])
    x = np.random.default_rng(0).uniform(-1, 1, [50, 4, 3]).astype(np.float32)
    device, wanted = Model(convert(model, precision, "unrolled", x)), np.asarray(model(x))
    error = np.sqrt(np.mean((device.predict(x) - wanted) ** 2)) / np.std(wanted)
    assert error <= allowed


@pytest.mark.parametrize(("precision", "allowed"), [("int8", 0.05), ("int16x8", 0.01)])
def test_sums_and_logits_that_are_always_zero_have_a_range(precision: str, allowed: float) -> None:
    keras.utils.set_random_seed(1)
    x = keras.Input([4, 3], name="x")
    positive = keras.ops.relu(keras.layers.SimpleRNN(4)(x))
    zeros = keras.ops.abs(positive) - positive
    even = keras.ops.softmax(zeros @ np.eye(4, dtype=np.float32))
    model = keras.Model(x, positive + even + keras.ops.square(zeros - 0.0))
    sequences = np.random.default_rng(0).uniform(-1, 1, [50, 4, 3]).astype(np.float32)
    device, wanted = Model(convert(model, precision, "unrolled", sequences)), np.asarray(model(sequences))
    error = np.sqrt(np.mean((device.predict(sequences) - wanted) ** 2)) / np.std(wanted)
    assert error <= allowed
