"""Cut recordings into windows with one target each, or one target a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from .examples import Data, Examples
from .recordings import Recording, Span

Answer = Literal["window", "sample", "events"]
UNSCORED = -1
"""The target of a step that is neither trained nor scored."""
NO_EVENT = -2
"""The target of a step without an event: trained as the last label, and not scored by itself."""
NOTHING = "_none_"
"""The label of unlabelled stretches, and of steps without an event. It is the last label."""
EVENT_STEPS = 3
"""The network answers with an event's label for this many steps, the last of them the delay after it."""


@dataclass(frozen=True)
class WindowedData(Data):
    """Windows of recordings by split, and the recordings themselves."""

    whole: Mapping[str, Sequence[Recording]] = field(default_factory=dict)
    """The recordings of each split."""
    owners: Mapping[str, np.ndarray] = field(default_factory=dict)
    """By split: the number of each window's recording in `whole`."""


@dataclass(frozen=True)
class Cutting:
    """How recordings are cut. All lengths are in samples."""

    answer: Answer
    """window: one target a window. sample: the label of a sample, at every step. events: the label of an
    event at its steps."""
    labels: tuple[str, ...]
    length: int
    """Of a window."""
    hop: int
    """From window to window of training."""
    packet: int
    """Samples of one step."""
    delay: int = 0
    """The network may see so many samples after the one that it answers for."""
    context: int = 0
    """Of windows with a target a step, so many samples at the start are not scored."""
    mixed: bool = False
    """Whether windows of several labels, or of none, have a target: the commonest label."""
    padded: bool = False
    """Whether a recording shorter than a window becomes one, with copies of its first sample before it."""

    def examples(self, recordings: Sequence[Recording], *, trained: bool) -> tuple[Examples, np.ndarray]:
        """Return the windows (length, ...) of recordings with targets, and the owner of each."""
        hop = self.hop if trained or self.answer == "window" else self.length - self.context
        inputs, targets, owners = [], [], []
        for number, given in enumerate(recordings):
            lacking = max(0, self.length - len(given.signal)) if self.padded else 0
            recording = self._preceded(given, lacking) if lacking else given
            marks = self._marks(recording)
            for start in range(0, len(recording.signal) - self.length + 1, hop):
                context = 0 if trained or start == 0 else self.context
                target = self._target(marks, recording, start, max(context, lacking))
                if np.any(target != UNSCORED):
                    inputs.append(recording.signal[start : start + self.length])
                    targets.append(target)
                    owners.append(number)
        return Examples(inputs, np.array(targets, np.int64)), np.array(owners, np.int64)

    def _preceded(self, recording: Recording, count: int) -> Recording:
        """Return the recording with so many copies of its first sample before it.

        If windows have one label, the copies have the label of the first sample.
        """
        later = count / recording.rate
        spans = [Span(span.start + later, span.end + later, span.label) for span in recording.spans]
        if self.answer == "window" and spans and recording.spans[0].start <= 0:
            spans[0] = spans[0]._replace(start=0.0)
        return replace(recording, signal=padded_to(recording.signal, self.length), spans=tuple(spans))

    def _marks(self, recording: Recording) -> np.ndarray:
        """Return the label of each sample; of events, nothing yet."""
        if self.answer == "events":
            return np.full(len(recording.signal), NO_EVENT, np.int64)
        nothing = self.labels.index(NOTHING) if NOTHING in self.labels else UNSCORED
        return recording.labels_at(self.labels, nothing)

    def _target(self, marks: np.ndarray, recording: Recording, start: int, context: int) -> np.ndarray:
        if self.answer == "window":
            return self._commonest(marks[start : start + self.length])
        if self.answer == "events":
            target = self._events(recording, start)
        else:
            seen = np.arange(start, start + self.length, self.packet) + self.packet - 1 - self.delay
            target = np.where(seen >= 0, marks[np.maximum(seen, 0)], UNSCORED)
        target[: context // self.packet] = UNSCORED
        return target

    def _commonest(self, marks: np.ndarray) -> Any:
        counts = np.bincount(marks[marks >= 0], minlength=len(self.labels))
        pure = counts.max() == len(marks)
        return np.int64(counts.argmax() if pure or (self.mixed and counts.any()) else UNSCORED)

    def _events(self, recording: Recording, start: int) -> np.ndarray:
        steps = self.length // self.packet
        target = np.full(steps, NO_EVENT, np.int64)
        for span in recording.spans:
            at = span.start * recording.rate - start
            last = int((at + self.delay) // self.packet)
            if at >= 0 and last < steps:
                known = self.labels.index(span.label) if span.label in self.labels else UNSCORED
                target[max(0, last - EVENT_STEPS + 1) : last + 1] = known
        return target


def padded_to(signal: np.ndarray, length: int) -> np.ndarray:
    """Return the last `length` samples of a signal (samples, ...); copies of the first precede fewer."""
    kept = signal[-length:]
    return np.concatenate([np.repeat(kept[:1], length - len(kept), axis=0), kept])


def windowed(
    recordings: Sequence[Recording], cutting: Cutting, source: str, notes: Sequence[str]
) -> WindowedData:
    """Return the windows of recordings, by the split that each recording has."""
    whole: dict[str, list[Recording]] = {}
    for each in recordings:
        whole.setdefault(each.split, []).append(each)
    order = [name for name in ("train", "validation", "test") if name in whole]
    splits, owners = {}, {}
    for name in [*order, *(name for name in whole if name not in order)]:
        splits[name], owners[name] = cutting.examples(whole[name], trained=name == "train")
    return WindowedData(splits, cutting.labels, source, tuple(notes), whole, owners)
