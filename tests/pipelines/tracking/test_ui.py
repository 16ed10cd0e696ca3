"""Where MLflow's UI shows the runs of a store."""

from pipelines.tracking import runs as tracking
from pipelines.tracking.ui import _pages


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
