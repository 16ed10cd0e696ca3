"""Set up a training run: load the data, make the features, open the run and its checkpoint."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..app import SMOKE, App, folder_of
from ..config import Config, to_dict
from ..data.examples import Data, Features
from ..errors import UserError
from ..tracking import runs as tracking
from ..tracking.run import Run
from .checkpoint import Checkpoint
from .duration import machine_speed, said
from .fit import seed_everything
from .recorded import read_records

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
    """When the run started, on the clock of `time.monotonic`; a resumed one as if it had not been stopped."""

    def minutes(self) -> float:
        """Return the minutes that the run has taken until now, without the time that it stood still."""
        return (time.monotonic() - self.started) / 60


@contextmanager
def set_up(
    app: App,
    *,
    preset: str,
    config: Config,
    run_name: str,
    resume: str | None = None,
    parent: str | None = None,
) -> Iterator[Setup]:
    """Seed everything, load the data, and open the run for as long as the context lasts.

    Args:
        app: the app to train.
        preset: the name that `config` started from.
        config: the settings.
        run_name: the name of a new run.
        resume: the id of a stopped run to resume; None for a new run.
        parent: the id of the parent of a new run, if any.

    Raises:
        UserError: the run to resume was started with different data or settings.
    """
    started = time.monotonic()
    if preset != SMOKE:
        machine_speed()  # measured now, while the training does not slow it down
    seed_everything(config.seed)
    data = _load(app, config, resume)
    features = app.features(config, data)
    log.info("features: %s", ", ".join(f"{name} {value:g}" for name, value in features.counts.items()))
    tags = {"app": app.name, "preset": preset, "data": data.source, "data.fingerprint": data.fingerprint}
    params = to_dict(config)
    with tracking.start(app.name, run_name, params=params, tags=tags, run_id=resume, parent=parent) as run:
        checkpoint = Checkpoint.of_run(run.id)
        settings = {"app": app.name, "preset": preset, "config": params, "fingerprint": data.fingerprint}
        checkpoint.write_settings(settings | {"parent": parent})
        run.metrics({f"data.{name}": value for name, value in {**data.counts, **features.counts}.items()})
        if needed := said(read_records(folder_of(app.name)).get(preset), config, data.counts):
            log.info("%s", needed)
        started -= checkpoint.load().seconds
        yield Setup(app, preset, config, data, features, run, checkpoint, started)


def _load(app: App, config: Config, resume: str | None) -> Data:
    """Load the data; log its notes and counts; refuse data that differs from that of a resumed run."""
    data = app.load(config)
    for note in data.notes:
        log.warning("%s", note)
    log.info("%s: %s", data.source, ", ".join(f"{count} {name}" for name, count in data.counts.items()))
    if resume and Checkpoint.of_run(resume).settings()["fingerprint"] != data.fingerprint:
        raise UserError(f"--resume {resume}: {data.source} is not the data that the run was started with")
    return data
