"""Runs the finished bundle on whole recordings of the test people, and draws what it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pipelines.data.recordings import Recording, Span, in_a_row
from pipelines.data.windows import NOTHING, WindowedData
from pipelines.files import write_csv
from pipelines.tasks.beat_rates import confusion, rates
from pipelines.tasks.segments import SegmentCounts, joined

from .config import SensorConfig
from .predict import Finder, Options

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pipelines.evaluation.outcome import Outcome
    from pipelines.ondevice.bundle import Bundle

_DRAWN, _BEAT_SECONDS = 4, 12.0


def show(config: SensorConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    """Stream the test recordings of each person, one after the other; write pictures, and return figures.

    Of a network that can't stream, the file for whole windows slides over them.
    """
    data: WindowedData = outcome.data  # type: ignore[assignment]
    precision = next(p for p in ("int8", "float32") if p in {v["precision"] for v in bundle.variants})
    finder = Finder(bundle, precision, Options())
    people = sorted({each.subject for each in data.whole["test"]})
    streams = [in_a_row([e for e in data.whole["test"] if e.subject == who]) for who in people]
    heard = [finder(stream) for stream in streams]
    labels = [label for label in data.labels if label != NOTHING]
    if finder.marks_events:
        return _events(streams, heard, labels, folder)
    counts = SegmentCounts()
    for stream, found in zip(streams, heard, strict=True):
        true = joined(stream.spans, labels)
        counts.add(true, found, stream.seconds, all_known=NOTHING in data.labels)
    _figure(streams, heard, labels, _draw_segments).savefig(folder / "segments.png", dpi=110)
    return {f"stream.{name}": value for name, value in counts.figures().items()}


def _events(
    streams: Sequence[Recording], heard: Sequence[list[Span]], labels: list[str], folder: Path
) -> dict[str, float]:
    counts = sum(confusion(stream.spans, found, labels) for stream, found in zip(streams, heard, strict=True))
    names = [*labels, "none"]
    rows = [[name, *row] for name, row in zip(names, np.asarray(counts).tolist(), strict=True)]
    write_csv(folder / "events.csv", [["true", *names], *rows])
    _figure(streams, heard, labels, _draw_beats).savefig(folder / "events.png", dpi=110)
    return {f"stream.{name}": value for name, value in rates(np.asarray(counts), labels).items()}


def _figure(
    streams: Sequence[Recording], heard: Sequence[list[Span]], labels: list[str], draw: Callable[..., Any]
) -> Figure:
    """Return a figure with a row for each of the first streams."""
    shown = min(_DRAWN, len(streams))
    figure = Figure(figsize=(14, 2.6 * shown + 0.6), layout="constrained")
    rows = figure.subplots(shown, 1, squeeze=False)[:, 0]
    for axes, stream, found in zip(rows, streams, heard, strict=False):
        draw(axes, stream, found, labels)
        axes.set_title(f"person {stream.subject or '?'}", fontsize="small", loc="left")
    return figure


def _draw_segments(axes: Axes, stream: Recording, heard: list[Span], labels: list[str]) -> None:
    """Draw the signal faintly, and the true and the heard segments under each other."""
    step = max(1, len(stream.signal) // 4000)
    time = np.arange(0, len(stream.signal), step) / stream.rate
    some = stream.signal[::step]
    scaled = (some - some.mean(axis=0)) / (6 * some.std(axis=0) + 1e-9)
    axes.plot(time, 2.5 + scaled, linewidth=0.3, alpha=0.5)
    colours = _colours(labels)
    for height, spans in ((1, joined(stream.spans, labels)), (0, heard)):
        for span in spans:
            axes.barh(height, span.end - span.start, left=span.start, height=0.8, color=colours[span.label])
    axes.set_yticks([0, 1], ["heard", "true"])
    axes.set(ylim=(-0.5, 3.2), xlim=(0, stream.seconds), xlabel="seconds")
    for label, colour in colours.items():
        axes.barh(0, 0, color=colour, label=label)
    axes.legend(ncols=len(labels), fontsize="x-small", loc="upper right")


def _draw_beats(axes: Axes, stream: Recording, heard: list[Span], labels: list[str]) -> None:
    """Draw some seconds around a rare event; true labels stand above the signal, heard ones below it."""
    rare = [span.start for span in stream.spans if span.label in labels and span.label != labels[0]]
    middle = rare[len(rare) // 2] if rare else stream.seconds / 2
    start = max(0.0, min(middle - _BEAT_SECONDS / 2, stream.seconds - _BEAT_SECONDS))
    part = stream.signal[int(start * stream.rate) : int((start + _BEAT_SECONDS) * stream.rate), 0]
    axes.plot(start + np.arange(len(part)) / stream.rate, part, color="black", linewidth=0.7)
    low, high = float(part.min()), float(part.max())
    room = 0.15 * (high - low + 1e-6)
    colours = _colours(labels)
    for height, spans in ((high + room, stream.spans), (low - room, heard)):
        for span in spans:
            if start <= span.start < start + _BEAT_SECONDS:
                colour = colours.get(span.label, "grey")
                axes.text(span.start, height, span.label, color=colour, ha="center", va="center")
    axes.set(ylim=(low - 2 * room, high + 2 * room), xlabel="seconds (true labels above, heard ones below)")


def _colours(labels: Sequence[str]) -> dict[str, str]:
    return {label: f"C{number % 10}" for number, label in enumerate(labels)}
