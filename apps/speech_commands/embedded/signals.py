"""Signal processing for the embedded speech: the echoes of a room, and cutting off silence."""

from __future__ import annotations

import numpy as np

from ..config import SAMPLE_RATE


def in_a_room(samples: np.ndarray, seconds: float, wet: float, rng: np.random.Generator) -> np.ndarray:
    """Return samples (n,) with the echoes of a room: white noise that falls by 60 dB in `seconds`.

    `wet` is the level of the echoes relative to the direct sound.
    """
    count = max(2, round(seconds * SAMPLE_RATE))
    echoes = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    response = wet * echoes / np.sqrt(np.sum(echoes**2))
    response[0] += 1
    size = 1 << (len(samples) + count - 1).bit_length()
    product = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.fft.irfft(product, size)[: len(samples)].astype(np.float32)


def trimmed(samples: np.ndarray, share: float = 0.01) -> np.ndarray:
    """Return samples without the parts at both ends that stay below `share` of the peak."""
    heard = np.flatnonzero(np.abs(samples) > share * np.abs(samples).max())
    return samples[heard[0] : heard[-1] + 1] if len(heard) else samples[:0]
