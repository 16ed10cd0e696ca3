"""Runs the finished bundle on the clips of each test actor, one after the other, as a stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.data.windows import WindowedData
from pipelines.tasks.segment_pictures import show_segments, streams_of

from .config import ActionConfig
from .predict import Options, finder_of

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome
    from pipelines.ondevice.bundle import Bundle


def show(config: ActionConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    """Write a picture of what the streams are and what is seen in them, and return figures."""
    data: WindowedData = outcome.data  # type: ignore[assignment]
    precision = next(p for p in ("int8", "float32") if p in {v["precision"] for v in bundle.variants})
    find = finder_of(bundle, precision, Options())
    streams = streams_of(data.whole["test"])
    return show_segments(data, streams, [find(stream) for stream in streams], folder)
