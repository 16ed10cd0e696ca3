"""One training run from raw data to a verified bundle: every arrow of the road, in order."""

from __future__ import annotations

import datetime
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
from ..export.trained import ExportResult, ResultRow, RunInfo, TrainedModel, export
from ..ondevice.bundle import Bundle
from ..tracking import runs as tracking
from ..tracking.provenance import provenance
from .checkpoint import Checkpoint
from .fit import compile_model, fit, seed_everything

if TYPE_CHECKING:
    import keras

    from ..app import App

log = logging.getLogger(__name__)

_CALIBRATED_ON = 200
"""Training examples from which integer variants take the ranges of their tensors."""
_CALIBRATED_STEPS = 20_000
"""Of long sequences fewer do, but ten: as many as have so many steps."""


@dataclass
class Result:
    """What the command line shows at the end."""

    run_id: str
    bundle: Path
    model_uri: str
    """Of the bundle in MLflow."""
    rows: list[ResultRow]
    """One a form: Keras, SavedModel, each .tflite variant."""
    record: dict[str, Any]
    """What results.json keeps."""


def train(
    app: App,
    preset: str,
    config: Config,
    output: Path,
    resume: str | None = None,
    register: str | None = None,
) -> Result:
    """Train, log, export and verify.

    `resume` goes on with the run of that id, whose settings these are; `register` names the registered model
    that the bundle becomes a version of.
    """
    seed_everything(config.seed)
    data = app.load(config)
    for note in data.notes:
        log.warning("%s", note)
    log.info("%s: %s", data.source, ", ".join(f"{count} {name}" for name, count in data.counts.items()))
    if resume and Checkpoint.of_run(resume).settings()["fingerprint"] != data.fingerprint:
        raise UserError(f"--resume {resume}: {data.source} is not the data that the run was started on")
    features = app.features(config, data)
    log.info("features: %s", ", ".join(f"{name} {value:g}" for name, value in features.counts.items()))
    with tracking.start(
        app.name, preset, params=to_dict(config), tags=_tags(app, preset, data), run_id=resume
    ) as run:
        result = _tracked(app, preset, config, output, data, features, run)
        if register:
            version = run.register(result.model_uri, register, Bundle.open(result.bundle))
            log.info("registered model %s, version %d", register, version)
        return result


def _tags(app: App, preset: str, data: Data) -> dict[str, str]:
    return {"app": app.name, "preset": preset, "data": data.source, "data.fingerprint": data.fingerprint}


def _tracked(
    app: App, preset: str, config: Config, output: Path, data: Data, features: Features, run: tracking.Run
) -> Result:
    """Do what a run holds, from the first epoch to the bundle."""
    checkpoint = Checkpoint.of_run(run.id)
    checkpoint.write_settings(
        {"app": app.name, "preset": preset, "config": to_dict(config), "fingerprint": data.fingerprint}
    )
    log.info("run %s (if it is stopped: python -m apps %s train --resume %s)", run.id, app.name, run.id)
    run.metrics({f"data.{name}": value for name, value in {**data.counts, **features.counts}.items()})
    model = app.build(config, features)
    compile_model(model, config, app.loss(config), features)
    deployed = app.deployed(config, features, model)
    with _best_kept_if_stopped(model, run, checkpoint):
        progress = fit(
            model,
            features,
            config,
            app.metrics,
            checkpoint,
            _teller(run, partial(app.each_epoch, config, features, deployed) if app.each_epoch else None),
            deployed,
            app.higher_is_better,
            partial(app.trainable, config, model) if app.trainable else None,
        )
    outcome = _score(app, config, data, features, model, deployed, progress)
    _log_outcome(app, config, outcome, run)
    with tempfile.TemporaryDirectory(prefix=".export.", dir=checkpoint.folder) as workspace:
        exported = _export(app, preset, config, output, outcome, Path(workspace), run)
        model_uri = _log_export(exported, outcome, Path(workspace), run)
        figures = _show(app, config, outcome, exported.bundle, Path(workspace, "samples"), run)
    record = _record(app, run.id, preset, config, outcome, exported) | {"figures": figures}
    run.text("record.json", json.dumps(record, indent=1))
    shutil.rmtree(checkpoint.folder)
    return Result(run.id, exported.bundle.folder, model_uri, exported.rows, record)


def _teller(
    run: tracking.Run, sample: Callable[[int, Path], None] | None = None
) -> Callable[[int, dict[str, float]], None]:
    def tell(epoch: int, values: dict[str, float]) -> None:
        run.metrics(values, step=epoch)
        told = {name: value for name, value in values.items() if not name.startswith("diagnostics.")}
        log.info("epoch %d: %s", epoch, ", ".join(f"{name} {value:.4g}" for name, value in told.items()))
        if sample:
            with tempfile.TemporaryDirectory() as folder:
                sample(epoch, Path(folder))
                run.folder(Path(folder), f"samples/epoch_{epoch:03}")

    return tell


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
    steps = outcome.features.inputs["test"].shape[1] // outcome.features.preprocessing.get("packet", 1)
    most = max(10, min(_CALIBRATED_ON, _CALIBRATED_STEPS // steps))
    rows = np.sort(rng.choice(size, min(most, size), replace=False))
    some = take(inputs, rows)
    return some[outcome.deployed.inputs[0].name] if isinstance(some, dict) else some


def _log_export(exported: ExportResult, outcome: Outcome, workspace: Path, run: tracking.Run) -> str:
    run.metrics(tracking.figures(exported.bundle))
    run.tags({"left_out": exported.left_out})
    run.table("forms", [row._asdict() for row in exported.rows])
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


def _record(
    app: App, run_id: str, preset: str, config: Config, outcome: Outcome, exported: ExportResult
) -> dict[str, Any]:
    """Return what results.json keeps of a run."""
    return {
        "app": app.name,
        "run_id": run_id,
        "preset": preset,
        "metric": next(iter(app.metrics)),
        "data": outcome.data.source,
        "data_sha256": outcome.data.fingerprint,
        "examples": outcome.data.counts,
        "scores": outcome.scores,
        "intervals": outcome.intervals,
        "baselines": outcome.baselines,
        "forms": [row._asdict() for row in exported.rows],
        "left_out": exported.left_out,
        "epochs": outcome.progress.epochs,
        "best_epoch": outcome.progress.best_epoch,
        "training_minutes": round(outcome.progress.seconds / 60, 2),
        "config": _portable(config),
        "made_with": provenance(),
        "date": datetime.date.today().isoformat(),
    }


def _portable(config: Config) -> dict[str, Any]:
    """Return the settings without the folders of this machine."""
    settings = to_dict(config) | {"data_dir": None}
    paths = {k: Path(v) for k, v in settings.items() if isinstance(v, str) and os.sep in v}
    return settings | {name: path.name for name, path in paths.items() if path.exists()}
