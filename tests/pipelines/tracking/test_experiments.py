"""Where a run goes: its experiment and its parent, by MLflow's environment variables."""

import pytest

from pipelines.errors import UserError
from pipelines.tracking import runs as tracking
from pipelines.tracking.quiet_mlflow import mlflow

HEX = "0123456789abcdef" * 2


def run(name="run", **options):
    """Start and end a run; return its id."""
    options = {"params": {}, "tags": {}, "system_metrics": False, **options}
    with tracking.start("counting", name, **options) as opened:
        pass
    return opened.id


def experiment(client, run_id):
    return client.get_experiment(client.get_run(run_id).info.experiment_id).name


def test_the_experiment_is_the_first_that_is_named(client, monkeypatch):
    assert experiment(client, run()) == "counting"
    by_id = client.create_experiment("by id")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", by_id)
    assert experiment(client, run()) == "by id"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "by name")
    assert experiment(client, run()) == "by name"
    assert experiment(client, run(experiment="chosen")) == "chosen"


def test_a_name_may_hold_any_characters_and_its_files_stay_beside_the_store(client, checkout):
    for name in ("/Users/me/reviews", "..", "größer & 100%"):
        run_id = run(experiment=name)
        assert experiment(client, run_id) == name
        assert list((checkout / "mlruns" / "artifacts").glob(f"*/{run_id}/artifacts/config.json"))
    assert {path.name for path in checkout.iterdir()} == {"mlruns"}


def test_an_experiment_that_is_not_there_is_named(client, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "77")
    with pytest.raises(UserError, match="MLFLOW_EXPERIMENT_ID 77: no such experiment in sqlite:"):
        run()
    deleted = client.create_experiment("deleted")
    client.delete_experiment(deleted)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", deleted)
    with pytest.raises(UserError, match="experiment 'deleted' was deleted: bring it back"):
        run()


def test_artifacts_of_an_experiment_kept_elsewhere_are_said_to_be(client, tmp_path, caplog):
    client.create_experiment("elsewhere", (tmp_path / "files").as_uri())
    run_id = run(experiment="elsewhere")
    assert caplog.messages == [
        f"artifacts of this experiment are kept outside the folder of the store, in {tmp_path / 'files'}"
    ]
    assert (tmp_path / "files" / run_id / "artifacts" / "config.json").is_file()


def test_a_run_that_mlflow_names_gets_children_and_stays_as_it_is(client, monkeypatch):
    parent = client.create_run(client.create_experiment("sweep"), run_name="my sweep")
    client.set_terminated(parent.info.run_id)
    before = client.get_run(parent.info.run_id)
    monkeypatch.setenv("MLFLOW_RUN_ID", parent.info.run_id)
    first = run("first", params={"seed": 1})
    second = run("second", params={"seed": 2})
    with pytest.raises(ValueError, match="broken"), tracking.start("counting", "third", params={}, tags={}):
        raise ValueError("broken")
    of_parent = f"tags.mlflow.parentRunId = '{parent.info.run_id}'"
    children = client.search_runs([before.info.experiment_id], of_parent)
    assert {child.info.run_name: child.info.status for child in children} == {
        **{"first": "FINISHED", "second": "FINISHED"},
        "third": "FAILED",
    }
    assert {child.info.run_id for child in children} >= {first, second}
    assert client.get_run(parent.info.run_id).to_dictionary() == before.to_dictionary()


def test_a_child_of_a_child_goes_to_the_experiment_of_its_parent(client, monkeypatch):
    """As with several seeds, whose runs are children of a run of ours."""
    outer = run("outer", experiment="chosen")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "another")
    monkeypatch.setenv("MLFLOW_RUN_ID", run("elsewhere"))
    child = run("child", parent=outer)
    assert experiment(client, child) == "chosen"
    assert client.get_run(child).data.tags["mlflow.parentRunId"] == outer


def test_a_resumed_run_stays_where_it_is(client, monkeypatch):
    run_id = run(experiment="chosen")
    monkeypatch.setenv("MLFLOW_RUN_ID", HEX)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "another")
    assert run(run_id=run_id) == run_id
    assert experiment(client, run_id) == "chosen"
    assert "mlflow.parentRunId" not in client.get_run(run_id).data.tags


@pytest.mark.parametrize(
    ("run_id", "message"),
    [(HEX, "no such run in sqlite:"), ("sweep", "expected the 32 letters and digits")],
)
def test_a_parent_that_is_not_there_is_named(client, monkeypatch, run_id, message):
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    with pytest.raises(UserError, match=f"MLFLOW_RUN_ID '?{run_id}'?: {message}"):
        run()


def test_a_deleted_parent_is_refused(client, monkeypatch):
    run_id = run()
    client.delete_run(run_id)
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    with pytest.raises(UserError, match="this run was deleted"):
        run()


def test_the_variable_is_there_again_after_the_run(client, monkeypatch):
    run_id = run()
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    run()
    assert mlflow.environment_variables.MLFLOW_RUN_ID.get() == run_id
