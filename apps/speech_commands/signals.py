"""What is done to samples: noise of every colour, speed and place, echoes."""

from __future__ import annotations

import numpy as np

from .config import SAMPLE_RATE


def level(samples: np.ndarray) -> float:
    """Return the root mean square of samples."""
    return float(np.sqrt(np.mean(np.square(samples))))


def coloured_noise(samples: int, slope: float, rng: np.random.Generator) -> np.ndarray:
    """Return noise (samples,) of level 1 whose power changes with frequency as f^slope.

    0 is white, -1 pink, -2 brown, 1 blue; below 20 Hz it is flat.
    """
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequencies = np.maximum(np.arange(len(spectrum)), samples * 20 / SAMPLE_RATE)
    noise = np.fft.irfft(spectrum * frequencies ** (slope / 2), samples)
    return (noise / level(noise)).astype(np.float32)


def moved(clip: np.ndarray, speed: float, shift: float) -> np.ndarray:
    """Return a clip (samples,) played at `speed` times its speed about its middle, `shift` samples later.

    Linear interpolation; zeros where the clip has nothing.
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


def in_a_room(samples: np.ndarray, seconds: float, wet: float, rng: np.random.Generator) -> np.ndarray:
    """Return samples with the echoes of a room: white noise that falls by 60 dB in `seconds`.

    `wet` is the level of the echoes, that of the sound itself being 1.
    """
    count = max(2, round(seconds * SAMPLE_RATE))
    echoes = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    response = wet * echoes / np.sqrt(np.sum(echoes**2))
    response[0] += 1
    size = 1 << (len(samples) + count - 1).bit_length()
    product = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.fft.irfft(product, size)[: len(samples)].astype(np.float32)


def trimmed(samples: np.ndarray, share: float = 0.01) -> np.ndarray:
    """Return samples without what is below `share` of the peak at both ends."""
    heard = np.flatnonzero(np.abs(samples) > share * np.abs(samples).max())
    return samples[heard[0] : heard[-1] + 1] if len(heard) else samples[:0]
