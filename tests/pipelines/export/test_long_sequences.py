"""Files for long sequences: as small as those for short ones, and right in every precision."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from layers import scan
from pipelines.export.any_model import convert
from pipelines.ondevice.model import Model


def model_of(steps: int) -> keras.Model:
    keras.utils.set_random_seed(1)
    hidden = keras.layers.LSTM(16, return_sequences=True)
    return keras.Sequential([keras.Input([steps, 2], name="x"), hidden, keras.layers.Dense(1, name="y")])


def sequences(steps: int, count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, steps, 2)).astype(np.float32)


def test_the_size_of_a_file_does_not_depend_on_the_length() -> None:
    sizes = [len(convert(model_of(steps), calibration=sequences(steps))) for steps in (600, 3000)]
    assert sizes[1] - sizes[0] < 4000  # the last loop around the others
    assert max(sizes) < 40_000  # 192,000 bytes of zeros would be in it


@pytest.mark.parametrize("precision", ["float32", "int8", "int16x8"])
def test_nested_loops_are_calibrated_and_quantised(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    x = sequences(30, 8)
    flat = Model(convert(model_of(30), precision, calibration=x)).predict(x)
    monkeypatch.setattr(scan, "LONG", 8)
    monkeypatch.setattr(scan, "_MOST_PARTS", 4)
    nested = Model(convert(model_of(30), precision, calibration=x)).predict(x)
    np.testing.assert_allclose(nested, flat, atol=1e-6 if precision == "float32" else 2e-3)
    assert np.ptp(nested) > 0.2
