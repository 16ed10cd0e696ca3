"""Series as examples: windows of the past and of what follows, cut into splits by time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..errors import UserError
from .examples import Data, Examples
from .series_files import Columns, SeriesFile
from .time_steps import Step, calendar


@dataclass(frozen=True)
class SeriesData(Data):
    """Windows by split. An example is (look_back + horizon, columns) float32 of raw values, NaN if missing.

    Its columns are the targets, the covariates, the future covariates as they are a horizon later, and the
    calendar. The target of an example is (series, row, seconds since 1970 of its first forecast step).
    """

    columns: Columns = field(default_factory=Columns)
    step: Step = field(default_factory=Step)
    look_back: int = 1
    names: tuple[str, ...] = ()
    """The names of the series."""


class Cuts(NamedTuple):
    """Where the splits of a data set begin, as shares of its time or as times."""

    validation: float
    test: float
    validation_from: str | None = None
    test_from: str | None = None
    until: str | None = None


class Windowing(NamedTuple):
    """How series are cut into windows."""

    look_back: int
    horizon: int
    periods: tuple[str, ...]
    """The periods of the calendar: day, week, year."""

    @property
    def steps(self) -> int:
        """The length of a window with what follows."""
        return self.look_back + self.horizon


class Windows:
    """Parts of windows as one array that is made only where it is read, so that overlaps take no memory.

    Args:
        windows: (steps, columns) each.
        part: part(windows (N, steps, columns)) -> the array (N, ...).
    """

    def __init__(self, windows: Sequence[np.ndarray], part: Callable[[np.ndarray], np.ndarray]) -> None:
        self._windows, self._part = windows, part
        one = part(windows[0][None])
        self.shape, self.dtype, self.ndim = (len(windows), *one.shape[1:]), one.dtype, one.ndim

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Return the array of these rows, a slice or numbers."""
        chosen = self._windows[rows] if isinstance(rows, slice) else [self._windows[row] for row in rows]
        return self._part(np.stack(chosen))


def as_table(values: np.ndarray, times: np.ndarray, windowing: Windowing, known: int) -> np.ndarray:
    """Return the columns of a series' examples, (T, columns) float32.

    Args:
        values: (T, columns), the last `known` of which are known ahead.
        times: (T,) datetime64[s], or row numbers.
        windowing: its horizon is how far the columns that are known ahead are moved.
        known: the number of future covariates.
    """
    usual, ahead = values[:, : values.shape[1] - known], values[:, values.shape[1] - known :]
    moved = np.concatenate([ahead[windowing.horizon :], np.repeat(ahead[-1:], windowing.horizon, axis=0)])
    dates = calendar(times, windowing.periods)
    return np.concatenate([usual, moved[: len(values)], dates], axis=1).astype(np.float32)


def splits_of(found: SeriesFile, cuts: Cuts, windowing: Windowing, *, most: int, source: str) -> SeriesData:
    """Cut series into windows by split. What is forecast in a window lies in one split.

    The past of a held-out window may lie before its split, as it is known when the forecast is made; windows
    of `train` see nothing later than their split. `whole` holds all windows of the test part, one for each
    step, and `test` some of them, spread evenly.

    Args:
        found: the series.
        cuts: where the splits begin.
        windowing: the length of windows.
        most: the largest number of windows of `test`.
        source: the name of the data set.

    Raises:
        UserError: a split is too short for one window, or nothing of it can be scored.
    """
    bounds = _bounds(found, cuts)
    parts: dict[str, list[tuple[np.ndarray, tuple[int, int, int]]]] = {}
    for number, series in enumerate(found.series):
        table = as_table(series.values, series.times, windowing, len(found.columns.future_covariates))
        edges = [int(np.searchsorted(series.times, bound)) for bound in bounds]
        for name, first, last in zip(("train", "validation", "whole"), edges, edges[1:], strict=False):
            parts.setdefault(name, []).extend(
                _windows(
                    table, series.times, number, first=first, last=last, windowing=windowing, found=found
                )
            )
    steps = {name: _steps(found, bounds[place], bounds[place + 1]) for place, name in enumerate(parts)}
    for name, windows in parts.items():
        if not windows:
            needed = windowing.steps if name == "train" else windowing.horizon
            called = "test" if name == "whole" else name
            raise UserError(
                f"{source}: {called} has {steps[name]:,} steps: expected at least {needed:,} with values for "
                f"--look-back {windowing.look_back} and --horizon {windowing.horizon}"
            )
    chosen = np.unique(np.linspace(0, len(parts["whole"]) - 1, min(most, len(parts["whole"]))).astype(int))
    parts["test"] = [parts["whole"][row] for row in chosen]
    splits = {
        name: Examples([window for window, _ in windows], np.array([place for _, place in windows]))
        for name, windows in parts.items()
    }
    return _data(found, splits, windowing, source)


