"""Drawings in CSV and TSV files, a row for each point."""

from __future__ import annotations

import csv
import io
import math
from array import array
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import UserError
from .stroke_reading import LABELS, MOST_DRAWINGS, MOST_POINTS, WRITERS, Found, Reading, column_of, place
from .strokes import Drawing
from .tables import Form, read_text, table_rows
from .text_files import SPLIT_NAMES

_ONCE = ("label", "writer", "split")
"""What a drawing has once: rows without it may be empty."""


@dataclass
class _Rows:
    """The rows of a drawing."""

    line: int
    points: array[float] = field(default_factory=lambda: array("d"))
    """x, y and pen of each row, in this order."""
    times: array[float] = field(default_factory=lambda: array("d"))
    stroke: str = ""
    said: dict[str, str] = field(default_factory=dict)


def read_table(path: Path, reading: Reading) -> list[Found]:
    """Return the drawings of a table with columns `x` and `y`, in the order of their first rows.

    `drawing` tells which rows belong together; without it the file is one drawing. A stroke ends where `pen`
    is 1, or where `stroke` changes. `label`, `writer` and `split` belong to the whole drawing, `time` is in
    seconds. Empty numbers are no numbers (see `stroke_mending`).

    Raises:
        UserError: a row is malformed, x or y is missing, a drawing has two labels, writers or splits, or
            there are too many points.
    """
    content = read_text(path, reading.form.encoding)
    columns = _columns(path, content, reading)
    drawings: dict[str, _Rows] = {}
    rows = table_rows(path, content, {f"column {name}": name for name in columns.values()}, reading.form)
    for count, (line, values) in enumerate(rows):
        row = dict(zip(columns, values, strict=True))
        if count >= MOST_POINTS or len(drawings) > MOST_DRAWINGS:
            most = f"{MOST_POINTS:,} points and {MOST_DRAWINGS:,} drawings"
            raise UserError(f"{path}:{line}: expected at most {most} in a file, found more")
        _add(drawings.setdefault(row.get("drawing", ""), _Rows(line)), row, path, line)
    return [_found(path, rows) for rows in drawings.values()]


def _columns(path: Path, content: str, reading: Reading) -> dict[str, str]:
    """Return the names of the columns that are there, by what they hold."""
    form: Form = reading.form
    names = list(form.columns)
    if not names:
        lines = csv.reader(io.StringIO(content, newline=""), delimiter=form.between(path))
        try:
            names = next(lines, [])
        except csv.Error as error:
            raise UserError(f"{path}:1: {error}") from None
    where = f"{path}:1: columns"
    columns = {"x": column_of(names, "x", (), where), "y": column_of(names, "y", (), where)}
    columns["label"] = column_of(names, reading.label, LABELS, where)
    columns["writer"] = column_of(names, reading.writer, WRITERS, where)
    for name in ("drawing", "stroke", "pen", "time", "split"):
        columns[name] = column_of(names, None, (name,), where)
    return {what: name for what, name in columns.items() if name is not None}


def _add(rows: _Rows, row: dict[str, str], path: Path, line: int) -> None:
    pen = _number(row.get("pen", "0"), "pen", path, line)
    if pen not in (0, 1):
        raise UserError(f"{path}:{line}: expected 0 or 1 for the pen, got {row['pen']!r}")
    x, y = _number(row["x"], "x", path, line), _number(row["y"], "y", path, line)
    if rows.points and row.get("stroke", "") != rows.stroke:
        rows.points[-1] = 1.0
    rows.points.extend((x, y, pen))
    rows.stroke = row.get("stroke", "")
    rows.times.append(_number(row.get("time", ""), "time", path, line))
    for what in _ONCE:
        if (value := row.get(what, "")) and rows.said.setdefault(what, value) != value:
            both = f"{rows.said[what]!r} and {value!r}"
            raise UserError(f"{path}:{line}: expected one {what} of a drawing, got {both}")


def _number(text: str, what: str, path: Path, line: int) -> float:
    try:
        return float(text) if text.strip() else math.nan
    except ValueError:
        raise UserError(f"{path}:{line}: expected a number for {what}, got {text[:40]!r}") from None


def _found(path: Path, rows: _Rows) -> Found:
    with np.errstate(over="ignore"):
        points = np.frombuffer(rows.points).reshape(-1, 3).astype(np.float32)
    times = np.frombuffer(rows.times)
    split = rows.said.get("split", "").lower()
    label, writer = rows.said.get("label"), rows.said.get("writer")
    drawing = Drawing(points, label, writer, place(path, str(rows.line)))
    return Found(drawing, None if np.isnan(times).all() else times, SPLIT_NAMES.get(split, split))
