"""Read the settings of a finished run, for a run that goes on from its network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import UserError
from .experiments import checked_id
from .quiet_mlflow import MlflowException, mlflow
from .runs import prepare, tracking_uri
from .values import one_line


class Finished(NamedTuple):
    """A finished run."""

    preset: str
    config: Mapping[str, Any]
    """The settings, as `config.to_dict` returned them."""
    fingerprint: str
    """The hash of its data."""


def finished_run(run_id: str, app_name: str, option: str) -> Finished:
    """Return the settings of a finished run of an app.

    Args:
        run_id: the id of the run in MLflow.
        app_name: the app.
        option: the option that names the run, for the error.

    Raises:
        UserError: there is no such run, it is one of another app, or it has not exported a network.
    """
    with tracking_uri(prepare()):
        try:
            found = mlflow.MlflowClient().get_run(checked_id(run_id, option))
        except MlflowException:
            raise UserError(f"{option} {run_id}: no such run in {mlflow.get_tracking_uri()}") from None
        tags = found.data.tags
        if tags.get("app") != app_name:
            other = tags.get("app", "another program")
            raise UserError(f"{option} {run_id}: expected a run of {app_name}, this is one of {other}")
        if found.info.status != "FINISHED" or "data.fingerprint" not in tags:
            raise UserError(f"{option} {run_id}: expected a run that has exported its network, with one seed")
        try:
            config = mlflow.artifacts.load_dict(f"{found.info.artifact_uri}/config.json")
        except (MlflowException, OSError) as error:
            raise UserError(f"{option} {run_id}: its settings can't be read: {one_line(error)}") from None
    return Finished(tags["preset"], config, tags["data.fingerprint"])
