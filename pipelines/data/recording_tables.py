"""What the tables in a folder say of its recordings: `recordings.csv` of each, `labels.csv` of stretches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import UserError
from .frames import numbers, read_frame, require_columns
from .recordings import Recording, Span
from .text_files import SPLIT_NAMES

if TYPE_CHECKING:
    import pandas as pd

TABLE, INTERVALS = "recordings.csv", "labels.csv"
"""The files of a folder that describe its recordings."""


@dataclass(frozen=True)
class Columns:
    """What the columns of the user's tables are called, and what they don't say."""

    label: str = "label"
    subject: str = "subject"
    channels: tuple[str, ...] = ()
    """The channels to read, in this order. Default: those of the first recording."""
    rate: float | None = None
    """Samples per second of recordings that don't tell theirs."""


class Told(NamedTuple):
    """What the tables of a folder say of one recording."""

    row: Mapping[str, str] = {}
    """Its row of `recordings.csv`: maybe label, rate, split and subject."""
    spans: tuple[Span, ...] = ()
    """Its labelled stretches in `labels.csv`."""
    label: str = ""
    """The name of its folder, if that is a label; what the tables and the file itself say counts more."""

    def rate(self, path: Path) -> float | None:
        """Return the samples per second of the recording in the file `path`; None if nothing is said.

        Raises:
            UserError: it is no number above 0.
        """
        if not (said := self.row.get("rate")):
            return None
        try:
            rate = float(said)
        except ValueError:
            rate = 0.0
        if not 0 < rate < np.inf:
            raise UserError(f"{path}: {TABLE}: expected a number above 0 in column 'rate', got {said!r}")
        return rate

    def added(self, recording: Recording, columns: Columns) -> Recording:
        """Return the recording with what is said here; what is said of all of it, in the row, counts most."""
        spans = self.spans or recording.spans
        if label := self.row.get(columns.label) or (self.label if not spans else ""):
            spans = (Span(0.0, recording.seconds + 1, label),)  # gaps may make it longer
        split = self.row.get("split", "") or recording.split
        subject = self.row.get(columns.subject, "") or recording.subject
        return replace(recording, spans=spans, subject=subject, split=SPLIT_NAMES.get(split.lower(), split))


def read_tables(folder: Path, found: Callable[[Path], list[str]]) -> dict[str, Told]:
    """Return what the tables of a folder say, by the names of the recordings' files.

    Args:
        folder: may have `recordings.csv` and `labels.csv`.
        found: returns the names of the files in a folder, if `recordings.csv` does not list them.

    Raises:
        UserError: a table lacks a column, or names a file that is not there.
    """
    rows = _rows(folder / TABLE, ["file"]) if (folder / TABLE).exists() else None
    names = [row["file"] for row in rows] if rows is not None else found(folder)
    told = dict(zip(names, rows or [{}] * len(names), strict=True))
    stretches = _stretches(folder, set(told))
    return {name: Told(row, stretches.get(name, ())) for name, row in told.items()}


def _rows(path: Path, needed: list[str]) -> list[dict[str, str]]:
    """Return the rows of a table as texts; empty cells are empty texts."""
    frame = read_frame(path)
    require_columns(path, frame, needed, path.name)
    cells = frame.astype(object).where(frame.notna(), "")
    return [{name: as_text(value) for name, value in row.items()} for row in cells.to_dict("records")]


def as_text(value: Any) -> str:
    """Return a label or a person as text; whole numbers have no point."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def _stretches(folder: Path, known: set[str]) -> dict[str, tuple[Span, ...]]:
    path = folder / INTERVALS
    if not path.exists():
        return {}
    frame = read_frame(path)
    require_columns(path, frame, ["file", "start", "label"], INTERVALS)
    starts = numbers(path, frame, "start")
    ends = numbers(path, frame, "end") if "end" in frame.columns else np.full(len(frame), np.nan)
    found: dict[str, list[Span]] = {}
    for row, (name, label) in enumerate(zip(frame["file"], frame["label"], strict=True)):
        end = starts[row] if np.isnan(ends[row]) else ends[row]
        where = f"{path}:{frame.index[row]}"
        if str(name) not in known:
            raise UserError(f"{where}: no recording {str(name)!r} in {folder}")
        if not 0 <= starts[row] <= end:
            raise UserError(f"{where}: expected a start from 0 on and an end after it")
        found.setdefault(str(name), []).append(Span(float(starts[row]), float(end), as_text(label)))
    return {name: tuple(sorted(spans)) for name, spans in found.items()}


def person_in(path: Path, frame: pd.DataFrame, column: str) -> str:
    """Return the person whom a column names; empty if it is missing or empty.

    Raises:
        UserError: it names more than one.
    """
    if column not in frame.columns:
        return ""
    people = frame[column].dropna().unique()
    if len(people) > 1:
        raise UserError(f"{path}: expected one person in a recording, found {len(people)}")
    return as_text(people[0]) if len(people) else ""


def seconds_in(path: Path, frame: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column with times in seconds; dates of a Parquet file count from the first one."""
    cells = frame[column]
    if cells.dtype.kind != "M":
        return numbers(path, frame, column)
    return (cells - cells.iloc[0]).dt.total_seconds().to_numpy(np.float64)
