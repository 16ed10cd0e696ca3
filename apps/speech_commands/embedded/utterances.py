"""Draws the clips of the embedded speech: the word, the voice, the way it is spoken, the recording."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipelines.ondevice.audio import resample

from ..config import SAMPLE_RATE, SILENCE, UNKNOWN, WORDS
from .acoustics import record, silence
from .espeak import RATE, Espeak
from .signals import trimmed
from .spoken import ACCENTS, HELD_OUT_WORDS, UNKNOWN_WORDS, VARIANTS

LABELS = (*WORDS, UNKNOWN, SILENCE)
CLIPS = {
    "full": {"train": 834, "validation": 100, "test": 167},
    "small": {"train": 40, "validation": 10, "test": 20},
}
"""Clips of each label, by size and split."""
SAMPLES = SAMPLE_RATE
_SEED = 8


class Utterance(NamedTuple):
    """One clip."""

    label: str
    word: str
    """The spoken word; empty in silence."""
    voice: str
    """espeak-ng's name for the voice; empty in silence."""
    samples: np.ndarray
    """16-bit samples (SAMPLES,) at SAMPLE_RATE."""


def utterances(split: str, clips: int) -> Iterator[Utterance]:
    """Yield `clips` clips of each label; the labels take turns.

    Every machine with the same version of espeak-ng generates the same clips.

    Raises:
        UserError: espeak-ng is not installed, or crashes.
    """
    with Espeak() as espeak:
        for index in range(clips * len(LABELS)):
            rng = np.random.default_rng([_SEED, list(VARIANTS).index(split), index])
            yield _utterance(espeak, split, index, rng)


def _utterance(espeak: Espeak, split: str, index: int, rng: np.random.Generator) -> Utterance:
    turn, which = divmod(index, len(LABELS))
    label = LABELS[which]
    if label == SILENCE:
        return Utterance(label, "", "", silence(SAMPLES, rng))
    word = _unknown_word(split, turn) if label == UNKNOWN else label
    voice = f"{rng.choice(ACCENTS)}+{rng.choice(VARIANTS[split])}"
    return Utterance(label, word, voice, record(speak(espeak, word, voice, rng), SAMPLES, rng))


def _unknown_word(split: str, turn: int) -> str:
    words = HELD_OUT_WORDS if split != "train" and turn % 2 else UNKNOWN_WORDS
    return words[turn // (1 if split == "train" else 2) % len(words)]


def speak(espeak: Espeak, word: str, voice: str, rng: np.random.Generator) -> np.ndarray:
    """Return a spoken word, (n,) float32 at SAMPLE_RATE, with random speed, pitch and size of the throat."""
    samples = espeak.say(
        word + rng.choice(["", ".", ",", "!", "?"]),
        voice,
        rate=int(rng.integers(120, 240)),
        pitch=int(rng.integers(20, 80)),
        pitch_range=int(rng.integers(20, 90)),
    )
    throat = rng.uniform(0.9, 1.12)
    return trimmed(resample(samples / np.float32(32768), round(RATE * throat), SAMPLE_RATE, voice))
