"""One training run from raw data to a verified bundle: every arrow of the road, in order."""

from __future__ import annotations

import json
import logging
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import Config, to_dict
from ..data.examples import Data, Features, take
from ..errors import UserError
from ..evaluation import plots
from ..evaluation.intervals import interval
from ..evaluation.outcome import Outcome, Progress
from ..evaluation.predictors import KerasPredictor
from ..evaluation.score import score
from ..export.prepared_model import packet_length
from ..export.trained import ExportResult, RunInfo, TrainedModel, export
from ..ondevice.bundle import Bundle
from ..tracking import runs as tracking
from . import record
from .checkpoint import Checkpoint
from .fit import compile_model, fit, seed_everything

if TYPE_CHECKING:
    import keras

    from ..app import App

log = logging.getLogger(__name__)

_CALIBRATED_ON = 200
"""The number of training examples from which int8 and int16x8 take the ranges of their tensors."""
_CALIBRATED_STEPS = 20_000
"""For long sequences use fewer examples: at most 20,000 steps in all, but at least 10 examples."""


def train(
    app: App,
    *,
    preset: str,
    config: Config,
    output: Path,
    resume: str | None = None,
    register: str | None = None,
) -> record.Result:
    """Train, log, export and verify.

    Args:
        app: what to train.
        preset: the name that `config` started from.
        config: the settings.
        output: the bundle is written to OUTPUT/APP/RUN_ID.
        resume: the id of a stopped run, whose settings these are, to go on with; None for a new run.
        register: the registered model that the bundle becomes a version of, if any.
    """
    data, features = _load(app, config, resume)
    tags = _tags(app, preset, data)
    with tracking.start(app.name, preset, params=to_dict(config), tags=tags, run_id=resume) as run:
        checkpoint = _checkpoint(app, preset, config, data, run)
        log.info("run %s (if it is stopped: python -m apps %s train --resume %s)", run.id, app.name, run.id)
        outcome = _fit_and_score(app, config, data, features, run, checkpoint, _EpochLog(run))
        result = _export_and_log(app, preset, config, output, outcome, checkpoint, run)
        if register:
            version = run.register(result.model_uri, register, Bundle.open(result.bundle))
            log.info("registered model %s, version %d", register, version)
        return result


def train_seed(
    app: App,
    *,
    preset: str,
    config: Config,
    resume: str | None,
    parent: str,
    number: int,
    seeds: int,
) -> dict[str, Any]:
    """Train and score one of several seeds, export nothing; return what `record.of_seed` keeps of it.

    The checkpoint stays, so that `train(..., resume=RUN_ID)` can export the network.

    Args:
        app: what to train.
        preset: the name that `config` started from.
        config: the settings, with this seed.
        resume: the id of this seed's run where it was stopped; None for a new run.
        parent: the id of the run that the seed's run becomes a child of.
        number: which of the seeds this is, from 1.
        seeds: how many seeds there are.
    """
    data, features = _load(app, config, resume)
    name, tags = f"{preset}, seed {config.seed}", _tags(app, preset, data)
    with tracking.start(app.name, name, to_dict(config), tags, run_id=resume, parent=parent) as run:
        checkpoint = _checkpoint(app, preset, config, data, run, parent)
        log.info("seed %d (%d of %d): run %s", config.seed, number, seeds, run.id)
        epoch_log = _EpochLog(run, number, seeds, config.epochs)
        outcome = _fit_and_score(app, config, data, features, run, checkpoint, epoch_log)
        figures = record.of_seed(app, run.id, config, outcome)
        checkpoint.write_figures(figures)
        return figures


def _load(app: App, config: Config, resume: str | None) -> tuple[Data, Features]:
    """Seed everything, then load the data and compute the features."""
    seed_everything(config.seed)
    data = app.load(config)
    for note in data.notes:
        log.warning("%s", note)
    log.info("%s: %s", data.source, ", ".join(f"{count} {name}" for name, count in data.counts.items()))
    if resume and Checkpoint.of_run(resume).settings()["fingerprint"] != data.fingerprint:
        raise UserError(f"--resume {resume}: {data.source} is not the data that the run was started on")
    features = app.features(config, data)
    log.info("features: %s", ", ".join(f"{name} {value:g}" for name, value in features.counts.items()))
    return data, features


def _tags(app: App, preset: str, data: Data) -> dict[str, str]:
    return {"app": app.name, "preset": preset, "data": data.source, "data.fingerprint": data.fingerprint}


