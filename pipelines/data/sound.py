"""Process samples: measure levels, make coloured noise, change speed and position."""

from __future__ import annotations

import numpy as np

_FLAT_BELOW_HZ = 20  # below this frequency coloured noise is white


def level(samples: np.ndarray) -> float:
    """Return the root mean square of samples of any shape."""
    return float(np.sqrt(np.mean(np.square(samples))))


def coloured_noise(samples: int, *, slope: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Return noise (samples,) of level 1, float32, whose power changes with frequency as f^slope.

    Args:
        samples: the number of samples.
        slope: 0 gives white noise, -1 pink, -2 brown, 1 blue. Below 20 Hz the noise is always white.
        rate: samples per second.
        rng: the source of random numbers.
    """
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequencies = np.maximum(np.arange(len(spectrum)), samples * _FLAT_BELOW_HZ / rate)
    noise = np.fft.irfft(spectrum * frequencies ** (slope / 2), samples)
    return (noise / level(noise)).astype(np.float32)


def moved(clip: np.ndarray, speed: float, shift: float) -> np.ndarray:
    """Return a clip (samples,) played `speed` times as fast around its middle, and `shift` samples later.

    Samples are interpolated linearly. The result is zero outside the clip.
    """
    middle = (len(clip) - 1) / 2
    where = (np.arange(len(clip), dtype=np.float32) - np.float32(middle + shift)) * np.float32(speed)
    where += np.float32(middle)
    left = np.floor(where).astype(np.int32)
    share = where - left
    padded = np.concatenate([clip, np.zeros(1, np.float32)])
    inside = (left >= 0) & (left < len(clip))
    left = np.where(inside, left, len(clip) - 1)
    value = padded[left] * (1 - share) + padded[left + 1] * share
    return np.where(inside, value, 0).astype(np.float32)
