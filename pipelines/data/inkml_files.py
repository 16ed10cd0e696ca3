"""Read drawings from InkML, the W3C's format for the traces of a pen."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from .inkml_traces import MOST_POINTS, Channels, decoded
from .safe_xml import SafeXml
from .stroke_reading import Found, Reading, joined, place
from .strokes import Drawing

_MOST_BYTES = 2**24
_LABELS = ("truth", "label", "text")
"""The types of annotations that tell what was drawn; the first one that is there counts."""
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_SPACES = re.compile(r"\s+")


def read_inkml(path: Path, reading: Reading) -> list[Found]:
    """Return the drawings of a file, also gzipped.

    If the file itself has an annotation of type truth, label or text, or no group of traces has one, the file
    is one drawing. Else each outermost group with one is a drawing. The writer is an annotation `writer`.
    Points are of the channels X and Y; differences (') and second differences (") are added up. Traces of a
    pen in the air are left out, and continued traces are one stroke.

    Raises:
        UserError: the file is no InkML, too large, has a document type or entities, two formats of traces, or
            a trace that can't be read.
    """
    ink = _Ink(path, reading)
    drawings = [group for group in ink.groups if group.label(ink.labels)]
    if ink.own.label(ink.labels) or not drawings:
        ink.own.traces = list(ink.traces)
        drawings = [ink.own]
    return [_drawing(path, ink, group) for group in drawings]


class _Group:
    """Traces that belong together, and what is said of them."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.traces: list[str] = []
        self.said: dict[str, str] = {}

    def label(self, types: tuple[str, ...]) -> str | None:
        return next((self.said[each] for each in types if self.said.get(each)), None)


def _drawing(path: Path, ink: _Ink, group: _Group) -> Found:
    strokes = [ink.traces[name] for name in group.traces if name in ink.traces]
    points = joined([stroke[:, :2] for stroke in strokes])
    writer = group.said.get(ink.writer) or ink.own.said.get(ink.writer)
    drawing = Drawing(points, group.label(ink.labels), writer, place(path, str(group.line)))
    if not ink.channels.seconds or not len(points):
        return Found(drawing)
    return Found(drawing, np.concatenate(strokes)[:, 2])


class _Ink(SafeXml):
    """Collects the traces and groups of a file."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self.labels = (reading.label.lower(),) if reading.label else _LABELS
        self.writer = (reading.writer or "writer").lower()
        self.own = _Group(1)
        self.groups: list[_Group] = []
        self.traces: dict[str, np.ndarray] = {}
        """(n, 3) x, y, seconds of each trace by its name, or its number if it has none."""
        self.channels = Channels(("X", "Y"))
        self._formats = self._count = 0
        self._names: list[str] = []
        self._time = 0.0
        self._trace: dict[str, str] | None = None
        self._type: str | None = None
        self._text: list[str] = []
        super().__init__(path, "ink", "InkML", most=_MOST_BYTES)

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        name = _bare(name)
        depth = sum(_bare(each) == "traceGroup" for each in self.open)
        if name == "traceGroup" and depth == 1:
            self.groups.append(_Group(self.line))
        elif name == "traceFormat":
            self._names, self._time = [], 0.0
        elif name == "channel":
            self._names.append(attributes.get("name", "").upper())
            if self._names[-1] == "T":
                self._time = _SECONDS.get(attributes.get("units", "ms"), 0.0)
        elif name == "trace":
            self._trace, self._text = attributes, []
        elif name == "annotation" and depth < 2 and _bare(self.open[-2]) in ("ink", "traceGroup"):
            self._type, self._text = attributes.get("type", "").lower(), []
        elif name == "traceView" and "traceDataRef" in attributes and depth:
            if "from" in attributes or "to" in attributes:
                self.fail("expected views of whole traces, got a part")
            self.groups[-1].traces.append(attributes["traceDataRef"].rpartition("#")[2])

    def text(self, text: str) -> None:
        if self._trace is not None or self._type is not None:
            self._text.append(text)

    def end(self, name: str) -> None:
        name = _bare(name)
        grouped = any(_bare(each) == "traceGroup" for each in self.open)
        if name == "trace" and self._trace is not None:
            self._add("".join(self._text), self._trace, grouped)
            self._trace = None
        elif name == "annotation" and self._type is not None:
            told = self.groups[-1] if grouped else self.own
            told.said.setdefault(self._type, _SPACES.sub(" ", "".join(self._text)).strip())
            self._type = None
        elif name == "traceFormat":
            found = Channels(tuple(self._names), self._time)
            if self._formats and found != self.channels:
                self.fail("expected one format of traces in a file, got a second one")
            if not {"X", "Y"} <= set(self._names):
                self.fail(f"expected channels X and Y, got {' '.join(self._names)[:40] or 'none'}")
            self.channels, self._formats = found, self._formats + 1

    def _add(self, text: str, attributes: dict[str, str], grouped: bool) -> None:
        """Keep a trace, as a part of the one before if it continues that."""
        self._count += text.count(",") + 1
        if self._count > MOST_POINTS:
            self.fail(f"expected at most {MOST_POINTS:,} points, found more")
        try:
            points = decoded(text, self.channels)
        except ValueError as error:
            self.fail(str(error))
        if attributes.get("type", "penDown") == "penUp":
            return
        name = attributes.get("xml:id") or attributes.get("id") or f"trace {len(self.traces)}"
        if attributes.get("continuation") in ("middle", "end") and self.traces:
            name = attributes.get("priorRef", "").rpartition("#")[2] or next(reversed(self.traces))
            points = np.concatenate([self.traces.get(name, points[:0]), points])
        elif name in self.traces:
            self.fail(f"expected one trace of each name, got {name[:40]!r} twice")
        elif grouped:
            self.groups[-1].traces.append(name)
        self.traces[name] = points


def _bare(name: str) -> str:
    return name.rpartition(":")[2]
