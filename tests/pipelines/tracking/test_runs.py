"""Runs in MLflow, on a store that two processes create at once."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from matplotlib.figure import Figure
from reference.tracked_runs import PARAMS, WORKER, environment_in, path_of

from pipelines.errors import UserError
from pipelines.tracking import models
from pipelines.tracking import runs as tracking
from pipelines.tracking.provenance import provenance
from pipelines.tracking.run import Run
from pipelines.tracking.store import store_uri


@dataclass
class Workers:
    """What became of two trainings that found no store."""

    folder: Path
    codes: list[int]
    stdout: list[bytes]
    elsewhere: list[Path]


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Workers:
    folder, outside = tmp_path_factory.mktemp("a fresh 100% checkout"), tmp_path_factory.mktemp("outside")
    environment = environment_in(outside)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, name], cwd=folder, env=environment, stdout=subprocess.PIPE
        )
        for name in ("whole", "killed")
    ]
    stdout = [process.communicate(timeout=300)[0] for process in started]
    left = [path for path in outside.rglob("*") if path.name not in ("home", "tmp")]
    return Workers(folder, [process.returncode for process in started], stdout, left)


@pytest.fixture
def store(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> Iterator[mlflow.MlflowClient]:
    """The store of the workers, as the current folder's own."""
    monkeypatch.chdir(workers.folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield mlflow.MlflowClient(store_uri())
    assert "MLFLOW_TRACKING_URI" not in os.environ


def _runs(store: mlflow.MlflowClient) -> Mapping[str, Any]:
    experiment = store.get_experiment_by_name("counting")
    return {run.info.run_name: run for run in store.search_runs([experiment.experiment_id])}


def _curve(store: mlflow.MlflowClient, run_id: str, name: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in store.get_metric_history(run_id, name)]


def _artifacts(store: mlflow.MlflowClient, run_id: str) -> Path:
    return path_of(store.get_run(run_id).info.artifact_uri)


def test_trainings_at_once_from_a_fresh_checkout_keep_their_runs(
    workers: Workers, store: mlflow.MlflowClient
) -> None:
    assert workers.codes == [0, -signal.SIGKILL]
    runs = _runs(store)
    assert sorted(runs) == ["killed", "whole"]
    assert runs["whole"].info.status == "FINISHED"
    assert _curve(store, runs["whole"].info.run_id, "loss") == [(i, 1 / i) for i in range(1, 21)]


def test_nothing_is_printed_and_nothing_is_left_outside_the_checkout(workers: Workers) -> None:
    assert workers.stdout == [b"", b""]
    assert workers.elsewhere == []
    assert [path.name for path in workers.folder.iterdir()] == ["mlruns"]


def test_a_killed_run_goes_on_with_nothing_lost_or_twice(store: mlflow.MlflowClient) -> None:
    killed = _runs(store)["killed"]
    assert killed.info.status == "RUNNING"
    with tracking.start(
        "counting", "again", params={"epochs": 20}, tags={}, run_id=killed.info.run_id
    ) as run:
        assert run.id == killed.info.run_id
        run.metrics({"loss": 99.0}, step=5)
        run.metrics({"loss": 1 / 6}, step=6)
        assert store.get_run(run.id).info.status == "RUNNING"
    assert _curve(store, run.id, "loss") == [(i, 1 / i) for i in range(1, 7)]
    assert store.get_run(run.id).info.status == "FINISHED"
    assert store.get_run(run.id).info.run_name == "killed"


def test_settings_and_facts_are_there(store: mlflow.MlflowClient) -> None:
    long = "x" * 10_000
    params = {**PARAMS, "long": long, "none": None}
    with tracking.start("counting", "facts", params=params, tags={"data": "ours"}) as run:
        pass
    data = store.get_run(run.id).data
    assert data.params["epochs"] == "3"
    assert data.params["optimizer.name"] == "adamw"
    assert data.params["long"] == "x" * 5999 + "…"
    config = json.loads((_artifacts(store, run.id) / "config.json").read_text())
    assert config == {**PARAMS, "long": long, "none": None}
    assert data.tags["data"] == "ours"
    facts = provenance()
    assert facts["version.keras"] == "3.15.1"
    assert facts["version.python"] == ".".join(map(str, sys.version_info[:3]))
    assert all(facts.values())
    assert facts.items() <= data.tags.items()
    assert data.tags["mlflow.source.name"] == "python -m apps counting train"
    assert data.tags.get("mlflow.source.git.commit", "unknown") == facts["git.commit"]


def test_the_data_is_a_dataset_of_mlflow(store: mlflow.MlflowClient, tmp_path: Path) -> None:
    counts = {"train": 30, "test": 10}
    with tracking.start("counting", "data", params=PARAMS, tags={}) as run:
        run.dataset("reviews.csv", digest="6854e93f6693eae6", path=tmp_path, counts=counts)
        run.dataset("made here/1.0.0", digest="c0ffee", path=None, counts=counts)
    of_code, of_file = sorted(
        store.get_run(run.id).inputs.dataset_inputs, key=lambda i: i.dataset.source_type
    )
    assert (of_file.dataset.name, of_file.dataset.digest) == ("reviews.csv", "6854e93f")
    assert mlflow.data.get_source(of_file).uri == str(tmp_path)
    assert json.loads(of_file.dataset.profile) == {"num_rows": 40, **counts}
    assert [(tag.key, tag.value) for tag in of_file.tags] == [("mlflow.data.context", "train")]
    assert "mlflow.source.name" in json.loads(of_code.dataset.source)["tags"]


def test_a_run_gets_its_figure_once_and_keeps_the_name_that_a_user_gave_it(
    store: mlflow.MlflowClient,
) -> None:
    with tracking.start("counting", "gru 8 · smoke", params=PARAMS, tags={}) as run:
        for _ in range(2):
            run.headline("0.895")
        run.describe("# good")
    found = store.get_run(run.id)
    assert found.info.run_name == "gru 8 · smoke · 0.895"
    assert found.data.tags["mlflow.note.content"] == "# good"
    store.update_run(run.id, name="my favourite")
    with tracking.start("counting", "", params=PARAMS, tags={}, run_id=run.id) as run:
        run.headline("0.895")
    assert store.get_run(run.id).info.run_name == "my favourite · 0.895"


def test_curves_are_logged_at_once_and_metrics_are_listed_as_they_came(store: mlflow.MlflowClient) -> None:
    epochs = [{"z": i / 7, "y": i / 9} for i in range(1, 700)]
    with tracking.start("counting", "curves", params=PARAMS, tags={}, system_metrics=False) as run:
        run.metrics({"x": 1.0}, step=1)
        run.curves(epochs)
        run.curves([{"z": 99.0}, *epochs[1:], {"z": 5.0}])
    assert _curve(store, run.id, "z") == [*((i, i / 7) for i in range(1, 700)), (700, 5.0)]
    assert list(store.get_run(run.id).data.metrics) == ["x", "z", "y"]


def test_the_machine_is_measured_beside_the_run(
    store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    with tracking.start("counting", "measured", params=PARAMS, tags={}) as run:
        started = time.monotonic()
        while "system/cpu_utilization_percentage" not in store.get_run(run.id).data.metrics:
            assert time.monotonic() < started + 60
            time.sleep(0.1)
    with tracking.start("counting", "not measured", params=PARAMS, tags={}, system_metrics=False) as other:
        time.sleep(0.3)
    assert store.get_run(run.id).data.metrics["system/system_memory_usage_megabytes"] > 0
    assert store.get_run(other.id).data.metrics == {}
    assert capfd.readouterr() == ("", "")


def test_without_git_the_commit_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    facts = provenance()
    assert (facts["git.commit"], facts["git.dirty"]) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("went\nwrong"), "FAILED", "ValueError: went wrong"),
        (UserError("reviews.csv:3: no text"), "FAILED", "reviews.csv:3: no text"),
        (KeyboardInterrupt(), "KILLED", "KeyboardInterrupt:"),
    ],
)
def test_a_run_ends_as_its_training_does(
    store: mlflow.MlflowClient, error: BaseException, status: str, reason: str
) -> None:
    def score(run: Run) -> None:
        run.step = "scoring"
        raise error

    with pytest.raises(type(error)), tracking.start("counting", "ends", params=PARAMS, tags={}) as run:
        score(run)
    ended = store.get_run(run.id)
    assert ended.info.status == status
    assert (ended.data.tags["reason"], ended.data.tags["failed_in"]) == (reason, "scoring")
    with tracking.start("counting", "ends", params=PARAMS, tags={}, run_id=run.id):
        pass
    assert not {"reason", "failed_in"} & store.get_run(run.id).data.tags.keys()


