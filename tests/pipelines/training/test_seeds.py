"""Several seeds under one parent run: which is exported, what the parent holds, what a stopped one keeps."""

from types import SimpleNamespace

import pytest

from pipelines.config import Config
from pipelines.training import seeds
from pipelines.training.checkpoint import Checkpoint
from pipelines.training.record import Result

VALIDATION = {3: 0.5, 4: 0.9, 5: 0.7}


def nothing():
    pass


class Processes:
    """Stands in for processes of their own: takes down what is called, and answers at once."""

    def __init__(self, bundle, higher_is_better=True, stopped_at=None):
        self.calls, self.bundle, self.stopped_at = [], bundle, stopped_at
        self.higher_is_better = higher_is_better

    def __call__(self, function, arguments, *, prepare):
        assert prepare is nothing
        config, resume = arguments["config"], arguments["resume"]
        self.calls.append((function.__name__, config.seed, resume))
        if config.seed == self.stopped_at:
            raise KeyboardInterrupt
        run_id = f"{config.seed:032x}"
        if function.__name__ == "_export":
            file = {"variant": "int8_loop.tflite", "bytes": 1000, "metric": 0.5}
            record = {"data": "somewhere", "config": {"seed": config.seed}, "variants": [file]}
            metric = {"metric": "accuracy", "higher_is_better": self.higher_is_better}
            return Result(run_id, self.bundle, "models:/m-1", record | metric)
        scores = {
            "seed": config.seed,
            "run_id": run_id,
            "validation": VALIDATION[config.seed],
            "scores": {"test": {"accuracy": config.seed / 10}},
            "baselines": {"majority": {"test": 0.25}},
            "training_minutes": 1.0,
            "machine_speed": 4000.0,
        }
        checkpoint = Checkpoint.of_run(run_id)
        checkpoint.folder.mkdir(parents=True, exist_ok=True)
        checkpoint.write_settings({"config": {"seed": config.seed}, "parent": arguments["parent"]})
        checkpoint.write_scores(scores)
        return scores


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Return a function that trains three seeds in an empty folder; it returns the calls and the result."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")

    def train(*, higher_is_better=True, stopped_at=None, resume=None, experiment=None):
        processes = Processes(bundle, higher_is_better, stopped_at)
        monkeypatch.setattr(seeds, "call_in_own_process", processes)
        app = SimpleNamespace(name="counting", higher_is_better=higher_is_better, presets={})
        app.of = lambda config: app
        options = {"output": tmp_path, "resume": resume, "register": None, "prepare": nothing}
        options["experiment"] = experiment
        try:
            result = seeds.train_seeds(app, preset="p", config=Config(seed=3), seeds=3, **options)
        except KeyboardInterrupt:
            result = None
        return processes.calls, result

    return train


def parent_run(experiment="counting"):
    from pipelines.tracking.quiet_mlflow import mlflow
    from pipelines.tracking.store import store_uri

    client = mlflow.MlflowClient(store_uri())
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return client, run


def test_the_seed_that_is_best_on_validation_is_exported_and_the_parent_has_mean_and_spread(train):
    calls, result = train()
    assert calls == [
        ("_train", 3, None),
        ("_train", 4, None),
        ("_train", 5, None),
        ("_export", 4, f"{4:032x}"),
    ]
    client, run = parent_run()
    assert run.info.status == "FINISHED"
    assert (run.info.run_id, run.info.run_name) == (
        result.run_id,
        "p · 3 seeds · 0.400 ± 0.100",
    )
    assert (
        "`python -m apps counting train --preset p --seed 3 --seeds 3`"
        in run.data.tags["mlflow.note.content"]
    )
    assert run.data.metrics == pytest.approx(
        {
            **{"test.accuracy": 0.4, "test.accuracy_std": 0.1},
            **{"test.accuracy_min": 0.3, "test.accuracy_max": 0.5},
            **{"baseline.majority.test": 0.25, "baseline.majority.test_std": 0.0},
            **{"baseline.majority.test_min": 0.25, "baseline.majority.test_max": 0.25},
        }
    )
    assert "no_better_than" not in run.data.tags
    assert (run.data.tags["best_seed"], run.data.tags["best_run"]) == ("4", f"{4:032x}")
    assert {item.path for item in client.list_artifacts(run.info.run_id)} >= {
        "bundle",
        "record.json",
        "tables",
    }
    assert [each["seed"] for each in result.record["runs"]] == [3, 4, 5]
    assert not list(seeds.Checkpoint.of_run(run.info.run_id).folder.parent.iterdir())


def test_where_lower_is_better_the_lowest_on_validation_is_exported(train):
    calls, result = train(higher_is_better=False, experiment="chosen")
    assert calls[-1][:2] == ("_export", 3)
    assert result.record["best_seed"] == 3
    _, run = parent_run("chosen")
    assert run.info.run_id == result.run_id
    assert run.data.tags["no_better_than"] == "majority on test"  # 0.25; the seeds have 0.4


def test_a_stopped_training_goes_on_with_the_seeds_that_are_not_finished(train):
    _, result = train(stopped_at=5)
    assert result is None
    _, run = parent_run()
    assert run.info.status == "KILLED"
    settings = Checkpoint.of_run(run.info.run_id).settings()
    assert (settings["preset"], settings["seeds"], settings["config"]["seed"]) == ("p", 3, 3)
    calls, result = train(resume=run.info.run_id)
    assert [call[:2] for call in calls] == [("_train", 5), ("_export", 4)]
    assert [each["seed"] for each in result.record["runs"]] == [3, 4, 5]
    assert parent_run()[1].info.status == "FINISHED"
