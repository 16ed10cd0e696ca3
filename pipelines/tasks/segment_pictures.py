"""Stream the recordings of several people; count and draw the true and the heard segments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from ..data.recordings import Recording, Span, in_a_row
from ..data.windows import NOTHING, WindowedData
from .segments import SegmentCounts, joined

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DRAWN = 4  # streams
_LINES = 12  # more channels than these are drawn as one line, how much they change


def streams_of(recordings: Sequence[Recording]) -> list[Recording]:
    """Return a stream for each person: all recordings of that person, one after the other."""
    people = sorted({each.subject for each in recordings})
    return [in_a_row([each for each in recordings if each.subject == who]) for who in people]


def show_segments(
    data: WindowedData, streams: Sequence[Recording], heard: Sequence[list[Span]], folder: Path
) -> dict[str, float]:
    """Write the picture `segments.png`, and return the figures `stream.*`.

    Args:
        data: its last label is `NOTHING` if it is known that nothing is to be heard in the other stretches.
        streams: of the test people.
        heard: the segments that were found in each.
        folder: for the picture.
    """
    labels = [label for label in data.labels if label != NOTHING]
    counts = SegmentCounts()
    for stream, found in zip(streams, heard, strict=True):
        true = joined(stream.spans, labels)
        counts.add(true, found, stream.seconds, all_known=NOTHING in data.labels)
    streams_figure(streams, heard, labels, draw_segments).savefig(folder / "segments.png", dpi=110)
    return {f"stream.{name}": value for name, value in counts.figures().items()}


def streams_figure(
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


def draw_segments(axes: Axes, stream: Recording, heard: list[Span], labels: list[str]) -> None:
    """Draw the signal faintly, and the true and the heard segments under each other."""
    step = max(1, len(stream.signal) // 4000)
    time = np.arange(0, len(stream.signal), step) / stream.rate
    some = _lines(stream.signal)[::step]
    scaled = (some - some.mean(axis=0)) / (6 * some.std(axis=0) + 1e-9)
    axes.plot(time, 2.5 + scaled, linewidth=0.3, alpha=0.5)
    colours = colours_of(labels)
    for height, spans in ((1, joined(stream.spans, labels)), (0, heard)):
        for span in spans:
            axes.barh(height, span.end - span.start, left=span.start, height=0.8, color=colours[span.label])
    axes.set_yticks([0, 1], ["heard", "true"])
    axes.set(ylim=(-0.5, 3.2), xlim=(0, stream.seconds), xlabel="seconds")
    for label, colour in colours.items():
        axes.barh(0, 0, color=colour, label=label)
    axes.legend(ncols=min(10, len(labels)), fontsize="x-small", loc="upper right")


def _lines(signal: np.ndarray) -> np.ndarray:
    """Return the channels of a signal (samples, ...), or, of many, how much they change, (samples, 1)."""
    rows = signal.reshape(len(signal), -1).astype(np.float32)
    if rows.shape[1] <= _LINES:
        return rows
    return np.abs(np.diff(rows, axis=0, prepend=rows[:1])).mean(axis=1, keepdims=True)


def colours_of(labels: Sequence[str]) -> dict[str, Any]:
    """Return a colour for each label; from the 21st on they come again."""
    colours = colormaps["tab10" if len(labels) <= 10 else "tab20"]
    return {label: colours(number % colours.N) for number, label in enumerate(labels)}
