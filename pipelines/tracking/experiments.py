"""Choose the experiment of a new run, and its parent, as MLflow's environment variables say."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..errors import UserError
from .quiet_mlflow import Experiment, MlflowException, mlflow
from .store import locked, sqlite_folder

log = logging.getLogger(__name__)


def checked_id(run_id: str, source: str) -> str:
    """Return `run_id`, the value of `source`; raise UserError if it can't be the id of a run."""
    if not re.fullmatch("[0-9a-f]{32}", run_id):
        raise UserError(f"{source} {run_id!r}: expected the 32 letters and digits that MLflow names a run by")
    return run_id


def outer_run() -> str | None:
    """Return the run that MLFLOW_RUN_ID names, if any: new runs become its children.

    Raises:
        UserError: there is no such run.
    """
    run_id = os.environ.get("MLFLOW_RUN_ID")
    if not run_id:
        return None
    try:
        found = mlflow.get_run(checked_id(run_id, "MLFLOW_RUN_ID"))
    except MlflowException:
        raise UserError(f"MLFLOW_RUN_ID {run_id}: no such run in {mlflow.get_tracking_uri()}") from None
    if found.info.lifecycle_stage == "deleted":
        raise UserError(f"MLFLOW_RUN_ID {run_id}: this run was deleted")
    return run_id


def experiment_of(app_name: str, uri: str, *, chosen: str | None, parent: str | None) -> str:
    """Return the id of the experiment for a new run.

    It is the first of these: `chosen`, MLFLOW_EXPERIMENT_NAME, MLFLOW_EXPERIMENT_ID, the experiment of the
    parent, and the one with the app's name. A name that is not there yet is made.

    Raises:
        UserError: the experiment was deleted, or there is none with this id.
    """
    name, by_id = os.environ.get("MLFLOW_EXPERIMENT_NAME"), os.environ.get("MLFLOW_EXPERIMENT_ID")
    if chosen or name:
        return _by_name(chosen or name or "", uri)
    if by_id:
        return _by_id(by_id, uri)
    return mlflow.get_run(parent).info.experiment_id if parent else _by_name(app_name, uri)


def _by_id(experiment: str, uri: str) -> str:
    try:
        return _usable(mlflow.get_experiment(experiment), uri)
    except MlflowException:
        raise UserError(f"MLFLOW_EXPERIMENT_ID {experiment}: no such experiment in {uri}") from None


def _by_name(name: str, uri: str) -> str:
    """Return the id of the experiment called `name`; make it if it does not exist."""
    folder = sqlite_folder(uri)
    with locked(uri):
        found = mlflow.get_experiment_by_name(name)
        if found is None:
            artifacts = None if folder is None else (folder / "artifacts" / _folder_name(name)).as_uri()
            return mlflow.create_experiment(name, artifacts)
    return _usable(found, uri)


def _usable(found: Experiment, uri: str) -> str:
    """Return the id of an experiment that is there already; raise UserError if it was deleted."""
    if found.lifecycle_stage == "deleted":
        raise UserError(
            f"experiment {found.name!r} was deleted: bring it back with "
            f"MLFLOW_TRACKING_URI={uri} mlflow experiments restore -x {found.experiment_id}"
        )
    _say_if_elsewhere(found.artifact_location, sqlite_folder(uri))
    return found.experiment_id


def _folder_name(experiment: str) -> str:
    """Return a name for the folder of artifacts. Two experiments may share a folder, but not a run in it."""
    return re.sub(r"[^\w. -]", "_", experiment).strip(".") or "_"


def _say_if_elsewhere(location: str, folder: Path | None) -> None:
    if folder is None or urlsplit(location).scheme != "file":
        return
    path = Path(url2pathname(urlsplit(location).path))
    if folder not in path.parents:
        log.warning("artifacts of this experiment are kept outside the folder of the store, in %s", path)
