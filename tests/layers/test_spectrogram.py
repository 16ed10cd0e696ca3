"""Spectrograms equal those of librosa, frame by frame."""

from __future__ import annotations

import os

import keras
import numpy as np
import pytest
import tensorflow as tf

import layers
from layers.mel import blocks, mel_filters

os.environ.setdefault("NUMBA_OPT", "0")  # librosa compiles what it imports: a third of the time is saved
import librosa

RATE, HOP = 16000, 320
SECONDS = np.arange(RATE) / RATE
RNG = np.random.default_rng(11)
SIGNALS = {
    "noise": 0.1 * RNG.normal(size=RATE),
    "faint noise": 1e-4 * RNG.normal(size=RATE),
    "tone": 0.5 * np.sin(2 * np.pi * 440 * SECONDS) + 1e-3 * RNG.normal(size=RATE),
    "sweep": 0.9 * np.sin(2 * np.pi * (50 + 3900 * SECONDS) * SECONDS) + 1e-2 * RNG.normal(size=RATE),
    "full scale": np.sign(np.sin(2 * np.pi * 100 * SECONDS)),
    "a click": np.eye(1, RATE, 5000)[0],
    "silence": np.zeros(RATE),
}
SAMPLES = np.stack(list(SIGNALS.values())).astype(np.float32)
ENERGY_OF_ALL = 1e-6
"""Rounding of a float32 FFT as a fraction of the frame's energy: 6e-8 for each of some operations."""


