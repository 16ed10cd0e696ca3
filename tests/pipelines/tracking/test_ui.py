"""Where MLflow's UI shows the runs of a store."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from reference.tracked_runs import WORKER, environment_in, free_port, get

from pipelines.errors import UserError
from pipelines.tracking import runs as tracking
from pipelines.tracking.ui import _pages, serve_ui


def test_there_is_a_page_for_each_experiment_with_runs_and_before_the_first_that_of_the_server(client):
    uri, server = tracking.prepare(), "http://127.0.0.1:5000"
    assert _pages(uri, server) == {"no runs yet": server}
    client.create_experiment("empty")
    for app in ("music", "counting"):
        with tracking.start(app, "run", params={}, tags={}, system_metrics=False):
            pass
    assert _pages(uri, server) == {
        "counting": f"{server}/#/experiments/3?workflowType=machine_learning",
        "music": f"{server}/#/experiments/2?workflowType=machine_learning",
    }


def test_the_ui_of_a_server_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="expected a SQLite store"):
        serve_ui("127.0.0.1", 5000)


def test_the_ui_starts_before_any_run_and_lets_trainings_be(tmp_path: Path) -> None:
    environment, port = environment_in(tmp_path), free_port()
    folder = tmp_path / "checkout"
    folder.mkdir()
    code = f"from pipelines.tracking.ui import serve_ui; serve_ui('127.0.0.1', {port})"
    with subprocess.Popen([sys.executable, "-c", code], cwd=folder, env=environment) as server:
        try:
            assert b"<html" in get(f"http://127.0.0.1:{port}/", server)
            worker = [sys.executable, "-c", WORKER, "beside"]
            subprocess.run(worker, cwd=folder, env=environment, check=True)
            search = f"http://127.0.0.1:{port}/api/2.0/mlflow/runs/search"
            found = json.loads(get(search, server, {"experiment_ids": ["1"]}))
        finally:
            server.terminate()
    assert [run["info"]["status"] for run in found["runs"]] == ["FINISHED"]
    assert [path.name for path in folder.iterdir()] == ["mlruns"]
    assert list((tmp_path / "home").iterdir()) == list((tmp_path / "tmp").iterdir()) == []
