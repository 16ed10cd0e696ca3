"""Tells what happens in a video, and when: numpy and LiteRT, and PyAV to read the video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.config import require
from pipelines.data.recordings import Recording, Span
from pipelines.data.windows import NOTHING
from pipelines.errors import UserError
from pipelines.files import require_place, write_csv
from pipelines.ondevice.bundle import Bundle
from pipelines.tasks.classification import answer as answer_of
from pipelines.tasks.segment_finder import COLUMNS, Found, SegmentFinder, found_in
from pipelines.tasks.segments import SegmentOptions
from pipelines.tasks.window_finder import WindowFinder

from .features import streams_of

_SHOWN = 12


@dataclass(frozen=True)
class Options(SegmentOptions):
    """Options that decide what is reported of a video."""

    smoothing_ms: int = 400
    """Average the probabilities over this time in milliseconds."""
    out: Path | None = None
    """Write a copy of the video with the labels drawn into it (.mp4, .gif), or the segments of all inputs
    (.csv: file, start, end, label)."""
    camera: int | None = None
    """Watch this camera, from 0 on, in place of files; q ends it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.camera is None or self.camera >= 0, "camera", "0 or more", self.camera)


def predict(
    bundle: Bundle, clips: Sequence[Any], variant: str | None, options: Options
) -> Iterator[dict[str, Any]]:
    """Yield for each video, folder of pictures or sequence of joints (or array (n, ...)) its segments.

    A network that was trained with one label a clip runs on windows, each from the initial state. An input
    that is no longer than one window also gets its `label` and `probabilities`, those of evaluation.

    Raises:
        UserError: there is no input, or a file can't be read.
    """
    if options.camera is not None:
        from .watch import watch

        yield from watch(bundle, variant, options.camera, options)
        return
    if not clips:
        raise UserError("expected a video, a folder of pictures, joints (.npz, CSV), or --camera 0")
    table = options.out is not None and options.out.suffix.lower() == ".csv"
    if options.out is not None and not table and len(clips) > 1:
        raise UserError(f"--out {options.out}: expected one video, got {len(clips)}; .csv takes many")
    if options.out is not None:
        require_place("--out", options.out)
    find = finder_of(bundle, variant, options)
    rows = [COLUMNS]
    for each in clips:
        streams = streams_of(bundle, each)
        found, whole = _found(each, streams, find)
        rows += found.rows
        if options.out is not None and not table:
            _draw(each, found.spans, options.out)
        yield {
            "file": found.file,
            "seconds": found.seconds,
            **({} if whole is None else answer_of(bundle.labels, whole)),
            "segments": [span._asdict() for span in found.spans],
            "real_time_factor": found.real_time_factor,
        }
    if options.out is not None and table:
        write_csv(options.out, rows)


def finder_of(bundle: Bundle, variant: str | None, options: SegmentOptions) -> SegmentFinder | WindowFinder:
    """Return what finds the segments of a recording, as the network was trained to answer."""
    kind = WindowFinder if bundle.manifest["config"]["answer"] == "clip" else SegmentFinder
    return kind(bundle, variant, options)


def _found(
    given: Any, streams: Sequence[Recording], find: SegmentFinder | WindowFinder
) -> tuple[Found, np.ndarray | None]:
    """Return the segments of an input, and the probabilities of a clip as a whole."""
    if isinstance(find, WindowFinder):
        return find.of_input(given, streams)
    return found_in(given, streams, find), None


def _draw(video: Any, spans: Sequence[Span], out: Path) -> None:
    """Write a video again with the labels of its segments.

    Raises:
        UserError: the input is no video file or folder of pictures, or `out` can't be written.
    """
    from pipelines.tasks.labelled_video import Seen, write_labelled

    if not isinstance(video, str | Path):
        raise UserError(f"--out {out}: expected the file of a video")
    changes = [(span.start, span.label) for span in spans] + [(span.end, "") for span in spans]
    told = dict(sorted(changes, key=lambda change: (change[0], change[1] != "")))
    write_labelled(out, Path(video), [Seen(seconds, label) for seconds, label in told.items()])


def describe(answer: dict[str, Any]) -> str:
    """Return one line: what the clip is, or the segments, and the speed."""
    spans = answer["segments"]
    parts = [f"{s['start']:.1f}-{s['end']:.1f} s {s['label']}" for s in spans[:_SHOWN]]
    more = [f"{len(spans) - _SHOWN} more"] * (len(spans) > _SHOWN)
    said = ", ".join([*parts, *more]) or "nothing"
    if "label" in answer:
        label = answer["label"]
        name = "nothing" if label == NOTHING else label
        said = f"{name} ({answer['probabilities'][label]:.0%})"
    if not answer["real_time_factor"]:  # of a camera
        return said
    times = 1 / answer["real_time_factor"]
    return f"{said}   ({answer['seconds']:.1f} s, {times:.0f} times faster than real time)"
