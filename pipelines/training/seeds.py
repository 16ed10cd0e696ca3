"""Train one preset with several seeds, and export the seed that is best on validation."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..app import App, find
from ..config import Config, to_dict
from ..tracking import runs as tracking
from . import record
from .checkpoint import Checkpoint
from .own_process import call_in_own_process

log = logging.getLogger(__name__)


def train_seeds(
    app: App,
    *,
    preset: str,
    config: Config,
    seeds: int,
    output: Path,
    resume: str | None,
    register: str | None,
    prepare: Callable[[], None],
) -> record.Result:
    """Train with the seeds `config.seed`, `config.seed + 1`, ..., one after another; export the best one.

    Each seed is an MLflow run, a child of one parent run, and trains in a process of its own: it gives the
    numbers that a training of this seed alone gives. Which seed is best is decided by the first metric on
    validation; the test splits are only reported.

    If this is stopped, the finished seeds are kept. The whole can be resumed by the parent's run id, or one
    seed by its own.

    Args:
        app: what to train.
        preset: the name that `config` started from.
        config: the settings of the first seed; the others differ in the seed only.
        seeds: how many, 2 or more.
        output: the bundle is written to OUTPUT/APP/RUN_ID, with the run id of the best seed.
        resume: the id of a stopped parent run, whose settings the other arguments are; None for a new one.
        register: the registered model that the bundle becomes a version of, if any.
        prepare: called first in each new process, for example to set up logging.
    """
    name = f"{preset}, {seeds} seeds"
    tags = {"app": app.name, "preset": preset}
    with tracking.start(app.name, name, to_dict(config) | {"seeds": seeds}, tags, resume) as parent:
        log.info(
            "run %s, %d seeds (if it is stopped: python -m apps %s train --resume %s)",
            parent.id, seeds, app.name, parent.id,
        )  # fmt: skip
        kept = Checkpoint.of_run(parent.id)
        kept.write_settings({"app": app.name, "preset": preset, "config": to_dict(config), "seeds": seeds})
        runs = [
            _figures_of_seed(app, preset, config, parent.id, index, seeds, prepare) for index in range(seeds)
        ]
        best = (max if app.higher_is_better else min)(runs, key=lambda run: run["validation"])
        log.info("seed %d is best on validation (%.4f): exporting it", best["seed"], best["validation"])
        arguments = {
            "preset": preset,
            "config": dataclasses.replace(config, seed=best["seed"]),
            "output": output.absolute(),
            "resume": best["run_id"],
            "register": register,
        }
        result = call_in_own_process(_export, {"app_name": app.name, **arguments}, prepare=prepare)
        result.run_id, result.record = parent.id, record.of_seeds(parent.id, runs, result.record)
        _log_seeds(result, best, parent)
        for run in runs:
            shutil.rmtree(Checkpoint.of_run(run["run_id"]).folder, ignore_errors=True)
        shutil.rmtree(kept.folder)
    return result


def _figures_of_seed(
    app: App, preset: str, config: Config, parent: str, index: int, seeds: int, prepare: Callable[[], None]
) -> dict[str, Any]:
    """Return what one seed gave; train it, or the rest of it, where that isn't done yet."""
    seed = config.seed + index
    before = Checkpoint.of_child(parent, seed)
    if before and (figures := before.figures()):
        log.info("seed %d (%d of %d) is already trained", seed, index + 1, seeds)
        return figures
    arguments = {
        "preset": preset,
        "config": dataclasses.replace(config, seed=seed),
        "resume": before.folder.name if before else None,
        "parent": parent,
        "number": index + 1,
        "seeds": seeds,
    }
    return call_in_own_process(_train, {"app_name": app.name, **arguments}, prepare=prepare)


def _train(app_name: str, **arguments: Any) -> dict[str, Any]:
    from .experiment import train_seed

    return train_seed(find(app_name), **arguments)


def _export(app_name: str, **arguments: Any) -> record.Result:
    from .experiment import train

    return train(find(app_name), **arguments)


def _log_seeds(result: record.Result, best: Mapping[str, Any], parent: tracking.Run) -> None:
    """Log means, spreads, each seed and the bundle with the parent run, and which child is the best."""
    found = result.record
    parent.metrics(_named(found["scores"], found["spread"]["scores"], "{outer}.{inner}"))
    parent.metrics(_named(found["baselines"], found["spread"]["baselines"], "baseline.{outer}.{inner}"))
    parent.tags({"data": found["data"], "best_seed": best["seed"], "best_run": best["run_id"]})
    parent.table("seeds", [_row(run, found["scores"]) for run in found["runs"]])
    parent.folder(result.bundle, "bundle")
    parent.text("record.json", json.dumps(found, indent=1))


def _named(means: record.Scores, spreads: Mapping[str, Any], name: str) -> dict[str, float]:
    """Return means and spreads by the names that metrics have in the tracker."""
    values = {}
    for outer, of_inner in means.items():
        for inner, mean in of_inner.items():
            key = name.format(outer=outer, inner=inner)
            values[key] = mean
            values |= {f"{key}_{kind}": value for kind, value in spreads[outer][inner].items()}
    return values


def _row(run: Mapping[str, Any], scores: record.Scores) -> dict[str, Any]:
    values = {f"{split}.{name}": run["scores"][split][name] for split, of in scores.items() for name in of}
    return {"seed": run["seed"], "run_id": run["run_id"], "validation": run["validation"], **values}
