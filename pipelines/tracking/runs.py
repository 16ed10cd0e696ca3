"""Start, resume and end runs in MLflow."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from ..app import PROGRAM
from ..errors import Pruned, UserError
from ..files import full_disk
from .experiments import checked_id, experiment_of, outer_run
from .moved_store import correct_addresses
from .provenance import provenance
from .quiet_mlflow import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_SOURCE_NAME,
    MlflowException,
    initialize_tables,
    mlflow,
)
from .run import Run
from .store import how_to_see, locked, require_answer, sqlite_file, store_uri
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
    experiment: str | None = None,
    system_metrics: bool = True,
) -> Iterator[Run]:
    """Open a run, and close it when the context ends.

    The run ends as FINISHED, as KILLED after Ctrl-C or pruning, or as FAILED after another exception.
    After an exception the tag `reason` gives the cause, and `failed_in` the step.

    A run that MLFLOW_RUN_ID names is the parent of the new run, and is not changed itself.

    Args:
        app_name: the app; MLflow's experiment has its name, if nothing else is chosen.
        run_name: the name of a new run.
        params: the settings. They are also kept whole as `config.json`, since MLflow limits their length.
        tags: further facts; they may change when a run is resumed.
        run_id: the id of a run to resume; None for a new run.
        parent: the id of the parent of a new run, if any; the new run goes to its experiment.
        experiment: the name of the experiment of a new run. Default: see `experiment_of`.
        system_metrics: whether the load and memory of the machine are logged beside the run.

    Raises:
        UserError: there is no run `run_id` of this app, or it was started with different parameters; or the
            parent or the experiment can't be used.
    """
    uri = prepare()
    with tracking_uri(uri):
        if run_id:
            experiment_id, logged = _reopen(run_id, app_name)
        else:
            parent, experiment_id = _place(app_name, uri, parent=parent, experiment=experiment)
            logged = set()
        with _without_run_id():
            opened = mlflow.start_run(
                run_id,
                experiment_id=experiment_id,
                run_name=None if run_id else run_name,
                parent_run_id=None if run_id else parent,
                log_system_metrics=None if system_metrics else False,
            )
            run = Run(opened.info.run_id, how_to_see(uri, experiment_id, opened.info.run_id), logged)
            with _closing(run):
                run.params(params)
                run.tags({**_provenance(app_name), "app": app_name, **tags})
                run.text("config.json", json.dumps(params, indent=1, default=to_json))
                yield run


def _provenance(app_name: str) -> dict[str, str]:
    """Return what the run is made with; command and commit by the names of MLflow's own columns."""
    facts = provenance()
    commit = {} if facts["git.commit"] == "unknown" else {MLFLOW_GIT_COMMIT: facts["git.commit"]}
    return {**facts, **commit, MLFLOW_SOURCE_NAME: f"{PROGRAM} {app_name} train"}


def _place(app_name: str, uri: str, *, parent: str | None, experiment: str | None) -> tuple[str | None, str]:
    """Return the parent of a new run, if any, and the id of its experiment."""
    if parent:
        return parent, mlflow.get_run(parent).info.experiment_id
    outer = outer_run()
    return outer, experiment_of(app_name, uri, chosen=experiment, parent=outer)


def prepare() -> str:
    """Create the store if it is a SQLite file that does not exist; return its address.

    Raises:
        UserError: the store can't be written or reached, isn't a store, or is from a different version of
            MLflow.
    """
    uri = store_uri()
    require_answer(uri)
    try:
        with locked(uri):
            file = sqlite_file(uri)
            if file and not file.exists():
                _create_quickly(uri)
            mlflow.MlflowClient(uri)
            correct_addresses(uri)
    except (OSError, sqlite3.Error, SQLAlchemyError, MlflowException) as error:
        raise UserError(f"{uri}: expected a store of MLflow: {one_line(error)}") from error
    return uri


def _create_quickly(uri: str) -> None:
    """Create a SQLite store, and let SQLite not wait for the disk a thousand times, once for each change."""
    engine = create_engine(uri)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    initialize_tables(engine)
    engine.dispose()


@contextmanager
def _closing(run: Run) -> Iterator[None]:
    try:
        yield
        mlflow.end_run("FINISHED")
    except BaseException as error:
        status = "KILLED" if isinstance(error, KeyboardInterrupt | Pruned) else "FAILED"
        full = full_disk(error)
        name = "" if full or isinstance(error, UserError | Pruned) else f"{type(error).__name__}: "
        try:
            run.tags({"reason": one_line(f"{name}{full or error}"), "failed_in": run.step})
            mlflow.end_run(status)
        except MlflowException as second:  # the first error matters more
            log.warning("run %s could not be marked as %s: %s", run.id, status, one_line(second))
        if full and not isinstance(error, KeyboardInterrupt):
            remedy = f"free some, then train --resume {run.id} goes on"
            raise UserError(f"{full} (in {run.step}): {remedy}") from error
        raise


@contextmanager
def tracking_uri(uri: str) -> Iterator[None]:
    """Set MLflow's address of the store, which is one variable for the whole process."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


@contextmanager
def _without_run_id() -> Iterator[None]:
    """Hide MLFLOW_RUN_ID, which MLflow would resume, rename and end."""
    before = os.environ.pop("MLFLOW_RUN_ID", None)
    try:
        yield
    finally:
        if before is not None:
            os.environ["MLFLOW_RUN_ID"] = before


def _reopen(run_id: str, app_name: str) -> tuple[str, set[tuple[str, int]]]:
    """Check that the run can be resumed; return its experiment, and the metrics and steps that it has."""
    client = mlflow.MlflowClient()
    try:
        found = client.get_run(checked_id(run_id, "run"))
    except MlflowException as error:
        raise UserError(f"no run {run_id} in {mlflow.get_tracking_uri()}") from error
    if found.data.tags.get("app") != app_name:
        raise UserError(f"run {run_id} is not a run of {app_name}")
    for tag in {"reason", "failed_in"} & found.data.tags.keys():
        client.delete_tag(run_id, tag)
    logged = {(name, m.step) for name in found.data.metrics for m in client.get_metric_history(run_id, name)}
    return found.info.experiment_id, logged
