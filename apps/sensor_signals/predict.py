"""Tells what a recording shows, sample by sample: numpy and LiteRT only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.config import require
from pipelines.data.recordings import Recording, Span
from pipelines.data.windows import EVENT_STEPS, NOTHING
from pipelines.errors import UserError
from pipelines.files import require_place, write_csv
from pipelines.ondevice.bundle import Bundle
from pipelines.tasks.events import EventOptions, Listener
from pipelines.tasks.segment_finder import COLUMNS, SegmentFinder, found_in
from pipelines.tasks.segments import SegmentOptions

from .features import stretches_of

_SHOWN = 12


@dataclass(frozen=True)
class Options(SegmentOptions):
    """Options that decide what is reported of a stream."""

    threshold: float = 0.4
    """Of a network for events: report an event when its probability reaches this value."""
    out: Path | None = None
    """Write the segments or events of all recordings to this CSV: file, start, end, label."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.threshold <= 1, "threshold", "above 0, at most 1", self.threshold)


def predict(
    bundle: Bundle, recordings: Sequence[Any], variant: str | None, options: Options
) -> Iterator[dict[str, Any]]:
    """Yield for each recording (a file, or samples (n, channels)) its segments, or its events.

    At each gap of a file the network starts anew; times count from the first sample of the file.

    Raises:
        UserError: there is no recording, or a file can't be read.
    """
    if not recordings:
        raise UserError("expected a recording (CSV, Parquet, .npz, WFDB)")
    if options.out is not None:
        require_place("--out", options.out)
    finder = Finder(bundle, variant, options)
    rows = [COLUMNS]
    for each in recordings:
        stretches = stretches_of(bundle, each)
        found = found_in(each, stretches, finder)
        rows += found.rows
        spans = [span._asdict() for span in found.spans]
        yield {
            "file": found.file,
            "seconds": found.seconds,
            "stretches": len(stretches),
            "events" if finder.marks_events else "segments": spans,
            "real_time_factor": found.real_time_factor,
        }
    if options.out is not None:
        write_csv(options.out, rows)


class Finder:
    """Finds the segments or the events of recordings, as the network was trained to.

    Args:
        bundle: of this app.
        variant: a file or a precision; of a precision, the streaming file is used if there is one.
        options: what is reported.
    """

    def __init__(self, bundle: Bundle, variant: str | None, options: Options) -> None:
        self.marks_events = bundle.manifest["config"]["answer"] == "events"
        self._find = (
            _events_of(bundle, variant, options)
            if self.marks_events
            else SegmentFinder(bundle, variant, options)
        )

    def __call__(self, recording: Recording) -> list[Span]:
        """Return the segments of a recording, or its events, at the times of its file at which they were."""
        return self._find(recording)


def _events_of(bundle: Bundle, variant: str | None, options: Options) -> Callable[[Recording], list[Span]]:
    """Return a function that finds the events of a recording."""
    step = bundle.preprocessing["packet"] / bundle.preprocessing["sample_rate"]
    steps = round(1000 * (EVENT_STEPS - 1) * step)
    events = EventOptions(threshold=options.threshold, smoothing_ms=steps, suppression_ms=steps)
    listener = Listener(bundle, variant, events, ignored=(NOTHING,))
    later = listener.step_seconds / 2 - bundle.preprocessing["delay"]

    def found(recording: Recording) -> list[Span]:
        listener.reset()
        heard = [(each.seconds + later, each.label) for each in listener(recording.signal)]
        times = [(recording.start + at, label) for at, label in heard if at >= 0]
        return [Span(at, at, label) for at, label in times]

    return found


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the segments or the numbers of events, and the speed."""
    if "events" in answer:
        labels = [event["label"] for event in answer["events"]]
        counts = ", ".join(f"{labels.count(label)} {label}" for label in sorted(set(labels)))
        said = f"{counts or 'no'} events; {60 * len(labels) / max(answer['seconds'], 1e-9):.0f} a minute"
    else:
        spans = answer["segments"]
        parts = [f"{s['start']:.1f}-{s['end']:.1f} s {s['label']}" for s in spans[:_SHOWN]]
        more = [f"{len(spans) - _SHOWN} more"] * (len(spans) > _SHOWN)
        said = ", ".join([*parts, *more]) or "nothing"
    times = 1 / max(answer["real_time_factor"], 1e-9)
    gaps = f" in {answer['stretches']} stretches" if answer["stretches"] > 1 else ""
    return f"{said}   ({answer['seconds']:.1f} s{gaps}, {times:.0f} times faster than real time)"
