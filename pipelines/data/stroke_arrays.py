"""Drawings in `.npz` files, as offsets in the form of sketch-rnn: read, and written."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..files import write_atomically
from .array_files import read_arrays
from .stroke_reading import (
    LABELS,
    MOST_DRAWINGS,
    MOST_POINTS,
    WRITERS,
    Found,
    Reading,
    column_of,
    place,
    text_of,
)
from .strokes import Drawing
from .text_files import SPLIT_NAMES

_EXPECTED = "expected arrays `points` (sum of lengths, 3) and `lengths` (drawings,)"
_MOST_BYTES = 2**29
_IN_PARTS = ("alphabet", "character")
"""Arrays of Omniglot, whose labels are in two parts."""
_SPLIT = ("split", "splits")
Arrays = Mapping[str, np.ndarray]


def read_npz(path: Path, reading: Reading) -> list[Found]:
    """Return the drawings of a file.

    `points` has the rows dx, dy and 1 for the last point of a stroke; the pen begins at (0, 0), lifted.
    `lengths` has the number of points of each drawing. Labels, writers and splits may be arrays with an entry
    for each drawing. Instead of `points` there may be `train`, `valid` and `test`: (drawings, points, 3), or
    (sum of lengths, 3) with `train_lengths`, and then `train_labels` and so on.

    Raises:
        UserError: the file is too large, has other arrays or objects of Python, or they don't fit together.
    """
    arrays = read_arrays(path, _MOST_BYTES)
    if not isinstance(arrays, Mapping):
        raise UserError(f"{path}: {_EXPECTED}, found a single array")
    if "points" in arrays:
        return _drawings(path, arrays, reading)
    names = [name for name in arrays if name.lower() in SPLIT_NAMES]
    if not names:
        found = ", ".join(list(arrays)[:9]) or "none"
        raise UserError(f"{path}: {_EXPECTED}, or `train`, `valid` and `test`, found {found}")
    drawings: list[Found] = []
    for name in names:
        begin = f"{name}_"
        inner = {key.removeprefix(begin): each for key, each in arrays.items() if key.startswith(begin)}
        points = arrays[name]
        if points.ndim == 3:
            count, length, width = points.shape
            inner.setdefault("lengths", np.full(count, length))
            points = points.reshape(count * length, width)
        split = SPLIT_NAMES[name.lower()]
        some = _drawings(path, {**inner, "points": points}, reading, name)
        drawings += [each._replace(split=split) for each in some]
    return drawings


def _drawings(path: Path, arrays: Arrays, reading: Reading, name: str = "points") -> list[Found]:
    points, lengths = arrays["points"], arrays.get("lengths", np.empty(0))
    if points.ndim != 2 or points.shape[1] != 3 or points.dtype.kind not in "biuf":
        raise UserError(f"{path}: {_EXPECTED}, found {name} {points.shape} of {points.dtype}")
    if len(points) > MOST_POINTS:
        raise UserError(f"{path}: expected at most {MOST_POINTS:,} points in a file, found {len(points):,}")
    if len(lengths) > MOST_DRAWINGS:
        raise UserError(f"{path}: expected at most {MOST_DRAWINGS:,} drawings, found {len(lengths):,}")
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu":
        raise UserError(f"{path}: {_EXPECTED} of whole numbers, found lengths {lengths.shape}")
    if lengths.min(initial=0) < 0 or lengths.sum(dtype=object) != len(points):
        raise UserError(f"{path}: expected as many points as the lengths say, found {len(points):,}")
    labels = _labels(path, arrays, reading, len(lengths))
    writers = _texts(path, arrays, column_of(list(arrays), reading.writer, WRITERS, str(path)), len(lengths))
    splits = _texts(path, arrays, column_of(list(arrays), None, _SPLIT, str(path)), len(lengths))
    ends = np.cumsum(lengths, dtype=np.int64)
    found = []
    for index, (end, length) in enumerate(zip(ends.tolist(), lengths.tolist(), strict=True)):
        where = place(path, index if name == "points" else f"{name}[{index}]")
        drawn = _positions(points[end - length : end], f"{path}: {where}")
        split = (splits[index] or "").lower()
        drawing = Drawing(drawn, labels[index], writers[index], where)
        found.append(Found(drawing, split=SPLIT_NAMES.get(split, split)))
    return found


def _positions(offsets: np.ndarray, where: str) -> np.ndarray:
    pens = offsets[:, 2]
    if not np.isin(pens, (0, 1)).all():
        raise UserError(f"{where}: expected 0 or 1 for the pen, got {pens[~np.isin(pens, (0, 1))][0]}")
    points = np.empty((len(offsets), 3), np.float32)
    with np.errstate(invalid="ignore", over="ignore"):  # `stroke_mending` tells what is no number
        points[:, :2] = np.cumsum(offsets[:, :2], axis=0, dtype=np.float64)
    points[:, 2] = pens
    return points


def _labels(path: Path, arrays: Arrays, reading: Reading, count: int) -> list[str | None]:
    name = column_of(list(arrays), reading.label, LABELS, str(path))
    if name is None and all(part in arrays for part in _IN_PARTS):
        parts = [_texts(path, arrays, part, count) for part in _IN_PARTS]
        return ["/".join(filter(None, each)) or None for each in zip(*parts, strict=True)]
    return _texts(path, arrays, name, count)


def _texts(path: Path, arrays: Arrays, name: str | None, count: int) -> list[str | None]:
    if name is None:
        return [None] * count
    values = arrays[name]
    if values.shape != (count,):
        raise UserError(f"{path}: expected {count:,} entries of {name!r}, found {values.shape}")
    return [text_of(value) for value in values.tolist()]


def npz_of(drawings: Sequence[Drawing]) -> bytes:
    """Return the content of an `.npz` file that `read_npz` reads again.

    The offsets are whole numbers if the points are, else float64: their sums are the points exactly.
    `labels` and `writers` are there if a drawing has one; an empty text stands for none.
    """
    parts = []
    for drawing in drawings:
        offsets = drawing.points.astype(np.float64)
        offsets[1:, :2] = np.diff(offsets[:, :2], axis=0)
        parts.append(offsets)
    points = np.concatenate(parts) if parts else np.zeros((0, 3))
    largest = np.abs(points).max(initial=0)
    if largest < 2**31 and (points == np.rint(points)).all():
        points = points.astype(np.int16 if largest < 2**15 else np.int32)
    lengths = np.array([len(each.points) for each in drawings], np.int32)
    arrays: dict[str, Any] = {"points": points, "lengths": lengths}
    for name, texts in (
        ("labels", [each.label for each in drawings]),
        ("writers", [each.writer for each in drawings]),
    ):
        if any(texts):
            arrays[name] = np.array([text or "" for text in texts])
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


def save_npz(path: Path, drawings: Sequence[Drawing]) -> None:
    """Write drawings to an `.npz` file; see `npz_of`."""
    write_atomically(path, npz_of(drawings))
