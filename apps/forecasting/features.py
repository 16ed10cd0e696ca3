"""Windows as the network's inputs and targets: raw values, and which of them were observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from pipelines.data.examples import Data, Examples, Features
from pipelines.data.series import SeriesData, Windows
from pipelines.ondevice.bundle import Bundle

from .config import ForecastConfig


def make_features(config: ForecastConfig, data: Data) -> Features:
    """Return the inputs (N, look_back, columns) and targets (N, horizon, targets, 3) of every split.

    Means and deviations are those of the training part; those of a constant count as 1. What is missing is
    the last value before it; if the training part lacks values, columns behind the others say which values
    were observed.
    """
    assert isinstance(data, SeriesData)
    rows = rows_of(data.splits["train"])
    settings = _settings(config, data, rows)
    inputs: dict[str, Any] = {}
    targets: dict[str, Any] = {}
    for name, split in data.splits.items():
        inputs[name] = Windows(split.inputs, partial(_past, settings=settings))
        targets[name] = Windows(split.inputs, partial(_future, settings=settings))
        if name != "train":
            targets[name] = targets[name][:]  # metrics take arrays
    inputs["test"] = inputs["test"][:]  # and so do exported files
    return Features(
        inputs=inputs,
        targets=targets,
        labels=(),
        preprocessing=settings,
        counts={
            "columns": inputs["test"].shape[2],
            "missing": int(np.isnan(rows).sum()),
            "constant": int((np.nanstd(rows, axis=0) == 0).sum()),
        },
    )


def rows_of(examples: Examples) -> np.ndarray:
    """Return each row of the windows once, (rows, columns), in the order of series and time."""
    steps = len(examples.inputs[0])
    found: list[np.ndarray] = []
    before = (-1, 0)
    for window, (number, row, _) in zip(examples.inputs, examples.targets.tolist(), strict=True):
        new = row - before[1] if number == before[0] else steps
        found.append(window[max(0, steps - new) :])
        before = (number, row)
    return np.concatenate(found)


def _settings(config: ForecastConfig, data: SeriesData, rows: np.ndarray) -> dict[str, Any]:
    """Return what `encode` needs: the sizes, and the numbers of the training part, for each column."""
    names = data.columns
    count = len(names.targets)
    used = rows.astype(np.float64)
    if config.logarithm:
        used[:, :count] = np.log1p(np.maximum(used[:, :count], 0))
    deviations = np.nanstd(used, axis=0)
    observed = len(names.targets) + len(names.covariates)
    changes = np.nanmean(np.abs(np.diff(rows[:, :count], axis=0)), axis=0)
    return {
        "kind": "series",
        "targets": list(names.targets),
        "look_back": config.look_back,
        "horizon": config.horizon,
        "season": data.step.season,
        "step": list(data.step),
        "logarithm": config.logarithm,
        "observed": observed,
        "masked": bool(np.isnan(rows[:, :observed]).any()),
        "fill": np.nanmean(rows, axis=0).tolist(),
        "mean": np.nanmean(used, axis=0).tolist(),
        "deviation": np.where(deviations > 1e-9, deviations, 1.0).tolist(),
        "change": np.where(changes > 0, changes, 1.0).tolist(),
    }


def _past(windows: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Return the inputs of windows (N, steps, columns), with missing values filled and marked."""
    return _marked(windows[:, : settings["look_back"]], settings)


def _marked(past: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    missing = np.isnan(past)
    if missing.any():
        past = _filled(past, missing, np.array(settings["fill"], np.float32))
    if settings["masked"]:
        past = np.concatenate([past, ~missing[..., : settings["observed"]]], axis=2)
    return past.astype(np.float32)


def _filled(values: np.ndarray, missing: np.ndarray, fill: np.ndarray) -> np.ndarray:
    """Return each missing value as the last one before it, or else as the mean of the training part."""
    places = np.where(missing, -1, np.arange(values.shape[1])[:, None])
    last = np.maximum.accumulate(places, axis=1)
    found = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    return np.where(last < 0, fill, found)


def _future(windows: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Return the targets of windows as `pipelines.tasks.forecasting` describes them."""
    count = len(settings["targets"])
    values = windows[:, settings["look_back"] : settings["look_back"] + settings["horizon"], :count]
    sign = -1 if settings["logarithm"] else 1
    deviation, change = (np.array(settings[name][:count]) for name in ("deviation", "change"))
    constants = np.broadcast_to(np.stack([sign * deviation, change], axis=-1), (*values.shape, 2))
    return np.concatenate([values[..., None], constants], axis=-1).astype(np.float32)


def encode(bundle: Bundle, windows: Sequence[Any]) -> np.ndarray:
    """Return windows (look_back or more steps, columns) as inputs of the bundle's network, float32."""
    settings = bundle.preprocessing
    arrays = [np.asarray(each, np.float32)[: settings["look_back"]] for each in windows]
    return _past(np.stack(arrays), settings)


def observed(bundle: Bundle, table: np.ndarray) -> np.ndarray:
    """Return all rows of a series (T, columns) as inputs of a stream, one after the other."""
    return _marked(table[None], bundle.preprocessing)[0]


def targets_of(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the targets of new windows, by the scale of the bundle's network."""
    return _future(np.stack(examples.inputs), bundle.preprocessing)
