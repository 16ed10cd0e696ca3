"""A sweep as a user starts it, with real trainings."""

import json
from pathlib import Path

import pytest
from reference.trainings import command

from pipelines.ondevice.bundle import Bundle
from pipelines.tracking.quiet_mlflow import mlflow


@pytest.mark.long
def test_a_sweep_trains_exports_and_measures_and_deletes_what_loses(tmp_path):
    words = ("--preset", "smoke", "--trials", "3", "--workers", "2", "--space", "units=8:32", "cell=gru,mgu")
    done = command("sentiment", "sweep", *words, "--json", folder=tmp_path, home=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["ended"] == {"complete": 3}
    best = found["rows"][0]
    bundle = Bundle.open(Path(tmp_path, best["bundle"]))
    config = bundle.manifest["config"]
    assert {name: config[name] for name in best["settings"]} == best["settings"]
    assert min(file["bytes"] for file in bundle.variants) == best["bytes"]
    kept = [path for path in Path(tmp_path, "exports/sentiment").iterdir() if not path.is_symlink()]
    assert [path.name for path in kept] == [best["run_id"]]

    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    experiments = [each.experiment_id for each in client.search_experiments()]
    runs = {run.info.run_id: run for run in client.search_runs(experiments)}
    parent = runs.pop(found["run_id"])
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["best.accuracy"] == best["accuracy"]
    assert runs.keys() == {row["run_id"] for row in found["rows"]}
    for run_id, run in runs.items():
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.info.status == "FINISHED"
        artifacts = {each.path for each in client.list_artifacts(run_id)}
        assert "record.json" in artifacts
        assert ("bundle" in artifacts) == (run_id == best["run_id"])
    models = client.search_logged_models(experiments)
    assert {model.source_run_id for model in models} == {best["run_id"]}
