"""Finds labelled segments in whole streams with a finished bundle. Needs numpy and LiteRT only."""

from __future__ import annotations

from ..data.recordings import Recording, Span
from ..data.windows import NOTHING
from ..ondevice.bundle import Bundle
from .events import EventOptions, Listener
from .segments import SegmentOptions, segments


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
