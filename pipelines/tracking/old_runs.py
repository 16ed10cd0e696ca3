"""Runs that no process works on any more: find, close and delete them, or the models in them."""

from __future__ import annotations

import logging

from .quiet_mlflow import MlflowException, get_artifact_repository, mlflow
from .runs import prepare
from .values import one_line

log = logging.getLogger(__name__)

_MODELS = ("bundle", "saved_model", "best_so_far")
"""The folders of models among the artifacts of a run; MLflow keeps its logged models beside them."""


def is_there(run_id: str) -> bool:
    """Tell whether the store has this run, and it isn't deleted."""
    try:
        return mlflow.MlflowClient(prepare()).get_run(run_id).info.lifecycle_stage == "active"
    except MlflowException:
        return False


def delete(run_id: str) -> None:
    """Delete a run."""
    mlflow.MlflowClient(prepare()).delete_run(run_id)


def close_killed(run_id: str) -> None:
    """Mark a run as KILLED that the store still has as running, though its process was killed."""
    client = mlflow.MlflowClient(prepare())
    if client.get_run(run_id).info.status == "RUNNING":
        client.set_tag(run_id, "reason", "its process was killed")
        client.set_terminated(run_id, "KILLED")


def delete_models(run_id: str) -> None:
    """Delete the models of a run and the copy of its bundle, which are its large files. The rest stays.

    A store that doesn't allow it keeps them, and a warning says so.
    """
    uri = prepare()
    client = mlflow.MlflowClient(uri)
    try:
        run = client.get_run(run_id).info
        for folder in _MODELS:
            get_artifact_repository(run.artifact_uri, uri).delete_artifacts(folder)
        for model in client.search_logged_models([run.experiment_id], f"source_run_id = '{run_id}'"):
            get_artifact_repository(model.artifact_location, uri).delete_artifacts()
            client.delete_logged_model(model.model_id)
    except (MlflowException, OSError, NotImplementedError) as error:
        log.warning("run %s: its models could not be deleted: %s", run_id, one_line(error))