def _checkpoint(
    app: App, preset: str, config: Config, data: Data, run: tracking.Run, parent: str | None = None
) -> Checkpoint:
    """Return the run's checkpoint, with the settings that `--resume` needs."""
    checkpoint = Checkpoint.of_run(run.id)
    settings = {"app": app.name, "preset": preset, "config": to_dict(config), "fingerprint": data.fingerprint}
    checkpoint.write_settings(settings | ({"parent": parent} if parent else {}))
    return checkpoint


def _fit_and_score(
    app: App,
    config: Config,
    data: Data,
    features: Features,
    run: tracking.Run,
    checkpoint: Checkpoint,
    epoch_log: _EpochLog,
) -> Outcome:
    """Build and train the network, score it on the test splits, and log both."""
    run.metrics({f"data.{name}": value for name, value in {**data.counts, **features.counts}.items()})
    model = app.build(config, features)
    compile_model(model, config, app.loss(config), features)
    deployed = app.deployed(config, features, model)
    if app.each_epoch:
        epoch_log.sample = partial(app.each_epoch, config, features, deployed)
    with _best_kept_if_stopped(model, run, checkpoint):
        progress = fit(
            model,
            features,
            config,
            app.metrics,
            checkpoint,
            epoch_log,
            deployed,
            app.higher_is_better,
            partial(app.trainable, config, model) if app.trainable else None,
        )
    outcome = _score(app, config, data, features, model, deployed, progress)
    _log_outcome(app, config, outcome, run)
    return outcome


def _export_and_log(
    app: App,
    preset: str,
    config: Config,
    output: Path,
    outcome: Outcome,
    checkpoint: Checkpoint,
    run: tracking.Run,
) -> record.Result:
    """Write the bundle, log it, and remove the checkpoint."""
    with tempfile.TemporaryDirectory(prefix=".export.", dir=checkpoint.folder) as workspace:
        exported = _export(app, preset, config, output, outcome, Path(workspace), run)
        model_uri = _log_export(exported, outcome, Path(workspace), run)
        figures = _show(app, config, outcome, exported.bundle, Path(workspace, "samples"), run)
    kept = record.of_run(app, run.id, preset, config, outcome, exported) | {"figures": figures}
    run.text("record.json", json.dumps(kept, indent=1))
    shutil.rmtree(checkpoint.folder)
    return record.Result(run.id, exported.bundle.folder, model_uri, kept)


class _EpochLog:
    """Logs an epoch's metrics to the run and on standard error; the time left too if there are several seeds.

    `sample(epoch, folder)`, where set, writes files that show what the network can do so far.
    """

    def __init__(self, run: tracking.Run, number: int = 1, seeds: int = 1, epochs: int = 0) -> None:
        self.sample: Callable[[int, Path], None] | None = None
        self._run = run
        self._number, self._seeds, self._epochs = number, seeds, epochs
        self._started, self._logged = time.monotonic(), 0

    def __call__(self, epoch: int, values: dict[str, float]) -> None:
        self._run.metrics(values, step=epoch)
        self._logged += 1
        shown = {name: value for name, value in values.items() if not name.startswith("diagnostics.")}
        text = f"epoch {epoch}: " + ", ".join(f"{name} {value:.4g}" for name, value in shown.items())
        log.info("%s", text if self._seeds == 1 else self._with_time_left(epoch, text))
        if self.sample:
            with tempfile.TemporaryDirectory() as folder:
                self.sample(epoch, Path(folder))
                self._run.folder(Path(folder), f"samples/epoch_{epoch:03}")

    def _with_time_left(self, epoch: int, text: str) -> str:
        seconds = (time.monotonic() - self._started) / self._logged
        left = self._epochs - epoch + (self._seeds - self._number) * self._epochs
        minutes = math.ceil(left * seconds / 60)
        return f"seed {self._number} of {self._seeds}, {text}; up to {minutes} min of training left"


@contextmanager
def _best_kept_if_stopped(model: keras.Model, run: tracking.Run, checkpoint: Checkpoint) -> Iterator[None]:
    """Log the best model so far where training is interrupted after an epoch or more."""
    try:
        yield
    except KeyboardInterrupt:
        progress = checkpoint.load()
        if progress.epochs:
            with tempfile.TemporaryDirectory() as folder:
                model.save(Path(folder) / "model.keras")
                run.folder(Path(folder), "best_so_far")
            log.warning("stopped; kept the model of epoch %d as best_so_far/model.keras", progress.best_epoch)
        raise


