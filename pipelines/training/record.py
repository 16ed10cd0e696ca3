"""The record of a training: what results.json keeps of one run, or of the runs of several seeds."""

from __future__ import annotations

import datetime
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config import Config, to_dict
from ..tracking.provenance import provenance

if TYPE_CHECKING:
    from ..evaluation.outcome import Outcome
    from ..export.trained import ExportResult
    from .setup import Setup

Scores = Mapping[str, Mapping[str, float]]
"""Numbers by two names: a split and a metric, or a baseline and a split."""


@dataclass(frozen=True)
class Result:
    """What a training leaves."""

    run_id: str
    """In MLflow; of several seeds, the parent."""
    bundle: Path
    model_uri: str
    """Of the bundle in MLflow."""
    record: dict[str, Any]
    """What results.json keeps: see `of_run`, `of_seeds`."""


def of_run(setup: Setup, outcome: Outcome, exported: ExportResult) -> dict[str, Any]:
    """Return the record of one run, JSON-able."""
    return {
        "app": setup.app.name,
        "run_id": setup.run.id,
        "preset": setup.preset,
        "metric": next(iter(setup.app.metrics)),
        "data": outcome.data.source,
        "data_sha256": outcome.data.fingerprint,
        "examples": outcome.data.counts,
        "scores": outcome.scores,
        "intervals": outcome.intervals,
        "baselines": outcome.baselines,
        "variants": [row._asdict() for row in exported.rows],
        "left_out": exported.left_out,
        "epochs": outcome.progress.epochs,
        "best_epoch": outcome.progress.best_epoch,
        "training_minutes": _minutes(outcome),
        "config": _portable(setup.config),
        "made_with": provenance(),
        "date": datetime.date.today().isoformat(),
    }


def of_seed(setup: Setup, outcome: Outcome) -> dict[str, Any]:
    """Return what the record of several seeds keeps of one of them, JSON-able."""
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
        "data_sha256": outcome.data.fingerprint,
    }


def of_seeds(run_id: str, runs: Sequence[Mapping[str, Any]], best: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of several seeds.

    `scores`, `baselines` and `training_minutes` are means over the seeds. `spread` has the standard deviation
    (of a sample: n - 1), least and largest value of each score and baseline. `variants` and all else are
    those of the seed that was exported.

    Args:
        run_id: the parent of the runs.
        runs: what `of_seed` gives of each, in the order of their seeds.
        best: what `of_run` gives of the seed that was exported.
    """
    kinds = ("scores", "baselines")
    spreads = {kind: _over_runs([run[kind] for run in runs], _spread) for kind in kinds}
    means = {kind: _over_runs([run[kind] for run in runs], statistics.fmean) for kind in kinds}
    of_best = {name: value for name, value in best.items() if name != "intervals"}
    return {
        **of_best,
        "run_id": run_id,
        **means,
        "spread": spreads,
        "training_minutes": round(statistics.fmean(run["training_minutes"] for run in runs), 2),
        "config": {**best["config"], "seed": runs[0]["seed"]},
        "best_seed": best["config"]["seed"],
        "runs": [dict(run) for run in runs],
    }


def _over_runs(
    runs: Sequence[Scores], summary: Callable[[Sequence[float]], Any]
) -> dict[str, dict[str, Any]]:
    """Return `summary` of the runs' values under each pair of names that all the runs have."""
    return {
        outer: {
            inner: summary([run[outer][inner] for run in runs])
            for inner in values
            if all(inner in run.get(outer, {}) for run in runs)
        }
        for outer, values in runs[0].items()
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"std": statistics.stdev(values), "min": min(values), "max": max(values)}


def _minutes(outcome: Outcome) -> float:
    return round(outcome.progress.seconds / 60, 2)


def _portable(config: Config) -> dict[str, Any]:
    """Return the settings without the folders of this machine."""
    settings = to_dict(config) | {"data_dir": None}
    paths = {k: Path(v) for k, v in settings.items() if isinstance(v, str) and os.sep in v}
    return settings | {name: path.name for name, path in paths.items() if path.exists()}
