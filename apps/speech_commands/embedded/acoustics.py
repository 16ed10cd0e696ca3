"""Turns clean speech into a recording: a room, a microphone, background noise, a level."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from pipelines.data.sound import coloured_noise, level
from pipelines.ondevice.audio import loudest, to_int16

from ..config import SAMPLE_RATE
from .signals import in_a_room

_SLOPES = (0.0, -1.0, -2.0, 1.0)  # white, pink, brown, blue
_KNOTS_HZ = (20, 150, 500, 1500, 4000, 8000)
_NEAR_ZERO = 1e-4  # three steps of a 16-bit sample


def record(speech: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Return 16-bit samples (samples,): speech (n,) at a random place, in a room, over noise."""
    clip = in_a_room(_placed(speech, samples, rng), rng.uniform(0.1, 0.5), rng.uniform(0, 0.8), rng)
    clip = through_microphone(clip, rng)
    clip = clip / level(clip)
    clip = clip + background(samples, rng) * _gain(rng.uniform(-45, -5))
    return to_int16(clip * _gain(rng.uniform(-38, -14)))


def silence(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Return 16-bit samples (samples,) without speech: noise, or near silence one time in six."""
    if rng.random() < 1 / 6:
        return to_int16(rng.uniform(-_NEAR_ZERO, _NEAR_ZERO, samples))
    return to_int16(background(samples, rng) * _gain(rng.uniform(-75, -12)))


def through_microphone(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a clip (n,) as a random microphone records it, with its own gain at each frequency."""
    frequencies = np.fft.rfftfreq(len(clip), 1 / SAMPLE_RATE)
    gains = rng.normal(0, 4, len(_KNOTS_HZ))
    gains[0] -= rng.uniform(5, 40)  # every microphone cuts low frequencies
    gains[-1] -= rng.choice([0, 0, 0, 40])  # one in four cuts high frequencies
    curve = np.interp(np.log(np.maximum(frequencies, 1)), np.log(_KNOTS_HZ), gains)
    return np.fft.irfft(np.fft.rfft(clip) * _gain(curve), len(clip))


def background(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Return noise (samples,) of level 1: one of four colours, a hum or a band, or a mixture of two."""
    kinds: list[Callable[[int, np.random.Generator], np.ndarray]] = [_hum, _band]
    kinds += [partial(coloured_noise, slope=slope, rate=SAMPLE_RATE) for slope in _SLOPES]
    first, second = rng.choice(len(kinds), 2, replace=False)
    noise = kinds[first](samples, rng=rng) + rng.choice([0, 0.5]) * kinds[second](samples, rng=rng)
    return noise / level(noise)


def _hum(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Return a low tone with overtones, like mains hum or a motor, of level 1."""
    orders = np.arange(1, 7)
    angle = 2 * np.pi * rng.uniform(45, 130) * np.arange(samples) / SAMPLE_RATE
    waves = np.sin(angle[:, None] * orders + rng.uniform(0, 2 * np.pi, len(orders)))
    noise = waves @ (rng.uniform(0, 1, len(orders)) / orders)
    return noise / level(noise)


def _band(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Return noise between two frequencies that are at least an octave apart, of level 1."""
    low = 10 ** rng.uniform(2, 3.4)
    high = low * rng.uniform(2, 4)
    frequencies = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    noise = np.fft.irfft(np.where((frequencies > low) & (frequencies < high), spectrum, 0), samples)
    return noise / level(noise)


def _placed(speech: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Return `samples` with the speech at a random place; longer speech is cut to its loudest part."""
    if len(speech) >= samples:
        return loudest(speech, samples)
    start = rng.integers(samples - len(speech) + 1)
    return np.pad(speech, (start, samples - len(speech) - start))


def _gain(decibels: np.ndarray | float) -> np.ndarray | float:
    return 10 ** (decibels / 20)
