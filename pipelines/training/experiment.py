"""One training run, from raw data to a verified bundle."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..app import App
from ..config import Config
from ..data.examples import Data
from ..evaluation.outcome import Outcome
from ..ondevice.bundle import Bundle
from ..tracking import models
from . import record
from .bundle import export_bundle
from .epoch_log import EpochLog, SeedNumber, log_diagnostics
from .fit import compile_model, fit
from .interruption import check
from .naming import run_name
from .quantize_aware import QuantizeAware, load_weights
from .scoring import log_outcome, score_test_splits
from .setup import Setup, set_up
from .trial import Trial

if TYPE_CHECKING:
    import keras

    from ..cluster.collective import Collective

log = logging.getLogger(__name__)


def train(
    app: App,
    *,
    preset: str,
    config: Config,
    output: Path,
    data: Data | None = None,
    resume: str | None = None,
    register: str | None = None,
    experiment: str | None = None,
    parent: str | None = None,
    seeds: Sequence[Mapping[str, Any]] = (),
    trial: Trial | None = None,
    collective: Collective | None = None,
) -> record.Result:
    """Train, log, export and verify.

    Args:
        app: the app to train.
        preset: the name that `config` started from.
        config: the settings.
        output: the bundle is written to OUTPUT/APP/RUN_ID.
        data: the result of `raw_data.load_data`, if the data is loaded already.
        resume: the id of a stopped run to resume, which was started with this `config`; None for a new run.
        register: the name of a registered model to add the bundle to as a new version; None for none.
        experiment: the name of MLflow's experiment for a new run; None for the usual one.
        parent: the id of the parent of a new run, if any.
        seeds: the results of `train_seed`, if the run is the best of several seeds, for its card.
        trial: what the sweep needs to know, if this is a trial of one. `latest` is not pointed to its bundle.
        collective: sums gradients over the processes that train together, if there are several.

    Raises:
        Pruned: the sweep stopped the trial.
        UserError: the data or the settings can't be used, or the bundle can't be written.
        TeamError: another process that trains with this one has ended.
        ExportError: no variant is fit for a device.
    """
    places: dict[str, Any] = {"resume": resume, "experiment": experiment, "parent": parent}
    name = run_name(app, preset, config, *([trial.name] if trial else []))
    places["workers"] = collective.team.place.workers if collective else 1
    with (
        set_up(app, preset=preset, config=config, run_name=name, data=data, **places) as setup,
        collective.team.guarded(f"train --resume {setup.run.id} goes on") if collective else nullcontext(),
    ):
        run = setup.run
        log.info("run %s (if it is stopped, train --resume %s continues it)", run.id, run.id)
        if trial:
            trial.started(run.id)
        outcome = _fit_and_score(setup, SeedNumber(), trial, collective)
        run.step = "export"
        result = export_bundle(setup, outcome, output, seeds=seeds, latest=trial is None)
        if register:
            version = models.register(result.model_uri, register, Bundle.open(result.bundle))
            log.info("registered model %s, version %d", register, version)
        return result


def train_seed(
    app: App,
    *,
    preset: str,
    config: Config,
    resume: str | None,
    parent: str,
    seed: SeedNumber,
) -> dict[str, Any]:
    """Train and score one of several seeds without exporting it; return its `record.of_seed`.

    The checkpoint stays, so that `train(..., resume=RUN_ID)` can export the network.

    Args:
        app: the app to train.
        preset: the name that `config` started from.
        config: the settings, with this seed.
        resume: the id of this seed's run if it was stopped; None for a new run.
        parent: the id of the parent run of the seed's run.
        seed: which of the seeds this is.
    """
    name = run_name(app, preset, config, f"seed {config.seed}")
    with set_up(app, preset=preset, config=config, run_name=name, resume=resume, parent=parent) as setup:
        log.info("seed %d (%d of %d): run %s", config.seed, seed.number, seed.count, setup.run.id)
        outcome = _fit_and_score(setup, seed)
        scores = record.of_seed(setup, outcome)
        setup.checkpoint.write_scores(scores)
        return scores


def _fit_and_score(
    setup: Setup, seed: SeedNumber, trial: Trial | None = None, collective: Collective | None = None
) -> Outcome:
    """Build and train the network, score it on the test splits, and log both."""
    app, config, features = setup.app, setup.config, setup.features
    model = app.build(config, features)
    compile_model(model, config, app.loss(config), features)
    deployed = app.deployed(config, features, model)
    each_epoch: Any = nullcontext
    if config.quantize_aware:
        load_weights(deployed, config.quantize_aware)
        executions = app.executions(config)
        each_epoch = QuantizeAware(
            config, features, model=model, deployed=deployed, executions=executions
        ).epoch
    sample = partial(app.each_epoch, config, features, deployed) if app.each_epoch else None
    log_epoch = EpochLog(setup.run, config.epochs, seed=seed, sample=sample)
    if app.first_weights and not config.quantize_aware and not setup.checkpoint.load().epochs:
        setup.run.step = "first weights"
        setup.run.metrics(app.first_weights(config, features, model))
    setup.run.step = "training"
    with _best_kept_if_stopped(setup, model):
        progress = fit(
            model,
            features,
            config,
            metrics=app.metrics,
            higher_is_better=app.higher_is_better,
            checkpoint=setup.checkpoint,
            on_epoch=trial.after(log_epoch, next(iter(app.metrics))) if trial else log_epoch,
            deployed=deployed,
            set_trainable=partial(app.trainable, config, model) if app.trainable else None,
            each_epoch=each_epoch,
            collective=collective,
        )
    setup.run.step = "scoring"
    outcome = score_test_splits(setup, model=model, deployed=deployed, progress=progress)
    log_outcome(setup, outcome)
    log_diagnostics(setup.run, progress.history)
    check()
    return outcome


@contextmanager
def _best_kept_if_stopped(setup: Setup, model: keras.Model) -> Iterator[None]:
    """Log the best model so far if training is interrupted after one or more epochs."""
    try:
        yield
    except KeyboardInterrupt:
        progress = setup.checkpoint.load()
        log_diagnostics(setup.run, progress.history)
        if progress.epochs:
            with tempfile.TemporaryDirectory() as folder:
                model.save(Path(folder) / "model.keras")
                setup.run.folder(Path(folder), "best_so_far")
            log.warning("stopped; kept the model of epoch %d as best_so_far/model.keras", progress.best_epoch)
        raise