def test_a_full_disk_is_one_line_and_the_run_says_so(store: mlflow.MlflowClient) -> None:
    def fill(run: Run) -> None:
        run.step = "export"
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "mlruns/artifacts/1")
        except OSError as error:
            raise RuntimeError("could not copy") from error

    with (
        pytest.raises(UserError, match=r"^mlruns/artifacts/1: no space left on the disk \(in export\): free"),
        tracking.start("counting", "full", params=PARAMS, tags={}) as run,
    ):
        fill(run)
    ended = store.get_run(run.id)
    assert ended.info.status == "FAILED"
    assert ended.data.tags["reason"] == "mlruns/artifacts/1: no space left on the disk"
    assert ended.data.tags["failed_in"] == "export"


def test_a_run_is_not_resumed_as_another(store: mlflow.MlflowClient) -> None:
    with tracking.start("counting", "mine", params=PARAMS, tags={}) as run:
        pass
    for app, params, run_id, message in [
        ("counting", {"epochs": 4}, run.id, "epochs='3', got '4'"),
        ("other", PARAMS, run.id, "not a run of other"),
        ("counting", PARAMS, "0" * 32, "no run 0000"),
        ("counting", PARAMS, "../../etc", "expected the 32"),
    ]:
        resumed = tracking.start(app, "", params=params, tags={}, run_id=run_id)
        with pytest.raises(UserError, match=message), resumed:
            pytest.fail("the run was opened")


