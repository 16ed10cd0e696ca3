"""Sweeps by several processes, some of which are killed: no trial is made twice, none is lost."""

import os
import signal
from collections import Counter

import pytest
from reference.databases import postgresql, programs
from reference.sweeps import SPACE, bundles, refused, start, swept, trainings, wait_for_trainings

from pipelines.tracking.quiet_mlflow import mlflow

needs_postgresql = pytest.mark.skipif(programs() is None, reason="no PostgreSQL: apt-get install postgresql")


@needs_postgresql
def test_two_commands_share_a_study_in_postgresql_and_one_is_killed(short_folder, tmp_path):
    with postgresql(short_folder) as server:
        folders = [tmp_path / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        options = (*SPACE, "--trials", "6", "--study", "shared", "--storage", server.url)
        one, two = (start(folder, *options, seconds=3) for folder in folders)
        for folder in folders:
            wait_for_trainings(folder, 1)
        two.kill()
        two.communicate()
        found = swept(one)
    assert found["ended"] == {"complete": 6}
    assert len({str(row["settings"]) for row in found["rows"]}) == 6
    begun = Counter(settings for folder in folders for *_, settings in trainings(folder))
    assert len(begun) == 6
    assert sum(begun.values()) > 6  # what was being trained is repeated


@pytest.mark.long
def test_a_killed_training_and_a_killed_command_lose_their_trials_only(tmp_path):
    options = (*SPACE, "--trials", "6", "--workers", "2")
    first = start(tmp_path, *options, seconds=5)
    wait_for_trainings(tmp_path, 2)
    os.kill(trainings(tmp_path)[1][1], signal.SIGKILL)
    wait_for_trainings(tmp_path, 3)
    first.kill()
    first.communicate()
    found = swept(start(tmp_path, *options))
    assert found["ended"] == {"complete": 6}
    begun = Counter(settings for *_, settings in trainings(tmp_path))
    assert len(begun) == 6
    assert 6 < sum(begun.values()) <= 6 + 3  # one training was killed, and those of the command, at most two
    assert bundles(tmp_path) == {found["rows"][0]["run_id"]}


@needs_postgresql
@pytest.mark.long
def test_a_database_that_dies_is_one_line_and_the_same_command_goes_on(short_folder, tmp_path):
    with postgresql(short_folder) as server:
        options = (*SPACE, "--trials", "4", "--study", "shared", "--storage", server.url)
        process = start(tmp_path, *options, seconds=2)
        wait_for_trainings(tmp_path, 2)
        server.stop()
        assert "the database failed; the same command goes on" in refused(process)
        server.start()
        assert swept(start(tmp_path, *options))["ended"] == {"complete": 4}


@pytest.mark.long
def test_two_commands_that_start_at_once_have_one_run_and_one_study(tmp_path):
    options = (*SPACE, "--trials", "6")
    found = [swept(process) for process in [start(tmp_path, *options, seconds=1) for _ in range(2)]]
    assert {each["run_id"] for each in found} == {found[0]["run_id"]}
    assert len({settings for *_, settings in trainings(tmp_path)}) == len(trainings(tmp_path)) == 6
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    experiments = [each.experiment_id for each in client.search_experiments()]
    assert [run.info.run_id for run in client.search_runs(experiments)] == [found[0]["run_id"]]
