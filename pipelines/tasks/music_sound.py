"""Synthesise music with a few harmonics per note, so that it can be heard without a sequencer."""

from __future__ import annotations

import io

import numpy as np

from ..data.note_grid import notes

RATE = 22_050
"""Samples per second."""
_HARMONICS = np.array([1.0, 0.45, 0.28, 0.12, 0.08, 0.04])
_ATTACK, _RELEASE, _DECAY = 0.02, 0.12, 0.7  # seconds; after _DECAY the level above _SUSTAINED is 1/e
_SUSTAINED = 0.45
_LOUDEST = 0.8


def synthesise(piece: np.ndarray, seconds_per_step: float) -> np.ndarray:
    """Return the sound of a piece (see `note_grid`): samples (n,), float32 in [-1, 1], at `RATE`."""
    release = round(_RELEASE * RATE)
    sound = np.zeros(round(len(piece) * seconds_per_step * RATE) + release + 1, np.float32)
    for note in notes(piece):
        start = round(note.start * seconds_per_step * RATE)
        stop = round((note.start + note.length) * seconds_per_step * RATE)
        tone = _tone(note.pitch, stop - start + release)
        sound[start : start + len(tone)] += tone
    peak = np.abs(sound).max()
    return sound if peak == 0 else (sound * (_LOUDEST / peak)).astype(np.float32)


def _tone(pitch: int, samples: int) -> np.ndarray:
    """Return one note with its release. Harmonics above half the sample rate are left out."""
    t = np.arange(samples) / RATE
    frequency = 440.0 * 2 ** ((pitch - 69) / 12)
    strengths = _HARMONICS[: max(1, int(RATE / 2 / frequency))]
    wave = sum(
        strength * np.sin(2 * np.pi * frequency * (number + 1) * t)
        for number, strength in enumerate(strengths)
    )
    envelope = _SUSTAINED + (1 - _SUSTAINED) * np.exp(-t / _DECAY)
    envelope *= np.minimum(1, t / _ATTACK) * np.minimum(1, t[::-1] / _RELEASE)
    return (wave * envelope).astype(np.float32)


def wav(samples: np.ndarray) -> bytes:
    """Return the content of a 16-bit WAV file."""
    import soundfile

    content = io.BytesIO()
    soundfile.write(content, samples, RATE, format="WAV", subtype="PCM_16")
    return content.getvalue()
