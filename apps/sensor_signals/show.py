"""Runs the finished bundle on whole recordings of the test people, and draws what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.data.recordings import Recording, Span
from pipelines.data.windows import NOTHING, WindowedData
from pipelines.files import write_csv
from pipelines.tasks.beat_rates import confusion, rates
from pipelines.tasks.segment_pictures import colours_of, show_segments, streams_figure, streams_of

from .config import SensorConfig
from .predict import Finder, Options

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pipelines.evaluation.outcome import Outcome
    from pipelines.ondevice.bundle import Bundle

_BEAT_SECONDS = 12.0


def show(config: SensorConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    """Stream the test recordings of each person, one after the other; write pictures, and return figures.

    Of a network that can't stream, the file for whole windows slides over them.
    """
    data: WindowedData = outcome.data  # type: ignore[assignment]
    precision = next(p for p in ("int8", "float32") if p in {v["precision"] for v in bundle.variants})
    finder = Finder(bundle, precision, Options())
    streams = streams_of(data.whole["test"])
    heard = [finder(stream) for stream in streams]
    if finder.marks_events:
        return _events(streams, heard, [label for label in data.labels if label != NOTHING], folder)
    return show_segments(data, streams, heard, folder)


def _events(
    streams: Sequence[Recording], heard: Sequence[list[Span]], labels: list[str], folder: Path
) -> dict[str, float]:
    counts = sum(confusion(stream.spans, found, labels) for stream, found in zip(streams, heard, strict=True))
    names = [*labels, "none"]
    rows = [[name, *row] for name, row in zip(names, np.asarray(counts).tolist(), strict=True)]
    write_csv(folder / "events.csv", [["true", *names], *rows])
    streams_figure(streams, heard, labels, _draw_beats).savefig(folder / "events.png", dpi=110)
    return {f"stream.{name}": value for name, value in rates(np.asarray(counts), labels).items()}


def _draw_beats(axes: Axes, stream: Recording, heard: list[Span], labels: list[str]) -> None:
    """Draw some seconds around a rare event; true labels stand above the signal, heard ones below it."""
    rare = [span.start for span in stream.spans if span.label in labels and span.label != labels[0]]
    middle = rare[len(rare) // 2] if rare else stream.seconds / 2
    start = max(0.0, min(middle - _BEAT_SECONDS / 2, stream.seconds - _BEAT_SECONDS))
    part = stream.signal[int(start * stream.rate) : int((start + _BEAT_SECONDS) * stream.rate), 0]
    axes.plot(start + np.arange(len(part)) / stream.rate, part, color="black", linewidth=0.7)
    low, high = float(part.min()), float(part.max())
    room = 0.15 * (high - low + 1e-6)
    colours = colours_of(labels)
    for height, spans in ((high + room, stream.spans), (low - room, heard)):
        for span in spans:
            if start <= span.start < start + _BEAT_SECONDS:
                colour = colours.get(span.label, "grey")
                axes.text(span.start, height, span.label, color=colour, ha="center", va="center")
    axes.set(ylim=(low - 2 * room, high + 2 * room), xlabel="seconds (true labels above, heard ones below)")
