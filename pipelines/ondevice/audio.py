"""Read audio files as samples for networks. Needs numpy, soundfile and soxr.

soundfile and soxr are imported at the first use, so that apps can be listed even if they aren't installed.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from ..errors import UserError

SUFFIXES = (".wav", ".flac", ".ogg")
_RATES = (1_000, 1_000_000)


def read_audio(path: Path, rate: int = 16_000) -> np.ndarray:
    """Read an audio file, average its channels and resample it.

    Args:
        path: a WAV, FLAC or OGG file.
        rate: samples per second of the result.

    Returns:
        Samples (n,), float32 in [-1, 1].

    Raises:
        UserError: the file can't be read, isn't audio, has no samples, or has samples that aren't finite.
    """
    import soundfile

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
    """Convert samples to a different rate, and clip them to [-1, 1].

    Args:
        samples: the recording (n,).
        own_rate: the recording's samples per second, 1,000 to 1,000,000.
        rate: samples per second of the result.
        source: the name of the recording in error messages.

    Returns:
        Samples (m,), float32.

    Raises:
        UserError: `own_rate` is out of range, or the recording is too short for one sample at `rate`.
    """
    if not _RATES[0] <= own_rate <= _RATES[1]:
        raise UserError(f"{source}: expected {_RATES[0]:,} to {_RATES[1]:,} samples a second, got {own_rate}")
    if own_rate != rate:
        import soxr

        samples = soxr.resample(samples, own_rate, rate, quality="HQ")
    if not len(samples):
        raise UserError(f"{source}: too short for {rate:,} samples a second")
    return np.clip(samples, -1, 1).astype(np.float32, copy=False)


def loudest(samples: np.ndarray, length: int) -> np.ndarray:
    """Return the `length` successive samples with the most energy. Shorter recordings are zero-padded."""
    lacking = length - len(samples)
    if lacking >= 0:
        return np.pad(samples, (lacking // 2, lacking - lacking // 2))
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    start = int(np.argmax(energy[length:] - energy[:-length]))
    return samples[start : start + length]


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Convert samples in [-1, 1] to int16. The samples of a 16-bit file are restored exactly."""
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
