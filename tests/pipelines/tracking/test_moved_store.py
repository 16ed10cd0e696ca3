"""A store that is copied or moved with its artifacts has them in its new place."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from pipelines.tracking import runs as tracking
from pipelines.tracking.quiet_mlflow import mlflow


def write_run(name: str) -> str:
    """Log a run in the current folder; return its id."""
    with tracking.start("counting", name, params={}, tags={}, system_metrics=False) as run:
        run.text("said.txt", name)
    return run.id


@pytest.fixture
def original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store that has a run, a logged model and a registered one."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "the 100% original"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_run("first")
    client = mlflow.MlflowClient(tracking.prepare())
    (run,) = client.search_runs(["1"])
    client.create_logged_model("1", "model", source_run_id=run.info.run_id)
    client.create_registered_model("counter")
    client.create_model_version("counter", f"{run.info.artifact_uri}/model", run.info.run_id)
    return folder


def addresses(folder: Path) -> dict[str, str]:
    """Return every address of artifacts in the store of a folder."""
    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlruns/mlflow.db")
    (model,) = client.search_logged_models(["1"])
    return {
        "experiment": client.get_experiment("1").artifact_location,
        **{run.info.run_name: run.info.artifact_uri for run in client.search_runs(["1"])},
        "model": model.artifact_location,
        "version": client.get_model_version("counter", "1").source,
        "download": client.get_model_version_download_uri("counter", "1"),
    }


def path_of(uri: str) -> Path:
    return Path(url2pathname(urlsplit(uri).path))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_copied_checkout_writes_to_itself_and_says_so(original, tmp_path, monkeypatch, caplog):
    copy = tmp_path / "the copy"
    shutil.copytree(original, copy)
    before = contents(original)
    monkeypatch.chdir(copy)
    write_run("second")
    found = addresses(copy)
    assert found.keys() > {"first", "second", "model", "version"}
    for name, uri in found.items():
        assert path_of(uri).is_relative_to(copy / "mlruns" / "artifacts"), name
    for name in ("first", "second"):
        assert (path_of(found[name]) / "said.txt").read_text() == name
    assert contents(original) == before
    moved = f"{copy / 'mlruns'} was moved or copied from {original / 'mlruns'}"
    assert caplog.messages == [f"{moved}: its runs now have their artifacts here"]
    caplog.clear()
    write_run("third")
    assert caplog.messages == []


def test_a_moved_checkout_has_its_artifacts_where_it_is_now(original, tmp_path, monkeypatch):
    moved = original.rename(tmp_path / "moved")
    monkeypatch.chdir(moved)
    tracking.prepare()
    assert (path_of(addresses(moved)["first"]) / "said.txt").read_text() == "first"


def test_a_checkout_under_another_name_is_no_copy(original, tmp_path, monkeypatch, caplog):
    link = tmp_path / "link"
    link.symlink_to(original)
    before = addresses(original)
    monkeypatch.chdir(link)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{link}/mlruns/mlflow.db")
    tracking.prepare()
    assert addresses(original) == before
    assert caplog.messages == []


def test_addresses_that_the_user_chose_are_left_alone(original, tmp_path, monkeypatch):
    client = mlflow.MlflowClient(tracking.prepare())
    own = tmp_path / "files" / "artifacts" / "mine"
    client.create_experiment("mine", own.as_uri())
    client.create_experiment("cloud", "s3://bucket/artifacts/counting")
    tracking.prepare()
    assert client.get_experiment_by_name("mine").artifact_location == own.as_uri()
    assert client.get_experiment_by_name("cloud").artifact_location == "s3://bucket/artifacts/counting"
