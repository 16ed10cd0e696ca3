"""Runs that no process works on any more: closed, deleted, and without their models."""

from pathlib import Path

import pytest

from pipelines.tracking import old_runs
from pipelines.tracking import runs as tracking

KEPT = ("bundle", "saved_model", "best_so_far")
"""The folders of models in a run, also in one that was stopped."""


@pytest.fixture
def run_id(client, tmp_path):
    """A run with folders of models, a logged model and a text."""
    with tracking.start("sentiment", "old", params={}, tags={}) as run:
        folder = tmp_path / "a bundle"
        folder.mkdir()
        (folder / "model.tflite").write_bytes(b"large")
        for name in KEPT:
            run.folder(folder, name)
        run.text("record.json", "{}")
        model = client.create_logged_model(
            client.get_run(run.id).info.experiment_id, name="keras", source_run_id=run.id
        )
        client.log_model_artifacts(model.model_id, str(folder))
    return run.id


def models(client, run_id: str) -> list:
    experiment = client.get_run(run_id).info.experiment_id
    found = client.search_logged_models([experiment])
    return [model for model in found if model.source_run_id == run_id]


def test_only_the_models_of_one_run_are_deleted(client, run_id):
    with tracking.start("sentiment", "other", params={}, tags={}) as other:
        other.text("bundle/model.tflite", "stays")
    (model,) = models(client, run_id)
    files = Path(model.artifact_location.removeprefix("file://").replace("%20", " ").replace("%25", "%"))
    assert (files / "model.tflite").exists()
    for _ in range(2):  # what is deleted already is no error
        old_runs.delete_models(run_id)
    artifacts = {each.path for each in client.list_artifacts(run_id)}
    assert "record.json" in artifacts
    assert not set(KEPT) & artifacts
    assert models(client, run_id) == []
    assert not (files / "model.tflite").exists()
    assert "bundle" in {each.path for each in client.list_artifacts(other.id)}


def test_a_store_that_keeps_its_files_is_told(client, run_id, monkeypatch, caplog):
    def refuse(*_):
        raise OSError("405 Client Error")

    monkeypatch.setattr(old_runs, "get_artifact_repository", refuse)
    old_runs.delete_models(run_id)
    assert f"run {run_id}: its models could not be deleted: 405 Client Error" in caplog.text


def test_a_deleted_run_is_not_there(client, run_id):
    assert old_runs.is_there(run_id)
    old_runs.delete(run_id)
    assert not old_runs.is_there(run_id)
    assert not old_runs.is_there("0" * 32)


def test_only_a_run_that_was_left_running_is_closed(client, run_id):
    old_runs.close_killed(run_id)
    assert client.get_run(run_id).info.status == "FINISHED"
    client.update_run(run_id, status="RUNNING")
    old_runs.close_killed(run_id)
    run = client.get_run(run_id)
    assert (run.info.status, run.data.tags["reason"]) == ("KILLED", "its process was killed")
