"""Set up a training run: load the data, make the features, open the run and its checkpoint."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..app import SMOKE, App, folder_of
from ..config import Config, to_dict
from ..data.examples import Data, Features
from ..tracking.run import Run
from .checkpoint import Checkpoint
from .duration import machine_speed, said
from .fit import seed_everything
from .naming import command
from .open_run import open_run
from .quantize_aware import require_same_data
from .raw_data import load_data
from .recorded import read_records
from .shared_step import require_shareable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setup:
    """The data and settings that every step of a training run uses."""

    app: App
    preset: str
    """The name that `config` started from."""
    config: Config
    data: Data
    features: Features
    run: Run
    checkpoint: Checkpoint
    started: float
    """When the run was set up, by `time.monotonic`; a resumed run as if it had not been stopped."""

    def minutes(self) -> float:
        """Return the minutes since the run was set up, without the time that it stood still."""
        return (time.monotonic() - self.started) / 60


@contextmanager
def set_up(
    app: App,
    *,
    preset: str,
    config: Config,
    run_name: str,
    data: Data | None = None,
    resume: str | None = None,
    parent: str | None = None,
    experiment: str | None = None,
    workers: int = 1,
) -> Iterator[Setup]:
    """Load the data, seed everything, and open the run for as long as the context lasts.

    Args:
        app: the app to train.
        preset: the name that `config` started from.
        config: the settings.
        run_name: the name of a new run.
        data: the result of `load_data`, if the data is loaded already.
        resume: the id of a stopped run to resume; None for a new run.
        parent: the id of the parent of a new run, if any.
        experiment: the name of MLflow's experiment for a new run; None for the usual one.
        workers: how many processes train together.

    Raises:
        UserError: the run to resume, or to fine-tune, was started with different data or settings, or the
            app can't be trained by several processes.
    """
    started = time.monotonic()
    if preset != SMOKE:
        machine_speed()  # measured before the training, and before TensorFlow's threads take part
    data = load_data(app, config, resume) if data is None else data
    if config.quantize_aware:
        require_same_data(app, config.quantize_aware, data.fingerprint)
    seed_everything(config.seed)
    features = app.features(config, data)
    if workers > 1:
        require_shareable(app.name, features, workers)
    log.info("features: %s", ", ".join(f"{name} {value:g}" for name, value in features.counts.items()))
    tags = {"preset": preset, "data": data.source, "data.fingerprint": data.fingerprint}
    params = to_dict(config)
    places: dict[str, Any] = {"parent": parent, "experiment": experiment}
    options = {"params": params, "tags": tags, **places}
    settings = {"app": app.name, "preset": preset, "config": params, "fingerprint": data.fingerprint}
    with open_run(app.name, run_name, resume=resume, **options) as (run, checkpoint):
        checkpoint.write_settings(settings | {"parent": parent})
        run.describe(f"`{command(app, preset, config)}`")
        _log_data(run, config, data, features)
        if needed := said(read_records(folder_of(app.name)).get(preset), config, data.counts):
            log.info("%s", needed)
        started -= checkpoint.load().seconds
        yield Setup(app.of(config), preset, config, data, features, run, checkpoint, started)


def _log_data(run: Run, config: Config, data: Data, features: Features) -> None:
    """Log the data as MLflow's data set, and the counts as parameters."""
    path = Path(config.dataset).expanduser()
    file_or_folder = path.resolve() if path.exists() else None
    run.dataset(data.source, digest=data.fingerprint, path=file_or_folder, counts=data.counts)
    run.params({"data": {**data.counts, **features.counts}})
