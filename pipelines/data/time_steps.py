"""Times of series: how they are read, the step between them, their seasons and the calendar."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import UserError

if TYPE_CHECKING:
    import pandas as pd

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_UNITS = ((7 * _DAY, "week"), (_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"), (1, "second"))
_PERIODS = {"day": _DAY, "week": 7 * _DAY, "year": 365.2425 * _DAY}
_MOST_GAPS = 10
"""A grid may have so many times as many steps as the file has rows."""


class Step(NamedTuple):
    """The step between two times: a number of seconds, or of months, or just the next row."""

    seconds: int = 0
    months: int = 0

    def __str__(self) -> str:
        if not self.seconds:
            return _plural(self.months, "month") if self.months else "one row, without times"
        return next(_plural(self.seconds // size, unit) for size, unit in _UNITS if self.seconds % size == 0)

    @property
    def season(self) -> int:
        """How many steps the shortest usual season has: a day, for days a week, for longer steps a year."""
        if self.months:
            return max(1, 12 // self.months)
        if not self.seconds:
            return 1
        if self.seconds < _DAY:
            return max(1, round(_DAY / self.seconds))
        return 7 if self.seconds < 7 * _DAY else max(1, round(_PERIODS["year"] / self.seconds))

    @property
    def periods(self) -> tuple[str, ...]:
        """The calendar that suits the step: the periods that are longer than it."""
        if self.months:
            return ("year",)
        if not self.seconds:
            return ()
        return (
            ("day", "week")
            if self.seconds < _DAY
            else ("week", "year")
            if self.seconds == _DAY
            else ("year",)
        )

    def after(self, time: Any, count: int) -> np.ndarray:
        """Return the `count` times after `time`."""
        return _grid(time, count + 1, self)[1:]

    @classmethod
    def common(cls, path: Path, lines: Sequence[int], times: Sequence[np.ndarray]) -> Step:
        """Return the step that all series have. It is the commonest difference between successive times.

        Args:
            path: the file, for messages.
            lines: the line of each row, for messages.
            times: the times of each series.

        Raises:
            UserError: no series has two times, or there is a difference that is no multiple of the step.
        """
        if times[0].dtype.kind != "M":
            return cls()
        unique = [np.unique(each) for each in times]
        differences = np.concatenate([np.diff(each).astype(int) for each in unique])
        if not len(differences):
            raise UserError(f"{path}: expected rows of two times or more, found one")
        if (step := _of_months(unique, differences)) is not None:
            return step
        values, counts = np.unique(differences, return_counts=True)
        seconds = int(values[np.argmax(counts)])
        for each in unique:
            wrong = np.diff(each).astype(int) % seconds != 0
            if wrong.any():
                place = int(np.argmax(wrong))
                raise UserError(
                    f"{path}: after {each[place]} the step changes: expected steps of {cls(seconds)}, "
                    f"the next time is {each[place + 1]}"
                )
        return cls(seconds)


def _of_months(times: list[np.ndarray], differences: np.ndarray) -> Step | None:
    """Return the step in months if all times lie in different months, on one day of the month or the last."""
    if differences.min() < 28 * _DAY:
        return None
    every = np.concatenate(times)
    months = every.astype("datetime64[M]")
    first = len(np.unique((every - months.astype("datetime64[s]")).astype(int))) == 1
    next_day = every + np.timedelta64(_DAY, "s")
    last = bool((next_day.astype("datetime64[M]") != months).all())
    if not (first or last):
        return None
    found = np.concatenate([np.diff(each.astype("datetime64[M]")).astype(int) for each in times])
    return Step(months=int(np.gcd.reduce(found)))


def _plural(count: int, unit: str) -> str:
    return f"1 {unit}" if count == 1 else f"{count} {unit}s"


def parsed_times(path: Path, frame: pd.DataFrame, columns: list[str], notes: list[str]) -> np.ndarray:
    """Return the times of all rows, datetime64[s].

    Args:
        path: the file, for messages.
        frame: the table.
        columns: one column with times, or those of year, month, day and so on.
        notes: gets a line if times with a zone are turned into UTC.

    Raises:
        UserError: a cell holds no time, or only numbers.
    """
    import pandas as pd

    option = "--time-column"
    cells: Any = frame[columns[0]] if len(columns) == 1 else frame[columns]
    if len(columns) == 1 and cells.dtype.kind in "fiub":
        raise UserError(
            f"{path}: expected times in column {columns[0]!r}, found numbers: name another one with "
            f"{option}, or {option} none if there are none"
        )
    empty = cells.isna() if len(columns) == 1 else cells.isna().any(axis=1)
    try:
        times = _read_times(cells) if len(columns) == 1 else pd.to_datetime(cells, errors="coerce")
    except ValueError as error:
        raise UserError(
            f"{path}: {option} {' '.join(columns)}: {' '.join(str(error).split())[:150]}"
        ) from None
    wrong = times.isna().to_numpy()
    if wrong.any():
        place = int(np.argmax(wrong))
        found = "an empty cell" if empty.iloc[place] else repr(cells.iloc[place])
        raise UserError(
            f"{path}:{frame.index[place]}: {columns[0]!r}: expected a time, got {found} ({option})"
        )
    if len(columns) == 1:
        if _has_zone(cells):
            notes.append(f"{path.name}: times with a zone are read as UTC")
        times = times.dt.tz_localize(None)
    return times.to_numpy().astype("datetime64[s]")


def _read_times(cells: Any) -> Any:
    """Return times as pandas reads them, NaT where it can't: as ISO 8601, or in the first one's format."""
    import pandas as pd

    times = pd.to_datetime(cells, errors="coerce", utc=True, format="ISO8601")
    if not (times.isna() & cells.notna()).any():
        return times
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of cells in no format at all
        others = pd.to_datetime(cells, errors="coerce", utc=True)
    return others if others.isna().sum() < times.isna().sum() else times


def _has_zone(cells: Any) -> bool:
    import pandas as pd

    if cells.dtype.kind == "M":
        return getattr(cells.dt, "tz", None) is not None
    return getattr(pd.Timestamp(cells.iloc[0]), "tz", None) is not None


def on_a_grid(
    where: str, times: np.ndarray, values: np.ndarray, *, step: Step, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the times of all steps from the first to the last, and the values there, NaN if there is none.

    Args:
        where: the file and series, for messages.
        times: (rows,).
        values: (rows, columns).
        step: the step of the grid.
        notes: gets a line for each treatment: sorted rows, double rows, gaps.

    Raises:
        UserError: a time is there twice with different values, or most of the grid would be empty.
    """
    if times.dtype.kind != "M":
        return times, values
    if (np.diff(times).astype(int) < 0).any():
        notes.append(f"{where}: rows whose times go backwards are sorted by time")
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    twice = np.diff(times).astype(int) == 0
    if twice.any():
        differ = twice & ~((values[1:] == values[:-1]) | np.isnan(values[1:]) & np.isnan(values[:-1])).all(
            axis=1
        )
        if differ.any():
            time = times[1:][differ][0]
            raise UserError(
                f"{where}: expected one row of each time (or --series-column), {time} is there twice with "
                "different values"
            )
        notes.append(f"{where}: {int(twice.sum()):,} equal rows of one time are left out")
        kept = np.append(True, ~twice)
        times, values = times[kept], values[kept]
    places = _places(times, step)
    size = int(places[-1]) + 1
    if size > _MOST_GAPS * len(times) + 1000:
        raise UserError(
            f"{where}: expected steps of {step}, but there are {len(times):,} times in {size:,} steps"
        )
    if size == len(times):
        return times, values
    notes.append(f"{where}: {size - len(times):,} of {size:,} steps have no row, and count as missing")
    placed = np.full((size, values.shape[1]), np.nan)
    placed[places] = values
    return _grid(times[0], size, step), placed