def _score(
    app: App,
    config: Config,
    data: Data,
    features: Features,
    model: keras.Model,
    deployed: keras.Model,
    progress: Progress,
) -> Outcome:
    """Score every test split, for the first and only time."""
    scores, outputs, intervals = {}, {}, {}
    first = next(iter(app.metrics.values()))
    for split in data.test_splits:
        scores[split], outputs[split] = score(
            KerasPredictor(deployed), features.inputs[split], features.targets[split], app.metrics
        )
        intervals[split] = interval(first, outputs[split], features.targets[split])
    log.info("training the baselines")
    baselines = app.baseline(config, data, features, deployed)
    return Outcome(data, features, model, deployed, progress, outputs, scores, intervals, baselines)


def _log_outcome(app: App, config: Config, outcome: Outcome, run: tracking.Run) -> None:
    for split, values in outcome.scores.items():
        run.metrics({f"{split}.{name}": value for name, value in values.items()})
        low, high = outcome.intervals[split]
        run.metrics({f"{split}.interval_low": low, f"{split}.interval_high": high})
    for name, of_split in outcome.baselines.items():
        run.metrics({f"baseline.{name}.{split}": value for split, value in of_split.items()})
    run.metrics({"best_epoch": outcome.progress.best_epoch})
    history, best = outcome.progress.history, outcome.progress.best_epoch
    exhibits = {"learning_curves": plots.learning_curves(history, best), **app.plots(config, outcome)}
    if any(outcome.progress.gradients):
        exhibits["gradient_by_lag"] = plots.gradient_by_lag(outcome.progress.gradients)
    for name, exhibit in exhibits.items():
        if not isinstance(exhibit, list):
            run.figure(name, exhibit)
        elif exhibit:
            run.table(name, exhibit)


def _export(
    app: App,
    preset: str,
    config: Config,
    output: Path,
    outcome: Outcome,
    workspace: Path,
    run: tracking.Run,
) -> ExportResult:
    features = outcome.features
    inputs = features.inputs["test"]
    best = max if app.higher_is_better else min
    info = RunInfo(
        app=app.name,
        run_id=run.id,
        dataset=outcome.data.source,
        preset=preset,
        config=to_dict(config),
        labels=features.labels,
        preprocessing=features.preprocessing,
        baseline=best(of_split["test"] for of_split in outcome.baselines.values()),
        higher_is_better=app.higher_is_better,
    )
    specs = {outcome.deployed.inputs[0].name: (inputs.shape[1:], str(inputs.dtype))}
    trained = TrainedModel(
        model=outcome.deployed,
        input_specs=specs,
        inputs=inputs,
        targets=features.targets["test"],
        calibration=_calibration(outcome, config),
        metrics=app.metrics,
    )
    return export(
        trained,
        info,
        assets=features.assets,
        output=output / app.name,
        workspace=workspace,
        executions=app.executions(config),
        parts=app.parts(config, outcome) if app.parts else None,
    )


def _calibration(outcome: Outcome, config: Config) -> np.ndarray:
    """Return some training examples, of those inputs that the deployed model takes."""
    inputs = outcome.features.inputs["train"]
    rng = np.random.default_rng(config.seed)
    size = len(outcome.features.targets["train"])
    steps = outcome.features.inputs["test"].shape[1] // packet_length(outcome.deployed)
    most = max(10, min(_CALIBRATED_ON, _CALIBRATED_STEPS // steps))
    rows = np.sort(rng.choice(size, min(most, size), replace=False))
    some = take(inputs, rows)
    return some[outcome.deployed.inputs[0].name] if isinstance(some, dict) else some


def _log_export(exported: ExportResult, outcome: Outcome, workspace: Path, run: tracking.Run) -> str:
    run.metrics(tracking.figures(exported.bundle))
    run.tags({"left_out": exported.left_out})
    run.table("variants", [row._asdict() for row in exported.rows])
    run.folder(exported.bundle.folder, "bundle")
    run.folder(workspace / "saved_model", "saved_model")
    run.keras_model(outcome.deployed, outcome.features.inputs["test"][:2])
    return run.bundle_model(exported.bundle.folder, outcome.data.splits["test"].inputs[:2])


def _show(
    app: App, config: Config, outcome: Outcome, bundle: Bundle, folder: Path, run: tracking.Run
) -> dict[str, float]:
    """Let the app try its bundle; return what it measured."""
    if app.show is None:
        return {}
    folder.mkdir()
    figures = dict(app.show(config, outcome, bundle, folder))
    run.folder(folder, "samples")
    run.metrics(figures)
    return figures
