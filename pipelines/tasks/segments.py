"""Find labelled segments in a stream while samples arrive, and measure how well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..config import require
from ..data.recordings import Span
from ..data.windows import NOTHING
from ..ondevice.trigger import Steady

_OVERLAP = 0.5  # of the union of two segments that count as the same


@dataclass(frozen=True)
class SegmentOptions:
    """Settings that decide when the label of a stream changes."""

    smoothing_ms: int = 800
    """Average the probabilities over this time in milliseconds."""
    enter: float = 0.5
    """Another label takes over when its smoothed probability reaches this value."""
    leave: float = 0.5
    """The present label stays while its smoothed probability is at least this value."""

    def __post_init__(self) -> None:
        require(self.smoothing_ms > 0, "smoothing_ms", "above 0", self.smoothing_ms)
        require(0 < self.enter <= 1, "enter", "above 0, at most 1", self.enter)
        require(0 < self.leave <= 1, "leave", "above 0, at most 1", self.leave)


def segments(
    posteriors: Iterable[np.ndarray], labels: Sequence[str], step: float, options: SegmentOptions
) -> list[Span]:
    """Return the segments in the posteriors (labels,) of a whole stream, without those of `NOTHING`.

    Args:
        posteriors: one for each step.
        labels: their labels.
        step: seconds from one to the next.
        options: when the label changes. A segment starts when the change is decided, so it is a little late.
    """
    steady = Steady(max(1, round(options.smoothing_ms / 1000 / step)), options.enter, options.leave)
    found: list[list[int]] = []
    number = 0
    for number, posterior in enumerate(posteriors, start=1):
        label = steady(posterior)
        if found and found[-1][2] == label:
            found[-1][1] = number
        else:
            found.append([number - 1, number, label])
    named = [Span(first * step, end * step, labels[label]) for first, end, label in found if label >= 0]
    return [span for span in named if span.label != NOTHING]


@dataclass
class SegmentCounts:
    """Counts over streams; `figures` are computed from all of them."""

    true: int = 0
    heard: int = 0
    found: int = 0
    false: int = 0
    """Heard segments that no true segment of the label touches, where that can be told."""
    seconds: float = 0.0
    """The time in which it can be told."""
    delays: list[float] = field(default_factory=list)

    def add(
        self, true: Sequence[Span], heard: Sequence[Span], seconds: float, *, all_known: bool = False
    ) -> None:
        """Count the segments of a stream.

        A true segment is found by a segment of its label if they share half of the time that either has. The
        delay of its onset is the time until the label is first heard in it.

        Args:
            true, heard: segments in the order of time.
            seconds: the length of the stream.
            all_known: whether it is known that nothing is to be heard in stretches without a label. Otherwise
                a segment that is heard wholly in such a stretch is no false alarm.
        """
        self.true += len(true)
        self.heard += len(heard)
        self.seconds += seconds if all_known else sum(each.end - each.start for each in true)
        for each in true:
            alike = [other for other in heard if other.label == each.label and _shared(each, other) > 0]
            self.found += any(_shared(each, other) / _united(each, other) >= _OVERLAP for other in alike)
            if alike:
                self.delays.append(max(0.0, alike[0].start - each.start))
        for other in heard:
            touched = [each for each in true if _shared(each, other) > 0]
            told = all_known or bool(touched)
            self.false += told and not any(each.label == other.label for each in touched)

    def figures(self) -> dict[str, float]:
        """Return segment F1, the median delay of an onset in seconds, and false alarms an hour."""
        total = self.true + self.heard
        return {
            "segment_f1": 2 * self.found / total if total else 0.0,
            "onset_delay": float(np.median(self.delays)) if self.delays else 0.0,
            "false_alarms_per_hour": self.false / (self.seconds / 3600) if self.seconds else 0.0,
        }


def joined(spans: Sequence[Span], labels: Sequence[str]) -> list[Span]:
    """Return the spans of these labels, neighbours of one label as one."""
    found: list[Span] = []
    for span in spans:
        if span.label not in labels:
            continue
        if found and found[-1].label == span.label and span.start - found[-1].end < 1e-3:
            found[-1] = Span(found[-1].start, span.end, span.label)
        else:
            found.append(span)
    return found


def _shared(one: Span, other: Span) -> float:
    return min(one.end, other.end) - max(one.start, other.start)


def _united(one: Span, other: Span) -> float:
    return max(one.end, other.end) - min(one.start, other.start)
