"""Read drawings from UNIPEN 1.0, the text format of older collections of handwriting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from ..errors import UserError
from .stroke_reading import Found, Reading, joined, place
from .strokes import Drawing
from .tables import lines_of, read_text

_MOST_BYTES = 2**25
_SEGMENT = re.compile(r"\s*(\S+)\s*([^\s\"]*)\s*([^\s\"]*)\s*(?:\"(.*)\")?", re.DOTALL)
_RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?$")


class _Component(NamedTuple):
    """What the pen did between two of its moves up or down."""

    rows: np.ndarray
    """(n, 3) x, y, seconds."""
    down: bool
    writer: str | None


class _Segment(NamedTuple):
    """A part of the file with a label."""

    level: str
    line: int
    components: list[int]
    label: str | None


def read_unipen(path: Path, reading: Reading) -> list[Found]:
    """Return the drawings of a file, also gzipped.

    The segments of one level are drawings: of `reading.label`, such as CHARACTER, or else of the first level
    with labels. A segment names its components by their numbers, from 0; those of a pen in the air have one
    if they have points, and are left out. If it names none ("?"), they are those up to the next segment of
    its level. A file without segments is one drawing. The writer is `.WRITER_ID`; times are the column T of
    `.COORD` in milliseconds, or follow from `.POINTS_PER_SECOND` and `.DT`.

    Raises:
        UserError: the file is too large, a number or a segment can't be read, or the strokes are in another
            file (`.INCLUDE`).
    """
    file = _Reader(path, read_text(path, reading.form.encoding, _MOST_BYTES), reading.label)
    segments = file.segments or [_Segment("", 1, list(range(len(file.components))), None)]
    return [_drawing(path, file.components, segment) for segment in segments]


def _drawing(path: Path, components: list[_Component], segment: _Segment) -> Found:
    chosen = [components[at] for at in segment.components if components[at].down]
    points = joined([each.rows[:, :2] for each in chosen])
    writer = next((each.writer for each in chosen if each.writer), None)
    drawing = Drawing(points, segment.label, writer, place(path, str(segment.line)))
    times = np.concatenate([each.rows[:, 2] for each in chosen]) if len(points) else np.empty(0)
    return Found(drawing, None if np.isnan(times).all() else times)


class _Reader:
    """Reads the statements of a file."""

    def __init__(self, path: Path, text: str, level: str | None) -> None:
        self.components: list[_Component] = []
        self.segments: list[_Segment] = []
        self._path, self._level = path, level
        self._columns = ["X", "Y"]
        self._writer: str | None = None
        self._second, self._now = 0.0, 0.0  # the time between points, and the one of the next point
        self._unnamed: _Segment | None = None
        for line, keyword, value in _statements(text):
            self._line = line
            self._follow(keyword, value)
        for segment in self.segments:
            for at in segment.components:
                if at >= len(self.components):
                    self._line = segment.line
                    self._fail(f"expected a component of the {len(self.components)} in the file, got {at}")

    def _fail(self, said: str) -> NoReturn:
        raise UserError(f"{self._path}:{self._line}: {said}") from None

    def _follow(self, keyword: str, value: str) -> None:
        if keyword in (".PEN_DOWN", ".PEN_UP"):
            self._add(value, down=keyword == ".PEN_DOWN")
        elif keyword == ".SEGMENT":
            self._segment(value)
        elif keyword == ".COORD":
            self._columns = value.upper().split()
            if not {"X", "Y"} <= set(self._columns):
                self._fail(f"expected the columns X and Y, got {value.strip()[:40]!r}")
        elif keyword == ".WRITER_ID":
            self._writer = " ".join(value.split()) or None
        elif keyword == ".POINTS_PER_SECOND":
            rate = self._numbers(value)[:1]
            self._second = 1 / rate[0] if len(rate) and rate[0] > 0 else 0.0
        elif keyword == ".DT":
            self._now += self._numbers(value)[:1].sum() / 1000
        elif keyword == ".INCLUDE":
            self._fail(
                f"expected the strokes in the file itself, found .INCLUDE {value.strip()[:60]}: join them"
            )

    def _numbers(self, text: str) -> np.ndarray:
        try:
            return np.array(text.split(), np.float64)
        except ValueError as error:
            self._fail(f"expected numbers: {error}")

    def _add(self, value: str, *, down: bool) -> None:
        """Keep the points of a component; one of a pen in the air counts only if it has some."""
        numbers, width = self._numbers(value), len(self._columns)
        if len(numbers) % width:
            self._fail(f"expected rows of {' '.join(self._columns)}, got {len(numbers)} numbers")
        table = numbers.reshape(-1, width)
        rows = np.full((len(table), 3), np.nan)
        rows[:, :2] = table[:, [self._columns.index(name) for name in ("X", "Y")]]
        if "T" in self._columns:
            rows[:, 2] = table[:, self._columns.index("T")] / 1000
        elif self._second:
            rows[:, 2] = self._now + self._second * np.arange(len(table))
            self._now += self._second * len(table)
        if not down and not len(table):
            return
        if self._unnamed is not None:
            self._unnamed.components.append(len(self.components))
        self.components.append(_Component(rows, down, self._writer))

    def _segment(self, value: str) -> None:
        found = _SEGMENT.match(value)
        if found is None:
            self._fail(f"expected a level of .SEGMENT, got {value.strip()[:40]!r}")
        level, parts, _, label = found.groups()
        level = level.upper()
        if self._level is None and label:
            self._level = level
        if level != (self._level or "").upper():
            return
        segment = _Segment(level, self._line, [], label or None)
        if parts in ("", "?"):
            self._unnamed = segment
        else:
            segment.components.extend(self._components(parts))
        self.segments.append(segment)

    def _components(self, parts: str) -> Iterator[int]:
        for part in parts.split(","):
            found = _RANGE.match(part)
            first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
            if first > last:
                self._fail(f"expected numbers of whole components such as 0-2,4, got {parts[:40]!r}")
            yield from range(first, last + 1)


def _statements(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the keyword and the value of each statement; a value may go on in the next lines."""
    line, keyword, value = 1, "", list[str]()
    for number, content in enumerate(lines_of(text), start=1):
        if content.startswith("."):
            yield line, keyword, "\n".join(value)
            line, (keyword, _, rest) = number, re.split(r"(\s|$)", content, maxsplit=1)
            value = [rest]
        else:
            value.append(content)
    yield line, keyword, "\n".join(value)