def librosa_mel(signal: np.ndarray, window: int, bins: int, lowest: float, highest: float) -> np.ndarray:
    """Return energies (frames, bins) in float64. librosa centres the window in a longer frame."""
    length = 2 ** int(np.ceil(np.log2(window)))
    around = (length - window) // 2
    padded = np.pad(signal.astype(np.float64), [(window - HOP + around, length)])
    energies = librosa.feature.melspectrogram(
        y=padded,
        sr=RATE,
        n_fft=length,
        win_length=window,
        hop_length=HOP,
        center=False,
        n_mels=bins,
        fmin=lowest,
        fmax=highest,
    )
    return energies[:, : len(signal) // HOP].T


@pytest.mark.parametrize(
    ("window_ms", "bins", "lowest", "highest"), [(40, 40, 20.0, None), (30, 64, 60.0, 7600.0)]
)
def test_energies_are_those_of_librosa(
    window_ms: int, bins: int, lowest: float, highest: float | None
) -> None:
    layer = layers.Mel(sample_rate=RATE, window_ms=window_ms, bins=bins, lowest_hz=lowest, highest_hz=highest)
    answers = np.asarray(layer(SAMPLES))
    for name, signal, energies in zip(SIGNALS, SAMPLES, answers, strict=True):
        expected = librosa_mel(signal, RATE * window_ms // 1000, bins, lowest, highest or RATE / 2)
        np.testing.assert_allclose(
            energies, expected, rtol=1e-5, atol=ENERGY_OF_ALL * expected.max(), err_msg=name
        )


@pytest.mark.parametrize("name", SIGNALS)
def test_logarithms_and_cepstra_are_those_of_librosa(name: str) -> None:
    logarithms = np.log(librosa_mel(SIGNALS[name].astype(np.float32), 640, 40, 20.0, 8000.0) + 1e-6)
    samples = SIGNALS[name][None].astype(np.float32)
    np.testing.assert_allclose(layers.LogMel()(samples)[0], logarithms, atol=1e-4, rtol=0)
    cepstra = librosa.feature.mfcc(S=logarithms.T, n_mfcc=13, dct_type=2, norm="ortho").T
    np.testing.assert_allclose(layers.MFCC()(samples)[0], cepstra, atol=1e-4, rtol=0)


def test_normalised_energies_are_those_of_librosa() -> None:
    options = {"gain": 0.9, "bias": 1.5, "power": 0.4}
    layer = layers.PCEN(smoothing=0.05, floor=1e-5, **options)
    for name in SIGNALS.keys() - {"silence"}:
        energies = librosa_mel(SIGNALS[name].astype(np.float32), 640, 40, 20.0, 8000.0)
        answers = np.asarray(layer(energies[None].astype(np.float32)))[0]
        begin = int(energies.any(axis=1).argmax())
        np.testing.assert_array_equal(answers[:begin], 0.0)
        heard = energies[begin:].T
        start = (1 - 0.05) * heard[:, :1]  # so that librosa's average begins with the first energy, too
        expected = librosa.pcen(heard, b=0.05, eps=1e-5, zi=start, **options).T
        np.testing.assert_allclose(answers[begin:], expected, atol=1e-4, rtol=1e-4, err_msg=name)


def test_silence_is_the_floor() -> None:
    silence = np.zeros([1, RATE], np.float32)
    np.testing.assert_array_equal(layers.Mel()(silence), np.zeros([1, 50, 40]))
    np.testing.assert_allclose(layers.LogMel()(silence), np.full([1, 50, 40], np.log(1e-6)), rtol=1e-6)
    np.testing.assert_array_equal(layers.PCEN()(layers.Mel()(silence)), np.zeros([1, 50, 40]))


def test_mean_and_scale_normalise_each_feature() -> None:
    mean, scale = list(range(-7, -2)), [1.0, 2.0, 3.0, 4.0, 5.0]
    plain = np.asarray(layers.LogMel(bins=5)(SAMPLES))
    normalised = layers.LogMel(bins=5, mean=mean, scale=scale)(SAMPLES)
    np.testing.assert_allclose(normalised, (plain - mean) / scale, atol=1e-5)
    cepstra = layers.MFCC(bins=5, coefficients=5, mean=-4.0, scale=2.0)(SAMPLES)
    np.testing.assert_allclose(
        cepstra, (np.asarray(layers.MFCC(bins=5, coefficients=5)(SAMPLES)) + 4) / 2, atol=1e-5
    )


def test_what_is_left_of_a_hop_is_left_out() -> None:
    layer = layers.LogMel()
    assert layer(SAMPLES[:, :999]).shape == (len(SAMPLES), 3, 40)
    np.testing.assert_array_equal(layer(SAMPLES[:, :999]), layer(SAMPLES[:, :960]))


@pytest.mark.parametrize(("length", "bins"), [(1024, 40), (512, 64), (1024, 128)])
def test_blocks_hold_the_matrix_and_are_small(length: int, bins: int) -> None:
    matrix = mel_filters(sample_rate=RATE, length=length, bins=bins, lowest_hz=20.0, highest_hz=8000.0)
    found, again, start = blocks(matrix, 1023), np.zeros_like(matrix), 0
    for rows, block in found:
        again[rows, start : start + block.shape[1]] = block
        start += block.shape[1]
        assert block.size < 1024
    np.testing.assert_array_equal(again, matrix)
    assert sum(block.size for _, block in found) < matrix.size / 3


def test_gain_bias_and_power_learn_if_wanted() -> None:
    energies = tf.constant(np.asarray(layers.Mel()(SAMPLES)))
    for trainable in (False, True):
        layer = layers.PCEN(trainable=trainable)
        model = keras.Sequential([keras.Input([50, 40]), layer])
        assert len(model.trainable_weights) == (3 if trainable else 0)
        with tf.GradientTape() as tape:
            tape.watch(layer.log_gain.value)
            loss = tf.reduce_sum(model(energies, training=True))
        if trainable:
            gradients = tape.gradient(loss, model.trainable_weights)
            assert all(np.isfinite(each).all() and np.any(each) for each in gradients)


def test_masks_are_spans_of_the_mean() -> None:
    layer = layers.SpecAugment(time_masks=1, time_width=4, frequency_masks=1, frequency_width=3, seed=1)
    x = np.random.default_rng(2).normal(size=(400, 20, 10)).astype(np.float32)
    np.testing.assert_array_equal(layer(x), x)
    masked = np.asarray(layer(x, training=True))
    changed = masked != x
    np.testing.assert_allclose(
        masked[changed], np.broadcast_to(x.mean((1, 2), keepdims=True), x.shape)[changed], atol=1e-6
    )
    frames, bins = changed.all(axis=2), changed.all(axis=1)
    np.testing.assert_array_equal(changed, frames[:, :, None] | bins[:, None, :])
    for hidden, largest in ((frames, 4), (bins, 3)):
        widths = hidden.sum(axis=1)
        np.testing.assert_allclose(np.bincount(widths) / 400, 1 / (largest + 1), atol=0.08)
        assert hidden.any(axis=0).all(), "every place is hidden at times"
        assert np.all(np.abs(np.diff(np.pad(hidden, [(0, 0), (1, 1)]).astype(int))).sum(axis=1) <= 2), (
            "a span"
        )


def test_masks_differ_from_call_to_call_and_follow_the_seed() -> None:
    x = np.random.default_rng(2).normal(size=(4, 20, 10)).astype(np.float32)
    one, same = layers.SpecAugment(seed=5), layers.SpecAugment(seed=5)
    first = one(x, training=True)
    np.testing.assert_array_equal(first, same(x, training=True))
    assert np.any(np.asarray(first) != np.asarray(one(x, training=True)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Mel(window_ms=10), "Mel: window_ms: expected at least hop_ms, 20, got 10"),
        (lambda: layers.LogMel(hop_ms=0.01), "hop_ms: expected a whole number of samples, got 0.16"),
        (lambda: layers.Mel(highest_hz=9000), "expected 0 <= lowest < highest <= 8000, got 20.0 and 9000"),
        (lambda: layers.Mel(lowest_hz=500, highest_hz=400), "lowest < highest"),
        (lambda: layers.Mel(bins=600), "bins: expected every band to hold one of the 513"),
        (lambda: layers.Mel(bins=0), "bins: expected a whole number above 0"),
        (lambda: layers.LogMel(offset=0.0), "LogMel: offset: expected a number above 0"),
        (lambda: layers.LogMel(scale=0.0), "scale: expected numbers above 0"),
        (lambda: layers.LogMel(mean=[1.0, 2.0])(SAMPLES), "mean: expected 1 or 40 numbers, got 2"),
        (lambda: layers.MFCC(coefficients=41), "MFCC: coefficients: expected at most bins, 40, got 41"),
        (lambda: layers.LogMel()(SAMPLES[:, :, None]), r"expected samples of shape \(batch, n\)"),
        (lambda: layers.PCEN(smoothing=0.0), "PCEN: smoothing: expected 0 < smoothing <= 1"),
        (lambda: layers.PCEN(power=0.0), "PCEN: power: expected a number above 0"),
        (lambda: layers.PCEN()(SAMPLES), "batch, steps, features"),
        (lambda: layers.SpecAugment(time_width=-1), "time_width: expected a whole number of 0 or more"),
    ],
)
def test_refusals(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_packet_that_is_no_hop_is_refused() -> None:
    x = keras.Input([None])
    step = layers.OneStep(keras.Model(x, layers.LogMel(name="mel")(x)))
    with pytest.raises(
        ValueError, match="mel: streaming: expected packets of whole hops of 320 samples, got 300"
    ):
        step(SAMPLES[:1, :300], step.initial_states(1))