def _places(times: np.ndarray, step: Step) -> np.ndarray:
    if step.months:
        months = times.astype("datetime64[M]").astype(int)
        return (months - months[0]) // step.months
    return (times - times[0]).astype(int) // step.seconds


def _grid(first: Any, size: int, step: Step) -> np.ndarray:
    """Return `size` times from `first` on; row numbers if the step has no time."""
    if step.months:
        month = first.astype("datetime64[M]")
        is_last = (first + np.timedelta64(_DAY, "s")).astype("datetime64[M]") != month
        months = month + np.arange(size) * step.months
        if is_last:
            return (months + 1).astype("datetime64[s]") - np.timedelta64(_DAY, "s")
        return months.astype("datetime64[s]") + (first - month.astype("datetime64[s]"))
    return first + np.arange(size) * (np.timedelta64(step.seconds, "s") if step.seconds else 1)


def calendar(times: np.ndarray, periods: Sequence[str]) -> np.ndarray:
    """Return the sine and cosine of the phase of each time in each period, (T, 2 * periods).

    Args:
        times: (T,) datetime64[s].
        periods: some of day, week, year.
    """
    columns = []
    for period in periods:
        start = (
            times.astype("datetime64[Y]").astype("datetime64[s]")
            if period == "year"
            else np.datetime64(0, "s")
        )
        phase = 2 * np.pi * (times - start).astype(float) / _PERIODS[period]
        columns += [np.sin(phase), np.cos(phase)]
    return np.stack(columns, axis=1) if columns else np.zeros((len(times), 0))
