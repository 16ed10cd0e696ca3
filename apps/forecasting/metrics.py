"""Scores forecasts, and the simple methods that the network must beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pipelines.data.examples import Data, Features
from pipelines.tasks.forecasting import METRICS as METRICS
from pipelines.tasks.forecasting import mse, scored
from pipelines.tasks.forecasting_baselines import Ridge, last_season, last_value

from .config import ForecastConfig

_MOST_STEPS, _MOST_COLUMNS = 336, 400

Method = Callable[[np.ndarray], np.ndarray]


def baselines(
    config: ForecastConfig, data: Data, features: Features, deployed: Any
) -> dict[str, dict[str, float]]:
    """Return the `mse` of the last value, the last season and ridge regressions on the test part."""
    found: dict[str, dict[str, float]] = {}
    for name, method in methods(features).items():
        for split in ("test", "whole"):
            outputs = forecasts(method, features, split)
            found.setdefault(name, {})[split] = mse(outputs, features.targets[split])
    return found


def forecasts(method: Method, features: Features, split: str) -> np.ndarray:
    """Return the forecasts of a simple method for a split, (N, horizon, targets) in the data's unit."""
    inputs = features.inputs[split]
    chunks = [method(inputs[start : start + 256]) for start in range(0, len(inputs), 256)]
    return np.concatenate(chunks)


def methods(features: Features) -> dict[str, Method]:
    """Return the simple methods by name, fitted to the training part.

    `nlinear` is ridge regression from up to 336 steps of each target, shared by all targets; `ridge` is from
    all columns of as many steps as give 400 numbers.
    """
    settings = features.preprocessing
    horizon, count = settings["horizon"], len(settings["targets"])
    columns = features.inputs["test"].shape[2]
    lengths = {
        "nlinear": min(settings["look_back"], _MOST_STEPS),
        "ridge": max(1, min(settings["look_back"], _MOST_COLUMNS // columns)),
    }
    inputs = {split: _Scaled(features.inputs[split], settings) for split in ("train", "validation")}
    targets = {split: _Targets(features.targets[split]) for split in ("train", "validation")}
    found: dict[str, Method] = {
        "last_value": lambda past: last_value(past[..., :count], horizon),
        "last_season": lambda past: last_season(past[..., :count], horizon, settings["season"]),
    }
    for name, steps in lengths.items():
        ridge = Ridge(steps, shared=name == "nlinear").fit(inputs, targets)
        found[name] = _in_own_unit(ridge, settings)
    return found


def _in_own_unit(ridge: Ridge, settings: Mapping[str, Any]) -> Method:
    count = len(settings["targets"])
    deviation = np.array(settings["deviation"][:count])

    def method(past: np.ndarray) -> np.ndarray:
        values = ridge(_on_scale(past, settings), settings["horizon"], count) * deviation
        return np.expm1(np.minimum(values, 60)) if settings["logarithm"] else values

    return method


def _on_scale(past: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Return inputs in deviations of the training part; masks behind the columns stay as they are."""
    count, measured = len(settings["targets"]), len(settings["mean"])
    past = past.astype(np.float64)
    if settings["logarithm"]:
        past[..., :count] = np.log1p(np.maximum(past[..., :count], 0))
    past[..., :measured] /= np.array(settings["deviation"])
    past[..., count:measured] -= np.array(settings["mean"][count:]) / np.array(settings["deviation"][count:])
    return past


class _Scaled:
    """Inputs on the scale of the training part, made where they are read."""

    def __init__(self, inputs: Any, settings: Mapping[str, Any]) -> None:
        self._inputs, self._settings = inputs, settings

    def __len__(self) -> int:
        return len(self._inputs)

    def __getitem__(self, rows: slice) -> np.ndarray:
        return _on_scale(self._inputs[rows], self._settings)


class _Targets:
    """Targets on the same scale, NaN where a value is missing."""

    def __init__(self, targets: Any) -> None:
        self._targets = targets

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, rows: slice) -> np.ndarray:
        targets = self._targets[rows]
        return scored(targets[..., 0], targets[..., 1])
