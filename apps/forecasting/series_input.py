"""Series of the user as inputs of a trained network: their last window, and all their rows."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipelines.config import from_dict
from pipelines.data.series import as_table
from pipelines.data.series_files import Series, SeriesFile
from pipelines.data.time_steps import Step
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle

from .config import ForecastConfig
from .data import read, windowing_of


class Recent(NamedTuple):
    """One series, and what a forecast of its future is made from."""

    name: str
    window: np.ndarray
    """(look_back, columns), raw values, NaN if missing."""
    times: np.ndarray
    """(horizon,), the times of the forecast."""
    ahead: np.ndarray
    """(horizon, columns), the rows at these times: the calendar and what else is known, NaN otherwise."""
    table: np.ndarray
    """(T, columns), all rows up to the last one with a value."""
    all_times: np.ndarray
    """(T,)"""
    notes: list[str]


def recent_series(bundle: Bundle, path: Path) -> list[Recent]:
    """Return the series of a file, read as in training.

    Raises:
        UserError: the file can't be read, its step is another one than in training, a series is shorter than
            the look-back, or a future covariate is not known over the horizon.
    """
    settings = {**bundle.manifest["config"], "targets": bundle.preprocessing["targets"]}
    found = read(path, settings)
    step = Step(*bundle.preprocessing["step"])
    if found.step != step:
        raise UserError(f"{path}: expected steps of {step} as in training, found {found.step}")
    return [_recent(bundle, path, found, each) for each in found.series]


def _recent(bundle: Bundle, path: Path, found: SeriesFile, series: Series) -> Recent:
    config = from_dict(ForecastConfig, bundle.manifest["config"])
    assert isinstance(config, ForecastConfig)
    windowing = windowing_of(config, found.step)
    count, known = len(found.columns.targets), len(found.columns.future_covariates)
    filled = np.flatnonzero(~np.isnan(series.values[:, :count]).all(axis=1))
    end = int(filled[-1]) + 1 if len(filled) else 0
    where = f"{path}: series {series.name!r}" if series.name else str(path)
    if end < windowing.look_back:
        raise UserError(f"{where}: expected at least {windowing.look_back} steps with values, got {end}")
    after = found.step.after(series.times[end - 1], windowing.horizon)
    values = np.full((end + windowing.horizon, series.values.shape[1]), np.nan)
    kept = min(len(values), len(series.values))
    values[:kept] = series.values[:kept]
    if known and np.isnan(values[end:, -known:]).any():
        names = ", ".join(found.columns.future_covariates)
        raise UserError(
            f"{where}: expected {names} in the {windowing.horizon} rows after the last value, to {after[-1]}"
        )
    times = np.concatenate([series.times[:end], after])
    rows = as_table(values, times, windowing, known)
    table, ahead = rows[:end], rows[end:]
    window = table[end - windowing.look_back :]
    return Recent(series.name, window, after, ahead, table, times[:end], found.notes)
