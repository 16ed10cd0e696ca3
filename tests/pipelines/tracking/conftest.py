"""A store of runs to test with."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.tracking import runs as tracking
from pipelines.tracking.quiet_mlflow import mlflow


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the store of the tests of a file."""
    return tmp_path_factory.mktemp("a fresh 100% checkout")


@pytest.fixture
def client(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[mlflow.MlflowClient]:
    """The store in the current folder; MLflow's environment variables are not set."""
    monkeypatch.chdir(checkout)
    for name in ("TRACKING_URI", "RUN_ID", "EXPERIMENT_NAME", "EXPERIMENT_ID"):
        monkeypatch.delenv(f"MLFLOW_{name}", raising=False)
    yield mlflow.MlflowClient(tracking.prepare())
    assert mlflow.active_run() is None
    assert "MLFLOW_TRACKING_URI" not in os.environ
