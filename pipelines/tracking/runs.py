"""Start, resume and end runs in MLflow."""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from ..errors import UserError
from .provenance import provenance
from .quiet_mlflow import MlflowException, mlflow
from .run import Run
from .store import locked, sqlite_folder, store_uri
from .values import one_line, to_json

log = logging.getLogger(__name__)


@contextmanager
def start(
    app_name: str,
    run_name: str,
    *,
    params: Mapping[str, Any],
    tags: Mapping[str, Any],
    run_id: str | None = None,
    parent: str | None = None,
) -> Iterator[Run]:
    """Open a run, and close it when the context ends.

    The run ends as FINISHED, as KILLED after Ctrl-C, or as FAILED after another exception. After an exception
    the tag `reason` gives the cause.

    Args:
        app_name: the app; MLflow's experiment has its name.
        run_name: the name of a new run.
        params: the settings. They are also kept whole as `config.json`, since MLflow limits their length.
        tags: further facts; they may change when a run is resumed.
        run_id: the id of a run to resume; None for a new run.
        parent: the id of the parent of a new run, if any.

    Raises:
        UserError: there is no run `run_id` of this app, or it was started with different parameters.
    """
    uri = prepare()
    with _tracking_uri(uri):
        experiment = _experiment(app_name, uri)
        logged = set() if run_id is None else _reopen(run_id, experiment, app_name)
        opened = mlflow.start_run(
            run_id,
            experiment_id=experiment,
            run_name=None if run_id else run_name,
            parent_run_id=None if run_id else parent,
        )
        run = Run(opened.info.run_id, logged)
        with _closing(run):
            run.params(params)
            run.tags({**provenance(), **tags})
            run.text("config.json", json.dumps(params, indent=1, default=to_json))
            yield run


def _checked_id(run_id: str) -> str:
    """Return `run_id`; raise UserError if it can't be the id of a run."""
    if not re.fullmatch("[0-9a-f]{32}", run_id):
        raise UserError(f"run {run_id!r}: expected the 32 letters and digits that MLflow names a run by")
    return run_id


def prepare() -> str:
    """Create the store if it is a SQLite file that does not exist; return its address.

    Raises:
        UserError: the store can't be written, isn't a store, or is from a different version of MLflow.
    """
    uri = store_uri()
    try:
        with locked(uri):
            mlflow.MlflowClient(uri)
    except (OSError, sqlite3.Error, SQLAlchemyError, MlflowException) as error:
        raise UserError(f"{uri}: expected a store of MLflow: {one_line(error)}") from error
    return uri


@contextmanager
def _closing(run: Run) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
        name = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        try:
            run.tags({"reason": one_line(f"{name}{error}")})
            mlflow.end_run(status)
        except MlflowException as second:  # for example a full disk; the first error matters more
            log.warning("run %s could not be marked as %s: %s", run.id, status, second)
        raise
    mlflow.end_run("FINISHED")


@contextmanager
def _tracking_uri(uri: str) -> Iterator[None]:
    """Set MLflow's address of the store, which is one variable for the whole process."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


def _experiment(name: str, uri: str) -> str:
    """Return the id of the experiment called `name`; make it if it does not exist."""
    folder = sqlite_folder(uri)
    artifacts = None if folder is None else (folder / "artifacts" / name).as_uri()
    with locked(uri):
        found = mlflow.get_experiment_by_name(name)
        if found is None:
            return mlflow.create_experiment(name, artifacts)
    if found.lifecycle_stage == "deleted":
        raise UserError(
            f"experiment {name!r} was deleted: bring it back with "
            f"MLFLOW_TRACKING_URI={uri} mlflow experiments restore -x {found.experiment_id}"
        )
    return found.experiment_id


def _reopen(run_id: str, experiment: str, app_name: str) -> set[tuple[str, int]]:
    """Check that the run can be resumed; return the metrics and steps that it has."""
    client = mlflow.MlflowClient()
    try:
        found = client.get_run(_checked_id(run_id))
    except MlflowException as error:
        raise UserError(f"no run {run_id} in {mlflow.get_tracking_uri()}") from error
    if found.info.experiment_id != experiment:
        raise UserError(f"run {run_id} is not a run of {app_name}")
    if "reason" in found.data.tags:
        client.delete_tag(run_id, "reason")
    return {(name, m.step) for name in found.data.metrics for m in client.get_metric_history(run_id, name)}
