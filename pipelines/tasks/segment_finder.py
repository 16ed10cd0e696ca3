"""Finds labelled segments in whole streams with a finished bundle. Needs numpy and LiteRT only."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..data.recordings import Recording, Span
from ..data.windows import NOTHING
from ..ondevice.bundle import Bundle
from .events import EventOptions, Listener
from .segments import SegmentOptions, segments

COLUMNS = ["file", "start", "end", "label"]
"""Of the table of what was found."""


class Found(NamedTuple):
    """What was found in an input."""

    file: str | None
    """None of an array."""
    spans: list[Span]
    seconds: float
    """The length of the input."""
    real_time_factor: float
    """The time that it took, as a share of the length."""

    @property
    def rows(self) -> list[list[str]]:
        """Return the rows of a table with `COLUMNS`."""
        return [[self.file or "", f"{span.start:.3f}", f"{span.end:.3f}", span.label] for span in self.spans]


def found_in(given: Any, streams: Sequence[Recording], find: Callable[[Recording], list[Span]]) -> Found:
    """Return what is found in an input, and how long that takes.

    Args:
        given: the input, a path or an array.
        streams: the input as the network reads it, in the order of time.
        find: finds the segments or events of a stream.
    """
    seconds = sum(stream.seconds for stream in streams)
    started = time.perf_counter()
    spans = [span for stream in streams for span in find(stream)]
    took = time.perf_counter() - started
    name = str(given) if isinstance(given, str | Path) else None
    return Found(name, spans, round(seconds, 3), round(took / seconds, 5))


class SegmentFinder:
    """Finds the segments of recordings.

    Args:
        bundle: its preprocessing is that of `events.Listener`; `delay` is how many seconds a network sees
            after what it answers for.
        variant: a file or a precision; of a precision, the streaming file is used if there is one.
        options: what is reported.
    """

    def __init__(self, bundle: Bundle, variant: str | None, options: SegmentOptions) -> None:
        self._options, self._labels = options, bundle.labels
        self._delay = bundle.preprocessing["delay"]
        self._listener = Listener(bundle, variant, EventOptions(), ignored=(NOTHING,))

    def __call__(self, recording: Recording) -> list[Span]:
        """Return the segments of a recording, at the times of its file at which they were."""
        self._listener.reset()
        posteriors = self._listener.posteriors(recording.signal)
        step, late = self._listener.step_seconds, self._delay - recording.start
        return [
            Span(max(recording.start, span.start - late), span.end - late, span.label)
            for span in segments(posteriors, self._labels, step, self._options)
            if span.end > self._delay
        ]
