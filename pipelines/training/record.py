"""The record of a training run, or of the runs of several seeds, as results.json keeps it."""

from __future__ import annotations

import datetime
import math
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..app import SMOKE
from ..config import Config, to_dict
from ..evaluation import baselines
from ..tracking.provenance import provenance
from .duration import machine_speed

if TYPE_CHECKING:
    from ..evaluation.outcome import Outcome
    from ..export.trained import ExportResult
    from .setup import Setup

_MEANS = ("training_minutes", "machine_speed")
Scores = Mapping[str, Mapping[str, float]]
"""Numbers by two keys: split and metric, or baseline and split."""


@dataclass(frozen=True)
class Result:
    """The results of a training run."""

    run_id: str
    """The id of the run in MLflow; with several seeds, the id of the parent run."""
    bundle: Path
    model_uri: str
    """The address of the bundle's model in MLflow."""
    record: dict[str, Any]
    """The record for results.json: that of `of_run` or of `of_seeds`."""
    page: str | None = None
    """How to see the run in the browser: a page or a command; None for `make ui`."""


def of_scores(setup: Setup, outcome: Outcome) -> dict[str, Any]:
    """Return what is known of a run before its export: data, scores, baselines and minutes of training."""
    return {
        "metric": next(iter(setup.app.metrics)),
        "higher_is_better": setup.app.higher_is_better,
        "data": outcome.data.source,
        "scores": outcome.scores,
        "baselines": outcome.baselines,
        "training_minutes": _minutes(outcome),
    }


def of_run(setup: Setup, outcome: Outcome, exported: ExportResult) -> dict[str, Any]:
    """Return the record of one run, as values that JSON can hold."""
    return {
        "app": setup.app.name,
        "run_id": setup.run.id,
        "preset": setup.preset,
        **of_scores(setup, outcome),
        "data_sha256": outcome.data.fingerprint,
        "examples": outcome.data.counts,
        "intervals": outcome.intervals,
        "variants": [row._asdict() for row in exported.rows],
        "left_out": exported.left_out,
        "epochs": outcome.progress.epochs,
        "best_epoch": outcome.progress.best_epoch,
        **_time_and_speed(setup),
        "config": _portable(setup.config),
        "made_with": provenance(),
        "date": datetime.date.today().isoformat(),
    }


def of_seed(setup: Setup, outcome: Outcome) -> dict[str, Any]:
    """Return the entry of one seed in the record of several seeds, as values that JSON can hold."""
    progress = outcome.progress
    best = progress.history[progress.best_epoch - 1]
    return {
        "seed": setup.config.seed,
        "run_id": setup.run.id,
        "validation": best[f"validation.{next(iter(setup.app.metrics))}"],
        "scores": outcome.scores,
        "baselines": outcome.baselines,
        "epochs": progress.epochs,
        "best_epoch": progress.best_epoch,
        "training_minutes": _minutes(outcome),
        **_time_and_speed(setup),
        "data_sha256": outcome.data.fingerprint,
    }


def of_seeds(run_id: str, runs: Sequence[Mapping[str, Any]], best: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of several seeds.

    `scores`, `baselines`, `training_minutes` and `machine_speed` are means over the seeds. `spread` has the
    standard deviation (with n - 1), the smallest and the largest value of each score and baseline, or NaN if
    one of them is not finite. `variants` and all other values are those of the exported seed.

    Args:
        run_id: the id of the parent run.
        runs: the results of `of_seed`, in the order of the seeds.
        best: the result of `of_run` for the exported seed.
    """
    kinds = ("scores", "baselines")
    spreads = {kind: _over_runs([run[kind] for run in runs], _spread) for kind in kinds}
    means = {kind: _over_runs([run[kind] for run in runs], _mean) for kind in kinds}
    of_best = {name: value for name, value in best.items() if name != "intervals"}
    return {
        **of_best,
        "run_id": run_id,
        **means,
        "spread": spreads,
        **{name: round(statistics.fmean(run[name] for run in runs), 2) for name in _MEANS if name in runs[0]},
        "config": {**best["config"], "seed": runs[0]["seed"]},
        "best_seed": best["config"]["seed"],
        "runs": [dict(run) for run in runs],
    }


def smallest_file(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the row of a record's smallest device file."""
    files = [row for row in record["variants"] if row["variant"].endswith(".tflite")]
    return min(files, key=lambda row: row["bytes"])


def no_better_than(record: Mapping[str, Any]) -> dict[str, str]:
    """Return by test split the simple method that the network of a record is no better than, if any."""
    return baselines.no_better_than(
        record["scores"],
        record["baselines"],
        record["metric"],
        higher_is_better=record["higher_is_better"],
    )


def _over_runs(
    runs: Sequence[Scores], summary: Callable[[Sequence[float]], Any]
) -> dict[str, dict[str, Any]]:
    """Return `summary` of the runs' values, for each pair of keys that all runs have."""
    return {
        outer: {
            inner: summary([run[outer][inner] for run in runs])
            for inner in values
            if all(inner in run.get(outer, {}) for run in runs)
        }
        for outer, values in runs[0].items()
    }


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if _are_finite(values) else sum(values) / len(values)


def _spread(values: Sequence[float]) -> dict[str, float]:
    if not _are_finite(values):
        return dict.fromkeys(("std", "min", "max"), math.nan)
    return {"std": statistics.stdev(values), "min": min(values), "max": max(values)}


def _are_finite(values: Sequence[float]) -> bool:
    """Tell whether `statistics` can take the values: it raises errors for NaN and infinite ones."""
    return all(map(math.isfinite, values))


def _minutes(outcome: Outcome) -> float:
    return round(outcome.progress.seconds / 60, 2)


def _time_and_speed(setup: Setup) -> dict[str, float]:
    """Return the minutes since the run was set up, and how fast the machine is."""
    minutes = {"total_minutes": round(setup.minutes(), 2)}
    return minutes if setup.preset == SMOKE else minutes | {"machine_speed": round(machine_speed(), 1)}


def _portable(config: Config) -> dict[str, Any]:
    """Return the settings without those that name folders of this machine."""
    settings = to_dict(config) | {"data_dir": None}
    paths = {k: Path(v) for k, v in settings.items() if isinstance(v, str) and os.sep in v}
    return settings | {name: path.name for name, path in paths.items() if path.exists()}
