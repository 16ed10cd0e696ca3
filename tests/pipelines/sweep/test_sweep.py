"""Sweeps with trainings that take no time: what is kept, repeated, shared, refused."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from reference.databases import postgresql, programs
from reference.sweeps import quick_trial
from reference.trainings import ROOT

from pipelines.commands import command_line
from pipelines.commands import sweep as verb
from pipelines.commands.console import run_apps
from pipelines.sweep import sweep as sweeping

CODE = """
import sys
from pipelines.sweep import storage, sweep, study
from pipelines.commands import sweep as verb
from pipelines.commands.console import run_apps
from reference.sweeps import nothing, quick_trial
storage.HEARTBEAT, storage.GRACE = 1, 4
sweep.HEARTBEAT = 1
sweep.train_trial = quick_trial
verb._prepare = nothing
verb.call_in_own_process = lambda *_, **__: ("generated", "0" * 64)
sys.exit(run_apps(sys.argv[1:]))
"""
SMOKE = ("sentiment", "sweep", "--preset", "smoke", "--json")
SPACE = ("--space", "units=8:100", "dropout=0:.5")


def start(folder: Path, *options: str, seconds: float = 0.0) -> subprocess.Popen:
    """Start a sweep as a user does, with stand-ins for its trainings."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{os.environ.get('PYTHONPATH', '')}"}
    environment |= {"SWEEP_SECONDS": str(seconds), "HOME": str(folder)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *SMOKE, *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def swept_there(process: subprocess.Popen) -> dict:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out)


def refused_there(process: subprocess.Popen) -> str:
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (2, ""), err[-3000:]
    return err.splitlines()[-1]


