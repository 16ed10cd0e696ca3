"""Measure how well events are found in a stream: missed events and false accepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..data.sound import level
from .events import EventOptions, Heard, Listener

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
_SLOT_SECONDS = 3.0  # each slot of the stream holds one clip, or none
_LATE_SECONDS = 0.75  # an event may be reported until this time after the end of its clip
_QUIETEST = 1e-3  # the least level of a slot's background
_EMPTY = 0.01  # level of the background in a slot without a clip


class Placed(NamedTuple):
    """A true event in a stream."""

    label: str
    start: float
    """The start of the clip with the event, in seconds."""
    end: float


class Rates(NamedTuple):
    """The rates of missed events and false accepts at a threshold."""

    threshold: float
    miss_rate: float
    """The share of events that are not reported, or reported with the wrong label."""
    false_accepts_per_hour: float


class Clips(NamedTuple):
    """Labelled clips that make up a stream."""

    samples: Callable[[int], np.ndarray]
    """samples(row) -> samples (n,) of a clip, in [-1, 1]."""
    labels: Sequence[str]
    """The label of each clip."""
    others: Sequence[str]
    """Labels that are not events. Each gets as many slots as all events together."""


def make_stream(
    clips: Clips,
    background: Callable[[int, np.random.Generator], np.ndarray],
    *,
    rate: int,
    minutes: float,
    seed: int,
) -> tuple[np.ndarray, list[Placed]]:
    """Make a stream of samples (n,) from clips at random times over noise; return it and its events.

    The stream consists of slots of three seconds. The events together, and the clips of each label in
    `clips.others`, get the same number of slots. A slot without such a clip stays nearly empty.

    Args:
        clips: the clips to place in the stream.
        background: background(samples, rng) -> noise (samples,), relative to a clip of level 1.
        rate: samples per second.
        minutes: the length of the stream.
        seed: selects clips, times and noise.
    """
    rng = np.random.default_rng(seed)
    slots, width = round(minutes * 60 / _SLOT_SECONDS), round(_SLOT_SECONDS * rate)
    rows = _rows_by_kind(clips)
    stream, placed = [], []
    for i, kind in enumerate(rng.permutation(np.arange(slots) % len(rows))):
        slot = background(width, rng)
        if len(rows[kind]):
            row = rng.choice(rows[kind])
            clip = clips.samples(row)
            start = rng.integers(width - len(clip) + 1)
            slot *= max(level(clip), _QUIETEST)
            slot[start : start + len(clip)] += clip
            if kind == 0:
                begin = i * _SLOT_SECONDS + start / rate
                placed.append(Placed(clips.labels[row], begin, begin + len(clip) / rate))
        else:
            slot *= _EMPTY
        stream.append(np.clip(slot, -1, 1))
    return np.concatenate(stream), placed


def _rows_by_kind(clips: Clips) -> list[np.ndarray]:
    """Return the rows of the events, then those of each other label."""
    names = np.array(clips.labels)
    others = [np.flatnonzero(names == other) for other in clips.others]
    return [np.flatnonzero(~np.isin(names, clips.others)), *others]


def detection_curve(
    listener: Listener, samples: np.ndarray, placed: Sequence[Placed], options: EventOptions
) -> list[Rates]:
    """Return the rates at each of `THRESHOLDS` in a stream of samples (n,). `options` give the rest."""
    posteriors = list(listener.posteriors(samples))
    seconds = len(samples) / listener.sample_rate
    return [
        rates(
            list(listener.events(posteriors, replace(options, threshold=threshold))),
            placed,
            threshold,
            seconds,
        )
        for threshold in THRESHOLDS
    ]


def rates(events: Sequence[Heard], placed: Sequence[Placed], threshold: float, seconds: float) -> Rates:
    """Return the rates of the reported events in a stream of `seconds`.

    An event is found if its label is reported between the start of its clip and 0.75 s after the end. A
    report counts for one event at most; all other reports are false accepts.
    """
    left = [(event.label, event.seconds) for event in events]
    found = 0
    for each in placed:
        until = each.end + _LATE_SECONDS
        hits = [report for report in left if report[0] == each.label and each.start <= report[1] <= until]
        if hits:
            found += 1
            left.remove(hits[0])
    missed = 1 - found / len(placed) if placed else 0.0
    return Rates(threshold, missed, len(left) / (seconds / 3600))
