"""Read audio files as samples for networks. Needs numpy, soundfile and soxr.

soundfile and soxr are imported at the first use, so that apps can be listed even if they aren't installed.
"""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import UserError
from ..files import read_regular

log = logging.getLogger(__name__)
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
CLIPPED = "samples beyond 1 are clipped"
CANCELLED = "its channels cancel each other out, so only the loudest one is used"
_KINDS = "WAV, FLAC, OGG or MP3 audio"
_RATES = (1_000, 1_000_000)
_MOST_BYTES = 2**31
_MOST_SAMPLES = 2**29  # of all channels; also after resampling
_BLOCK = 2**20  # samples that are read at once
_PER_BYTE = 8192  # silence in FLAC takes a byte for about 4,000 samples; no format needs less
_UNKNOWN = 2**62  # libsndfile's number of samples when it can't tell
_SILENT = 0.01  # channels cancel out if their mean has less than this share of their energy
_FEW = 64  # channels of fewer samples may look opposite by chance


class Sound(NamedTuple):
    """What could be read of a file, and what was changed."""

    samples: np.ndarray
    """(n,), float32 in [-1, 1]."""
    faults: tuple[str, ...]
    """`CLIPPED`, `CANCELLED`, both or none."""


def read_audio(path: Path, rate: int = 16_000) -> np.ndarray:
    """Read an audio file as `read_sound` does, log what was changed, and return its samples (n,)."""
    sound = read_sound(path, rate)
    for fault in sound.faults:
        log.warning("%s: %s", path, fault)
    return sound.samples


def read_sound(path: Path, rate: int = 16_000) -> Sound:
    """Read an audio file, average its channels and resample it.

    Memory is taken for what is in the file, not for what its header declares.

    Args:
        path: a WAV, FLAC, OGG or MP3 file.
        rate: samples per second of the result.

    Raises:
        UserError: the file can't be read, isn't audio, has no samples, has samples that aren't finite, or is
            too long; or its header declares more samples than a file of its size can hold.
    """
    try:
        samples, own_rate, faults = _decoded(path)
        if not len(samples):
            raise UserError(f"{path}: no samples in it")
        broken = np.flatnonzero(~np.isfinite(samples).all(axis=1))
        if len(broken):
            raise UserError(f"{path}: expected finite samples, got {samples[broken[0]].max()} at {broken[0]}")
        heard, cancelled = mono(samples)
        faults += [CANCELLED] if cancelled else []
        if len(heard) * rate > _MOST_SAMPLES * own_rate > 0:
            raise UserError(f"{path}: too long for {rate:,} samples a second")
        return Sound(resample(heard, own_rate, rate, str(path)), tuple(faults))
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    except Exception as error:  # libsndfile and soxr raise several types for damaged files
        reason = getattr(error, "error_string", None) or " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: expected {_KINDS}: {reason}") from None


def _decoded(path: Path) -> tuple[np.ndarray, int, list[str]]:
    """Return samples (n, channels), their number in a second, and faults."""
    import soundfile

    content = read_regular(path, _MOST_BYTES, _KINDS)
    blocks, count = [], 0
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        declared = file.frames if file.frames < _UNKNOWN else 0
        if declared > _PER_BYTE * len(content):
            raise UserError(
                f"{path}: its header declares {declared:,} samples, "
                f"which a file of {len(content):,} bytes can't hold"
            )
        frames = max(1, _BLOCK // file.channels)
        while len(block := file.read(frames, dtype="float32", always_2d=True)):
            blocks.append(block)
            count += block.size
            if count > _MOST_SAMPLES:
                raise UserError(f"{path}: expected at most {_MOST_SAMPLES:,} samples, found more")
        samples = np.concatenate(blocks) if blocks else np.zeros([0, file.channels], np.float32)
        floats = file.subtype in ("FLOAT", "DOUBLE")  # decoders of others exceed 1 a little, and rightly
        beyond = floats and np.abs(samples.mean(axis=1)).max(initial=0) > 1
        return samples, file.samplerate, [CLIPPED] if beyond else []


def mono(samples: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the mean (n,) of channels (n, channels), and False.

    If the channels cancel each other out, as those of a microphone with balanced wires do: return the channel
    with the most energy, and True.
    """
    mean = samples.mean(axis=1)
    energies = np.square(samples, dtype=np.float64).mean(axis=0)
    energy = np.square(mean, dtype=np.float64).mean() if len(mean) else 0
    if len(mean) < _FEW or energy >= _SILENT * energies.mean():
        return mean, False
    return samples[:, int(energies.argmax())], True


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
