"""Load the data of a training run. Imports no TensorFlow, so that a mistake in the data is told at once."""

from __future__ import annotations

import logging

from ..app import App, find
from ..config import Config
from ..data.examples import Data
from ..errors import UserError
from .checkpoint import Checkpoint

log = logging.getLogger(__name__)


def load_data(app: App, config: Config, resume: str | None = None) -> Data:
    """Load the data that `config` names, and log its notes and counts.

    Args:
        app: the app to train.
        config: the settings.
        resume: the id of the run to resume, if any.

    Raises:
        UserError: the data can't be used, or it differs from that of the run to resume.
    """
    data = app.load(config)
    for note in data.notes:
        log.warning("%s", note)
    log.info("%s: %s", data.source, ", ".join(f"{count} {name}" for name, count in data.counts.items()))
    if resume and Checkpoint.of_run(resume).settings()["fingerprint"] != data.fingerprint:
        raise UserError(f"--resume {resume}: {data.source} is not the data that the run was started with")
    return data


def check_data(app_name: str, config: Config) -> tuple[str, str]:
    """Load the data and forget it; return its name and fingerprint, or raise UserError."""
    data = find(app_name).load(config)
    return data.source, data.fingerprint
