"""Train one preset with several seeds, and export the seed that is best on validation."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..app import App, find
from ..config import Config, to_dict
from ..evaluation.baselines import as_tags
from ..tracking.run import Run
from . import record
from .checkpoint import Checkpoint
from .description import description, headline
from .naming import command, run_name
from .open_run import open_run
from .own_process import call_in_own_process

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Seeds:
    """The settings of the training runs, and their parent run."""

    app: App
    preset: str
    config: Config
    """The settings of the first seed."""
    count: int
    parent: str
    prepare: Callable[[], None]


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
    experiment: str | None = None,
    parent: str | None = None,
) -> record.Result:
    """Train with the seeds `config.seed`, `config.seed + 1`, ..., one after another; export the best one.

    Each seed is an MLflow run, a child of one parent run, and trains in its own process: its numbers are the
    same as when this seed is trained alone. The first metric on validation decides which seed is best; the
    test splits are only reported.

    If this is stopped, the finished seeds are kept. The parent's run id resumes all seeds; the id of a child
    run resumes one seed.

    Args:
        app: the app to train.
        preset: the name that `config` started from.
        config: the settings of the first seed; the others differ only in the seed.
        seeds: how many, 2 or more.
        output: the bundle is written to OUTPUT/APP/RUN_ID, with the run id of the best seed.
        resume: the id of a stopped parent run that was started with the same arguments; None for a new run.
        register: the name of a registered model to add the bundle to as a new version; None for none.
        prepare: called at the start of each new process, for example to set up logging.
        experiment: the name of MLflow's experiment for new runs; None for the usual one.
        parent: the id of the parent of the new parent run, if any.
    """
    params, name = to_dict(config) | {"seeds": seeds}, run_name(app, preset, config, f"{seeds} seeds")
    places: dict[str, Any] = {"resume": resume, "experiment": experiment, "parent": parent}
    options = places | {"tags": {"preset": preset}, "system_metrics": False}
    with open_run(app.name, name, params=params, **options) as (run, checkpoint):
        run.step = "training"
        run.describe(f"`{command(app, preset, config, seeds)}`")
        log.info(
            "run %s, %d seeds (if it is stopped, train --resume %s continues it)",
            *(run.id, seeds, run.id),
        )
        checkpoint.write_settings(
            {"app": app.name, "preset": preset, "config": to_dict(config), "seeds": seeds}
        )
        training = _Seeds(app.of(config), preset, config, seeds, run.id, prepare)
        runs = [_train_seed(training, index) for index in range(seeds)]
        run.step = "export"
        result = _export_best(training, runs, output, register)
        _log_seeds(result, run)
        run.describe(description(result.record, command(app, preset, config, seeds)))
        for run_id in (*(each["run_id"] for each in runs), run.id):
            shutil.rmtree(Checkpoint.of_run(run_id).folder, ignore_errors=True)
    return dataclasses.replace(result, page=run.page)


def _train_seed(training: _Seeds, index: int) -> dict[str, Any]:
    """Return the scores of the seed at `index`, from 0; train it, or finish its training, if necessary."""
    seed = training.config.seed + index
    stopped = Checkpoint.of_child(training.parent, seed)
    if stopped and (scores := stopped.scores()):
        log.info("seed %d (%d of %d) is already trained", seed, index + 1, training.count)
        return scores
    arguments = {
        "app_name": training.app.name,
        "preset": training.preset,
        "config": dataclasses.replace(training.config, seed=seed),
        "resume": stopped.folder.name if stopped else None,
        "parent": training.parent,
        "number": index + 1,
        "count": training.count,
    }
    return call_in_own_process(_train, arguments, prepare=training.prepare)


def _export_best(
    training: _Seeds, runs: list[dict[str, Any]], output: Path, register: str | None
) -> record.Result:
    """Export the seed that is best on validation by resuming its run, whose training has ended."""
    best_of = max if training.app.higher_is_better else min
    best = best_of(runs, key=lambda run: run["validation"])
    log.info("seed %d is best on validation (%.4f): exporting it", best["seed"], best["validation"])
    arguments = {
        "app_name": training.app.name,
        "preset": training.preset,
        "config": dataclasses.replace(training.config, seed=best["seed"]),
        "output": output,
        "resume": best["run_id"],
        "register": register,
        "seeds": runs,
    }
    result = call_in_own_process(_export, arguments, prepare=training.prepare)
    of_seeds = record.of_seeds(training.parent, runs, result.record)
    return dataclasses.replace(result, run_id=training.parent, record=of_seeds)


def _train(*, app_name: str, number: int, count: int, **arguments: Any) -> dict[str, Any]:
    from .experiment import SeedNumber, train_seed

    return train_seed(find(app_name), seed=SeedNumber(number, count), **arguments)


def _export(*, app_name: str, **arguments: Any) -> record.Result:
    from .experiment import train

    return train(find(app_name), **arguments)


def _log_seeds(result: record.Result, parent: Run) -> None:
    """Log means, spreads, seeds and the bundle to the parent run, and mark the best child run."""
    of_seeds = result.record
    means, spreads, runs = of_seeds["scores"], of_seeds["spread"], of_seeds["runs"]
    parent.headline(headline(of_seeds))
    parent.metrics(_by_name(means, spreads["scores"], ""))
    parent.metrics(_by_name(of_seeds["baselines"], spreads["baselines"], "baseline."))
    best = next(run for run in runs if run["seed"] == of_seeds["best_seed"])
    parent.tags({"data": of_seeds["data"], "best_seed": best["seed"], "best_run": best["run_id"]})
    parent.tags(as_tags(record.no_better_than(of_seeds)))
    parent.table("seeds", [_table_row(run, means) for run in runs])
    parent.folder(result.bundle, "bundle")
    parent.text("record.json", json.dumps(of_seeds, indent=1))


def _by_name(means: record.Scores, spreads: Mapping[str, Any], prefix: str) -> dict[str, float]:
    """Return means and spreads by the names of the metrics in the tracker."""
    values = {}
    for outer, of_inner in means.items():
        for inner, mean in of_inner.items():
            name = f"{prefix}{outer}.{inner}"
            values[name] = mean
            values |= {f"{name}_{kind}": value for kind, value in spreads[outer][inner].items()}
    return values


def _table_row(run: Mapping[str, Any], means: record.Scores) -> dict[str, Any]:
    scores = {f"{split}.{name}": run["scores"][split][name] for split, of in means.items() for name in of}
    return {"seed": run["seed"], "run_id": run["run_id"], "validation": run["validation"], **scores}