def test_a_deleted_experiment_is_named(store: mlflow.MlflowClient) -> None:
    with tracking.start("deleted", "", params=PARAMS, tags={}) as run:
        pass
    store.delete_experiment(store.get_run(run.id).info.experiment_id)
    with (
        pytest.raises(UserError, match="experiments restore -x"),
        tracking.start("deleted", "", params=PARAMS, tags={}),
    ):
        pytest.fail("the run was opened")


def test_pictures_tables_texts_and_folders(store: mlflow.MlflowClient, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_bytes(b"\0\1")
    with tracking.start("counting", "artifacts", params=PARAMS, tags={}) as run:
        run.figure("curve", Figure())
        run.table(
            "variants",
            [{"variant": "keras", "accuracy": 0.9}, {"variant": "int8", "accuracy": np.float64(0.8)}],
        )
        run.table("none", [])
        run.text("samples.txt", "schön")
        run.folder(tmp_path, "saved_model")
    kept = _artifacts(store, run.id)
    assert (kept / "plots" / "curve.png").read_bytes().startswith(b"\x89PNG")
    table = json.loads((kept / "tables" / "variants.json").read_text())
    assert table == {"columns": ["variant", "accuracy"], "data": [["keras", 0.9], ["int8", 0.8]]}
    assert (kept / "samples.txt").read_text() == "schön"
    assert (kept / "saved_model" / "inner" / "file").read_bytes() == b"\0\1"


def test_the_keras_model_can_be_loaded_again(store: mlflow.MlflowClient) -> None:
    import keras

    from layers import GRU

    inputs = keras.Input((None,), dtype="int32")
    model = keras.Model(inputs, GRU(4)(keras.layers.Embedding(9, 3)(inputs)))
    with tracking.start("counting", "keras", params=PARAMS, tags={}) as run:
        uri = models.log_keras_model(run, model, np.ones((2, 5), "int32"))
        loaded = mlflow.keras.load_model(uri)
        info = mlflow.models.get_model_info(uri)
    tokens = np.array([[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(loaded(tokens), model(tokens))
    assert info.signature.inputs.inputs[0].shape == (-1, -1)
    assert info.signature.outputs.inputs[0].shape == (-1, 4)
    assert info.saved_input_example_info is not None


def test_tracking_uri_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mine/runs.db")
    with tracking.start("counting", "", params=PARAMS, tags={}) as run:
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine/artifacts/counting" / run.id / "artifacts/config.json").is_file()
    assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path}/mine/runs.db"


@pytest.mark.parametrize("in_the_way", ["mlruns", "mlruns/mlflow.db"])
def test_a_file_that_is_no_store_is_named(
    in_the_way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    path = tmp_path / in_the_way
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine, all mine" * 100)
    with pytest.raises(UserError, match=r"sqlite:///.*/mlruns/mlflow.db: expected a store of MLflow: .+"):
        tracking.prepare()
    assert path.read_text() == "mine, all mine" * 100
