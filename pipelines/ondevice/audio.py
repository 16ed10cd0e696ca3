"""Samples out of audio files, as networks take them: numpy, soundfile and soxr only, on the device too."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ..errors import UserError

SUFFIXES = (".wav", ".flac", ".ogg")
_RATES = (1_000, 1_000_000)


def read_audio(path: Path, rate: int = 16_000) -> np.ndarray:
    """Return a file's samples (n,) at `rate` a second: float32 in [-1, 1], the mean of its channels.

    Raises:
        UserError: one line, when the file can't be read, is no audio, or has no or broken samples.
    """
    try:
        content = io.BytesIO(path.read_bytes())
        samples, own_rate = soundfile.read(content, dtype="float32", always_2d=True)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    except soundfile.LibsndfileError as error:
        raise UserError(f"{path}: expected WAV, FLAC or OGG audio: {error.error_string}") from None
    if not len(samples):
        raise UserError(f"{path}: no samples in it")
    broken = np.flatnonzero(~np.isfinite(samples).all(axis=1))
    if len(broken):
        raise UserError(f"{path}: expected finite samples, got {samples[broken[0]].max()} at {broken[0]}")
    return resample(samples.mean(axis=1), own_rate, rate, str(path))


def resample(samples: np.ndarray, own_rate: int, rate: int, source: str) -> np.ndarray:
    """Return samples (n,) at another rate: float32, clipped to [-1, 1].

    Raises:
        UserError: naming `source`, for a rate that no recording has, or less than a sample's worth.
    """
    if not _RATES[0] <= own_rate <= _RATES[1]:
        raise UserError(f"{source}: expected {_RATES[0]:,} to {_RATES[1]:,} samples a second, got {own_rate}")
    if own_rate != rate:
        samples = soxr.resample(samples, own_rate, rate, quality="HQ")
    if not len(samples):
        raise UserError(f"{source}: too short for {rate:,} samples a second")
    return np.clip(samples, -1, 1).astype(np.float32, copy=False)


def loudest(samples: np.ndarray, length: int) -> np.ndarray:
    """Return `length` samples: the stretch with the most energy, or all with zeros on both sides."""
    lacking = length - len(samples)
    if lacking >= 0:
        return np.pad(samples, (lacking // 2, lacking - lacking // 2))
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    start = int(np.argmax(energy[length:] - energy[:-length]))
    return samples[start : start + length]


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Return samples in [-1, 1] as 16-bit ones; those of a 16-bit file come back as they were."""
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