@pytest.fixture
def sweep(tmp_path, monkeypatch, capsys):
    """Return a function that sweeps in this process, where a training ends as soon as it begins."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(command_line, "stop_at_signals", lambda: None)
    monkeypatch.setattr(command_line, "_stay_in_the_checkout", lambda: None)
    monkeypatch.setattr(verb, "call_in_own_process", lambda *_, **__: ("generated", "0" * 64))
    monkeypatch.setattr(sweeping, "train_trial", quick_trial)
    monkeypatch.setattr(sweeping, "OwnProcess", AtOnce)
    monkeypatch.setattr(sweeping, "_TICK", 0.0)

    def run(*options: str, code: int = 0):
        assert run_apps([*SMOKE, *options]) == code
        return capsys.readouterr()

    return run


def refused(said) -> str:
    assert said.out == ""
    return said.err.splitlines()[-1]


class AtOnce:
    """Stands in for a process of its own: the function is called here, at once."""

    def __init__(self, function, arguments, *, prepare):
        self.call = lambda: function(**arguments)

    def has_ended(self) -> bool:
        return True

    def result(self) -> dict:
        return self.call()


def log(folder: Path) -> list[list[str]]:
    """Return number, process and settings of each training that was begun."""
    path = folder / "exports" / "log.txt"
    return [line.split(" ", 2) for line in path.read_text().splitlines()] if path.exists() else []


def wait_for(folder: Path, trainings: int) -> None:
    for _ in range(600):
        if len(log(folder)) >= trainings:
            return
        time.sleep(0.1)
    pytest.fail(f"only {len(log(folder))} trainings were begun")


def bundles(folder: Path) -> set[str]:
    return {path.name for path in (folder / "exports" / "sentiment").iterdir() if not path.is_symlink()}


def test_several_objectives_keep_the_front_and_its_bundles(sweep, tmp_path):
    found = json.loads(sweep(*SPACE, "--trials", "8", "--objective", "accuracy", "bytes").out)
    assert found["objectives"] == {"accuracy": "maximize", "bytes": "minimize"}
    assert found["ended"] == {"complete": 8}
    # Wider is better and larger here: no trial beats another, unless their units are equal.
    by_units = Counter(row["settings"]["units"] for row in found["rows"])
    assert {row["settings"]["units"] for row in found["rows"] if row["best"]} == set(by_units)
    assert bundles(tmp_path) == {row["run_id"] for row in found["rows"] if row["best"]}
    assert found["rows"][0]["accuracy"] == max(row["accuracy"] for row in found["rows"])
    assert (tmp_path / "exports/sentiment/latest").resolve().name == found["rows"][0]["run_id"]
    plots = {path.name for path in (tmp_path / "mlruns/artifacts").rglob("plots/*.png")}
    assert plots >= {"accuracy_against_bytes.png", "accuracy_against_latency.png"}
    assert plots >= {f"{k}_{o}.png" for k in ("history", "importance") for o in ("accuracy", "bytes")}


def test_one_objective_keeps_one_bundle_and_prunes_and_the_same_command_goes_on(sweep, tmp_path):
    options = (*SPACE, "--epochs", "10", "--output", "exports")
    found = json.loads(sweep(*options, "--trials", "12").out)
    assert set(found["ended"]) == {"complete", "pruned"}
    assert found["saved_epochs"] > 0
    assert bundles(tmp_path) == {found["rows"][0]["run_id"]}
    again = json.loads(sweep(*options, "--trials", "14").out)
    assert (again["study"], again["run_id"]) == (found["study"], found["run_id"])
    assert sum(again["ended"].values()) == 14
    assert [int(number) for number, *_ in log(tmp_path)] == list(range(14))


def test_trials_that_fail_are_told_and_three_in_a_row_end_the_sweep(sweep, tmp_path):
    options = ("--space", "units=8:100", "--dropout", "0.58", "--trials", "8")
    assert refused(sweep(*options, code=2)) == "error: the last 3 trials failed: too much was dropped"
    assert bundles(tmp_path) == set()


def test_a_space_of_few_points_ends_when_all_were_tried(sweep, tmp_path):
    found = json.loads(sweep("--space", "units=8,16", "cell=gru,lstm", "--trials", "9").out)
    assert found["ended"] == {"complete": 4}
    assert len({str(row["settings"]) for row in found["rows"]}) == 4


def test_a_study_of_something_else_is_refused(sweep, tmp_path):
    named = ("--study", "mine", "--trials", "1")
    sweep(*SPACE, *named)
    other = "error: --study mine: the study in mlruns/sweeps has another"
    assert refused(sweep("--space", "units=8:90", *named, code=2)).startswith(f"{other} space: expected")
    assert refused(sweep(*SPACE, *named, "--epochs", "2", code=2)).startswith(f"{other} settings")
    assert refused(sweep(*SPACE, *named, "--objective", "bytes", code=2)).startswith(f"{other} objective")
    assert len(log(tmp_path)) == 1


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("nonsense", "--storage nonsense: expected an address such as postgresql://user@host/name"),
        ("sqlite:///no/such/folder.db", "expected a storage of Optuna: unable to open database file"),
        (
            "postgresql://a:secret@127.0.0.1:1/b",
            "--storage postgresql://a:***@127.0.0.1:1/b: expected a storage",
        ),
    ],
)
def test_a_storage_that_does_not_answer_is_one_line_and_nothing_is_begun(sweep, tmp_path, storage, said):
    line = refused(sweep(*SPACE, "--storage", storage, code=2))
    assert said in line
    assert "secret" not in line
    assert log(tmp_path) == []
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


def test_a_killed_training_and_a_killed_command_lose_their_trials_only(tmp_path):
    options = (*SPACE, "--trials", "6", "--workers", "2")
    first = start(tmp_path, *options, seconds=1.5)
    wait_for(tmp_path, 2)
    os.kill(int(log(tmp_path)[1][1]), signal.SIGKILL)
    wait_for(tmp_path, 4)
    first.kill()
    first.communicate()
    found = swept_there(start(tmp_path, *options))
    assert found["ended"] == {"complete": 6}
    begun = Counter(settings for *_, settings in log(tmp_path))
    assert set(begun.values()) == {1, 2}  # those that were killed are repeated, with the same settings
    assert len(begun) == 6
    assert bundles(tmp_path) == {found["rows"][0]["run_id"]}


@pytest.mark.skipif(programs() is None, reason="no PostgreSQL: apt-get install postgresql")
def test_two_commands_share_a_study_in_postgresql_and_one_is_killed(short_folder, tmp_path):
    with postgresql(short_folder) as server:
        folders = [tmp_path / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        options = (*SPACE, "--trials", "10", "--study", "shared", "--storage", server.url)
        one, two = (start(folder, *options, seconds=0.7) for folder in folders)
        for folder in folders:
            wait_for(folder, 2)
        two.kill()
        two.communicate()
        found = swept_there(one)
        assert found["ended"] == {"complete": 10}
        begun = Counter(settings for folder in folders for *_, settings in log(folder))
        assert len(begun) == 10
        assert sorted(begun.values()) == [1] * 9 + [2]  # the one that was being trained is repeated
        again = swept_there(start(folders[1], *options))
        assert again["rows"][0]["run_id"] == found["rows"][0]["run_id"]
        assert len(log(folders[1])) + len(log(folders[0])) == 11


@pytest.mark.skipif(programs() is None, reason="no PostgreSQL: apt-get install postgresql")
def test_a_database_that_dies_is_one_line_and_the_same_command_goes_on(short_folder, tmp_path):
    with postgresql(short_folder) as server:
        options = (*SPACE, "--trials", "4", "--study", "shared", "--storage", server.url)
        process = start(tmp_path, *options, seconds=0.7)
        wait_for(tmp_path, 2)
        server.stop()
        line = refused_there(process)
        assert "the database failed; the same command goes on" in line
        server.start()
        assert swept_there(start(tmp_path, *options))["ended"] == {"complete": 4}
