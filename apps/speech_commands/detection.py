"""How well words are found in a stream made of test clips: misses against false accepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from pipelines.data.examples import Examples
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.trigger import Event

from .config import SAMPLE_RATE, SILENCE, UNKNOWN
from .features import to_samples
from .listen import Listener, SpeechOptions
from .signals import coloured_noise, level

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
_SLOT = 3.0  # seconds: one clip, or none, in each
_LATE = 0.75  # seconds after the end of its clip in which a word may still be heard
_SNR_DB = (10.0, 25.0)
_SLOPES = (0.0, -1.0, -2.0)


class Spoken(NamedTuple):
    """A word in a stream."""

    label: str
    start: float
    """Seconds; the clip that holds the word starts here."""
    end: float


class Rates(NamedTuple):
    """What a threshold gives."""

    threshold: float
    miss_rate: float
    """Share of the spoken words that are not heard, or heard as another."""
    false_accepts_per_hour: float


def make_stream(
    test: Examples, labels: Sequence[str], minutes: float, seed: int
) -> tuple[np.ndarray, list[Spoken]]:
    """Return samples and the words in them: test clips at random times, noise of changing colour behind.

    A third of the slots of three seconds holds a word, a third an unknown word, a third silence or nothing.
    """
    rng = np.random.default_rng(seed)
    slots, width = round(minutes * 60 / _SLOT), round(_SLOT * SAMPLE_RATE)
    rows = _rows_by_kind(test.targets, labels)
    kinds = rng.permutation(np.arange(slots) % len(rows))
    stream, spoken = [], []
    for i, kind in enumerate(kinds):
        slot = _background(width, rng)
        if len(rows[kind]):
            row = rng.choice(rows[kind])
            clip = to_samples([test.inputs[row]])[0]
            start = rng.integers(width - len(clip) + 1)
            slot *= max(level(clip), 1e-3)
            slot[start : start + len(clip)] += clip
            if kind == 0:
                begin = i * _SLOT + start / SAMPLE_RATE
                spoken.append(Spoken(labels[test.targets[row]], begin, begin + len(clip) / SAMPLE_RATE))
        else:
            slot *= 0.01
        stream.append(np.clip(slot, -1, 1))
    return np.concatenate(stream), spoken


def _rows_by_kind(targets: np.ndarray, labels: Sequence[str]) -> list[np.ndarray]:
    """Return the clips that hold a word, an unknown word, silence."""
    names = np.array(labels)[targets]
    others = (UNKNOWN, SILENCE)
    return [np.flatnonzero(~np.isin(names, others)), *(np.flatnonzero(names == other) for other in others)]


def _background(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Return noise (samples,) relative to speech of level 1."""
    quiet = 10 ** (-rng.uniform(*_SNR_DB) / 20)
    return np.float32(quiet) * coloured_noise(samples, rng.choice(_SLOPES), rng)


def detection_curve(
    bundle: Bundle, samples: np.ndarray, spoken: Sequence[Spoken], options: SpeechOptions
) -> list[Rates]:
    """Return misses and false accepts for each of `THRESHOLDS`, by the float32 variant on the device."""
    listener = Listener(bundle, None, options)
    posteriors = list(listener.posteriors(samples))
    curve = []
    for threshold in THRESHOLDS:
        trigger = listener.trigger(replace(options, threshold=threshold))
        events = [event for posterior in posteriors if (event := trigger(posterior))]
        curve.append(rates(events, listener.step_seconds, spoken, threshold, len(samples) / SAMPLE_RATE))
    return curve


def rates(
    events: Sequence[Event], step_seconds: float, spoken: Sequence[Spoken], threshold: float, seconds: float
) -> Rates:
    """Hold what was heard against what was spoken, in a stream of so many seconds.

    A word is heard if an event of its label falls between its start and `_LATE` after its end; each event
    counts for one word. Every other event is a false accept.
    """
    open_events = [(event.label, (event.step + 1) * step_seconds) for event in events]
    heard = 0
    for word in spoken:
        hits = [e for e in open_events if e[0] == word.label and word.start <= e[1] <= word.end + _LATE]
        if hits:
            heard += 1
            open_events.remove(hits[0])
    missed = 1 - heard / len(spoken) if spoken else 0.0
    return Rates(threshold, missed, len(open_events) / (seconds / 3600))