def as_given(found: SeriesFile, windowing: Windowing, source: str) -> SeriesData:
    """Return all windows of series that are only scored, as the split `test`.

    Raises:
        UserError: no series is long enough for one window.
    """
    windows = []
    for number, series in enumerate(found.series):
        table = as_table(series.values, series.times, windowing, len(found.columns.future_covariates))
        windows += _windows(
            table, series.times, number, first=0, last=len(table), windowing=windowing, found=found
        )
    if not windows:
        raise UserError(f"{source}: expected {windowing.steps:,} steps with values or more in one series")
    examples = Examples([window for window, _ in windows], np.array([place for _, place in windows]))
    return _data(found, {"test": examples}, windowing, source)


def _data(found: SeriesFile, splits: dict[str, Examples], windowing: Windowing, source: str) -> SeriesData:
    return SeriesData(
        splits,
        labels=(),
        source=source,
        notes=tuple(found.notes),
        columns=found.columns,
        step=found.step,
        look_back=windowing.look_back,
        names=tuple(each.name for each in found.series),
    )


def _windows(
    table: np.ndarray,
    times: np.ndarray,
    number: int,
    *,
    first: int,
    last: int,
    windowing: Windowing,
    found: SeriesFile,
) -> list[tuple[np.ndarray, tuple[int, int, int]]]:
    """Return the windows whose forecast lies in the rows from `first` to before `last`, and their places."""
    windows = []
    scored = ~np.isnan(table[:, : len(found.columns.targets)]).all(axis=1)
    for row in range(max(first, windowing.look_back), last - windowing.horizon + 1):
        begin, end = row - windowing.look_back, row + windowing.horizon
        if scored[row:end].any() and scored[begin:row].any():
            windows.append((table[begin:end], (number, row, int(times[row].astype(np.int64)))))
    return windows


def _steps(found: SeriesFile, first: Any, last: Any) -> int:
    return sum(int(((each.times >= first) & (each.times < last)).sum()) for each in found.series)


def _bounds(found: SeriesFile, cuts: Cuts) -> list[Any]:
    """Return where train, validation and test begin, and where test ends."""
    first = min(each.times[0] for each in found.series)
    last = max(each.times[-1] for each in found.series)
    span = (found.step.after(last, 1)[0] - first).astype(np.int64)
    unit = np.timedelta64(1, "s") if first.dtype.kind == "M" else 1
    shares = [
        (
            cuts.validation_from,
            "--validation-from",
            first + unit * round(span * (1 - cuts.validation - cuts.test)),
        ),
        (cuts.test_from, "--test-from", first + unit * round(span * (1 - cuts.test))),
        (cuts.until, "--until", last + unit),
    ]
    bounds = [first, *(_bound(found, *each) for each in shares)]
    for (_, option, _), early, late in zip(shares, bounds, bounds[1:], strict=False):
        if not early < late:
            raise UserError(f"{option}: expected a time after {early}, got {late}; the data begin at {first}")
    return bounds


def _bound(found: SeriesFile, given: str | None, option: str, usual: Any) -> Any:
    if given is None:
        return usual
    try:
        if not found.step.seconds and not found.step.months:
            return int(given)
        return np.datetime64(given).astype("datetime64[s]")
    except ValueError:
        kind = (
            "a time such as 2014-12-31" if found.step.seconds or found.step.months else "the number of a row"
        )
        raise UserError(f"{option}: expected {kind}, got {given!r}") from None
