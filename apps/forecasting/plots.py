"""Figures of a finished training run, and its errors in the unit of each target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.data.series import SeriesData
from pipelines.ondevice.bundle import Bundle
from pipelines.tasks.forecasting import covered, errors, has_quantiles, own_errors
from pipelines.tasks.forecasting_baselines import last_season, last_value
from pipelines.tasks.forecasting_plots import error_by_horizon, error_by_phase, fans

from .config import ForecastConfig
from .metrics import forecasts, methods

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome

_SHOWN = 6


def make_plots(config: ForecastConfig, outcome: Outcome) -> dict[str, Any]:
    """Return figures by name."""
    data, settings = outcome.data, outcome.features.preprocessing
    assert isinstance(data, SeriesData)
    names = settings["targets"]
    outputs, targets = outcome.outputs["whole"], outcome.features.targets["whole"]
    wrong = np.abs(errors(outputs, targets))
    known = ~np.isnan(wrong)
    of_window = np.where(known, wrong, 0).sum(axis=(1, 2)) / np.maximum(1, known.sum(axis=(1, 2)))
    evenly = np.unique(np.linspace(0, len(outputs) - 1, _SHOWN).astype(int))
    figures = {
        "fans": _fans("Forecasts of the test part", outcome, evenly),
        "worst_windows": _fans("The worst forecasts", outcome, _worst(of_window, config)),
        "error_by_horizon": error_by_horizon(_with_naive(outcome, outputs), targets),
    }
    if phases := _phases(data):
        starts = data.splits["whole"].targets[:, 2].astype("datetime64[s]")
        times = np.stack([np.append(start, data.step.after(start, config.horizon - 1)) for start in starts])
        figures["error_by_time"] = error_by_phase(outputs, targets, times, phases=phases, names=names)
    return figures


def _worst(of_window: np.ndarray, config: ForecastConfig) -> np.ndarray:
    """Return the windows with the largest errors, no two of which overlap in what they forecast."""
    chosen: list[int] = []
    for row in np.argsort(-of_window, kind="stable"):
        if all(abs(row - other) >= config.horizon for other in chosen):
            chosen.append(int(row))
        if len(chosen) == _SHOWN:
            break
    return np.array(chosen)


def _fans(title: str, outcome: Outcome, rows: np.ndarray) -> Any:
    """Draw the forecasts of these windows of the whole test part."""
    outputs, targets = outcome.outputs["whole"], outcome.features.targets["whole"]
    names = outcome.features.preprocessing["targets"]
    past = outcome.features.inputs["whole"][rows][..., : len(names)]
    return fans(title, names, past=past, outputs=outputs[rows], truth=targets[rows][..., 0])


def _with_naive(outcome: Outcome, outputs: np.ndarray) -> dict[str, np.ndarray]:
    settings = outcome.features.preprocessing
    horizon, count = settings["horizon"], len(settings["targets"])
    naive = {
        "last value": lambda past: last_value(past[..., :count], horizon),
        "last season": lambda past: last_season(past[..., :count], horizon, settings["season"]),
    }
    found = {name: forecasts(method, outcome.features, "whole") for name, method in naive.items()}
    return {"this network": outputs, **found}


def _phases(data: SeriesData) -> list[str]:
    """Return what errors are averaged by, for the step of the data; nothing without times."""
    if data.step.months:
        return ["month"]
    if not data.step.seconds:
        return []
    return ["hour of day", "day of week"] if data.step.seconds < 86400 else ["day of week", "month"]


def show(config: ForecastConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> Mapping[str, float]:
    """Return the mean absolute error of each target in its unit, of the network and the simple methods, and
    the coverage of the 80 % interval, over the whole test part."""
    settings = outcome.features.preprocessing
    targets = outcome.features.targets["whole"]
    of_network = outcome.outputs["whole"]
    answers = {"network": of_network} | {
        name: forecasts(method, outcome.features, "whole")
        for name, method in methods(outcome.features).items()
    }
    figures = {}
    for method, outputs in answers.items():
        of_each = np.nanmean(own_errors(outputs, targets), axis=(0, 1))
        for name, value in zip(settings["targets"], of_each.tolist(), strict=True):
            figures[f"mae.{_plain(name)}.{method}"] = value
    if has_quantiles(of_network):
        of_each = np.nanmean(covered(of_network, targets), axis=(0, 1))
        for name, value in zip(settings["targets"], of_each.tolist(), strict=True):
            figures[f"coverage_80.{_plain(name)}"] = value
    return figures


def _plain(name: str) -> str:
    """Return the name of a column as a part of a metric's name."""
    return re.sub(r"[^\w.-]+", "_", name)
