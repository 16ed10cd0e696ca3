"""Read series of numbers from tables: CSV or Parquet files with a column of times, in equal steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError
from .frames import is_numeric, numbers, read_frame, require_columns
from .tables import Form
from .time_steps import Step, on_a_grid, parsed_times

if TYPE_CHECKING:
    import pandas as pd

NO_TIMES = "none"
"""The time column of a file without times: its rows are equal steps."""


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are. Names are those of the settings, with dashes on the command line."""

    time_column: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    future_covariates: tuple[str, ...] = ()
    series_column: str | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Columns:
        """Return the columns that the settings of an app name; settings that went through JSON hold lists."""
        names = ("time_column", "targets", "covariates", "future_covariates")
        given = {name: tuple(settings.get(name) or ()) for name in names}
        return cls(series_column=settings.get("series_column"), **given)


@dataclass(frozen=True)
class Series:
    """One series in equal steps. A value that is missing is NaN."""

    name: str
    """The series' value in the series column; "" if there is no such column."""
    times: np.ndarray
    """(T,) datetime64[s]; the numbers of the rows if the file has no times."""
    values: np.ndarray
    """(T, columns): targets, covariates, future covariates."""


@dataclass(frozen=True)
class SeriesFile:
    """All series of a file."""

    series: list[Series]
    columns: Columns
    """With all targets named."""
    step: Step
    notes: list[str] = field(default_factory=list)
    """What was found and how it is treated, for the user."""


def read_series(path: Path, columns: Columns, form: Form | None = None) -> SeriesFile:
    """Return the series of a table, on a grid of equal steps.

    Rows are sorted by time. A row that is missing in the grid is one without values. Equal rows of one time
    count once. Times with a zone are turned into UTC.

    Args:
        path: the table.
        columns: what its columns are. Without a time column, the first one holds the times. Without targets,
            all columns with numbers that have no other use are targets.
        form: how a CSV file is written.

    Raises:
        UserError: one line, if the file can't be read, a column is missing, holds text where numbers are
            expected, or has no value, or if the times can't be read or have no equal steps.
    """
    frame = read_frame(path, form)
    notes: list[str] = []
    times, used = _times(path, frame, columns, notes)
    columns = _completed(path, frame, columns, used=used, notes=notes)
    names = [*columns.targets, *columns.covariates, *columns.future_covariates]
    values = np.stack([numbers(path, frame, name) for name in names], axis=1)
    for place, name in enumerate(names):
        if np.isnan(values[:, place]).all():
            raise UserError(f"{path}: expected numbers in column {name!r}, all its cells are empty")
    groups = _groups(path, frame, columns)
    step = Step.common(path, frame.index, [times[rows] for _, rows in groups])
    series = []
    for name, rows in groups:
        where = f"{path.name}: series {name!r}" if name else path.name
        grid, placed = on_a_grid(where, times[rows], values[rows], step=step, notes=notes)
        series.append(Series(name, grid, placed))
    notes += _missing(path, columns, series)
    notes.append(f"{path.name}: steps of {step}")
    return SeriesFile(series, columns, step, notes)


def _missing(path: Path, columns: Columns, series: Sequence[Series]) -> list[str]:
    """Return a line for each kind of columns that lacks values, with what is done about them."""
    kinds = {
        "targets": (columns.targets, "are masked, and not scored"),
        "covariates": (columns.covariates, "are masked, and the last ones before them are read"),
        "future covariates": (columns.future_covariates, "aren't masked: the last ones before them are read"),
    }
    notes, place = [], 0
    for kind, (names, treatment) in kinds.items():
        cells = [each.values[:, place : place + len(names)] for each in series]
        missing = sum(int(np.isnan(each).sum()) for each in cells)
        notes += [f"{path.name}: {missing:,} missing values of {kind} {treatment}"] * bool(missing)
        place += len(names)
    return notes


def _times(
    path: Path, frame: pd.DataFrame, columns: Columns, notes: list[str]
) -> tuple[np.ndarray, list[str]]:
    """Return the time of each row, and the columns that hold them."""
    if columns.time_column == (NO_TIMES,):
        return np.arange(len(frame)), []
    used = list(columns.time_column) or [str(frame.columns[0])]
    require_columns(path, frame, used, "--time-column")
    return parsed_times(path, frame, used, notes), used


def _completed(
    path: Path, frame: pd.DataFrame, columns: Columns, *, used: list[str], notes: list[str]
) -> Columns:
    """Check that all columns are there, and choose the targets if none is named."""
    named = {
        "--targets": columns.targets,
        "--covariates": columns.covariates,
        "--future-covariates": columns.future_covariates,
        "--series-column": (columns.series_column,) if columns.series_column else (),
    }
    for option, names in named.items():
        require_columns(path, frame, list(names), option)
        for name in names:
            if name in used:
                raise UserError(f"{path}: {option}: column {name!r} has another use already")
        used = [*used, *names]
    if columns.targets:
        return columns
    free = [str(name) for name in frame.columns if name not in used]
    targets = tuple(name for name in free if is_numeric(frame, name) and not frame[name].isna().all())
    if not targets:
        listed = ", ".join(map(repr, free)) or "none"
        raise UserError(f"{path}: expected a column of numbers to forecast, the other columns are {listed}")
    if left_out := [name for name in free if name not in targets]:
        notes.append(f"{path.name}: columns without numbers are left out: {', '.join(left_out)}")
    return Columns(**{**vars(columns), "targets": targets})


def _groups(path: Path, frame: pd.DataFrame, columns: Columns) -> list[tuple[str, np.ndarray]]:
    """Return the rows of each series, in the order in which the series begin."""
    if columns.series_column is None:
        return [("", np.arange(len(frame)))]
    cells = frame[columns.series_column]
    if cells.isna().any():
        line = frame.index[int(np.argmax(cells.isna().to_numpy()))]
        raise UserError(
            f"{path}:{line}: {columns.series_column!r}: expected the name of a series, found none"
        )
    names = cells.astype(str).to_numpy()
    return [(str(name), np.flatnonzero(names == name)) for name in dict.fromkeys(names)]
