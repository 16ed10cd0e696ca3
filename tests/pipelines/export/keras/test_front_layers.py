"""Normalisations and spectrograms of Keras in front of recurrent layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from pipelines.export.any_model import convert
from pipelines.ondevice.model import Model

L = keras.layers


def drawn(*shape: int) -> np.ndarray:
    return 0.3 * np.random.default_rng(0).normal(size=[16, *shape]).astype(np.float32)


FRONTS: dict[str, tuple[Callable[[], list[Any]], np.ndarray]] = {
    "group": (lambda: [L.Conv1D(4, 3, padding="same"), L.GroupNormalization(2)], drawn(6, 3)),
    "spectral": (lambda: [L.SpectralNormalization(L.Conv1D(4, 3, padding="same"))], drawn(6, 3)),
    "mel": (
        lambda: [
            L.MelSpectrogram(fft_length=128, sequence_stride=128, num_mel_bins=8, sampling_rate=8000),
            L.Permute((2, 1)),
        ],
        drawn(1024),
    ),
    "stft": (lambda: [L.STFTSpectrogram(frame_length=128, frame_step=128)], drawn(1024, 1)),
}


@pytest.mark.parametrize("precision", ["float32", pytest.param("int8", marks=pytest.mark.long)])
@pytest.mark.parametrize("name", FRONTS)
def test_layers_in_front_of_a_recurrent_layer(name: str, precision: str) -> None:
    layers, x = FRONTS[name]
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(x.shape[1:], name="x"), *layers(), L.LSTM(4), L.Dense(2, name="y")])
    answers = Model(convert(model, precision, calibration=x)).predict(x)
    wanted = np.asarray(model(x))
    allowed = {"float32": 1e-5, "int8": 0.2}[precision]
    assert np.abs(answers - wanted).max() <= allowed * np.abs(wanted).max()
