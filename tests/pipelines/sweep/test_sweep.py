"""Sweeps with trainings that take no time: what is kept, repeated, refused."""

import json
import os
import subprocess
import sys
from collections import Counter

import optuna
import pytest
from reference.sweeps import SMOKE, SPACE, bundles, quick_trial, trainings
from reference.trainings import ROOT

from pipelines.app import find
from pipelines.commands import command_line
from pipelines.commands import sweep as verb
from pipelines.commands.console import run_apps
from pipelines.config import Range
from pipelines.sweep import agreement, storage, study, worker
from pipelines.sweep import run as running
from pipelines.sweep import sweep as sweeping
from pipelines.tracking.quiet_mlflow import mlflow
from pipelines.tracking.store import store_uri


class AtOnce:
    """Stands in for a process of its own: the function is called here, at once."""

    def __init__(self, function, arguments, *, prepare):
        self.call = lambda: function(**arguments)

    def has_ended(self) -> bool:
        return True

    def result(self) -> dict:
        return self.call()


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
    monkeypatch.setattr(sweeping, "_LOOK", 0.0)

    def run(*options: str, code: int = 0, words=SMOKE):
        assert run_apps([*words, *options]) == code
        return capsys.readouterr()

    return run


def refused(said) -> str:
    assert said.out == ""
    return said.err.splitlines()[-1]


def runs_of_sweeps() -> list[mlflow.entities.Run]:
    client = mlflow.MlflowClient(store_uri())
    return client.search_runs([each.experiment_id for each in client.search_experiments()])


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
    assert [number for number, *_ in trainings(tmp_path)] == list(range(1, 15))  # 0 is the announcement
    assert [run.info.run_id for run in runs_of_sweeps()] == [found["run_id"]]


def test_a_table_for_people_and_the_commands_to_go_on_with(sweep):
    said = sweep(*SPACE, "--trials", "3", "--objective", "accuracy", "latency", words=SMOKE[:-1]).out
    lines = {line.split("  ")[0].strip(): line.split() for line in said.splitlines()}
    assert sorted(set(lines["trial"]) - {"trial", "*"}) == ["1", "2", "3"]
    units = [int(number) for number in lines["units"][1:]]
    assert lines["bytes"][1:] == [f"{each},000" for each in units]
    assert lines["accuracy"][1:] == [f"{each / 256:.4f}" for each in units]
    assert "* none is better in every objective" in said
    assert "trials  3 complete" in said
    commands = said.partition("next:")[2]
    assert "sentiment predict" in commands
    assert "sentiment train --preset smoke --units" in commands
    assert "make ui" in commands


def test_trials_that_fail_are_told_and_three_in_a_row_end_the_sweep(sweep, tmp_path):
    options = ("--space", "units=8:100", "--dropout", "0.58", "--trials", "8")
    assert refused(sweep(*options, code=2)) == "error: the last 3 trials failed: too much was dropped"
    assert bundles(tmp_path) == set()


def test_a_space_of_few_points_ends_when_all_were_tried_also_one_that_was_lost(sweep, monkeypatch, caplog):
    lost = []

    def once_lost(*, number, **arguments):
        if number == 4:
            lost.append(arguments["config"])
            raise ChildProcessError("the process of train_trial ended with exit code -9")
        return quick_trial(number=number, **arguments)

    monkeypatch.setattr(sweeping, "train_trial", once_lost)
    found = json.loads(sweep("--space", "units=8,16", "cell=gru,lstm", "--trials", "9", "--workers", "4").out)
    assert len(lost) == 1
    assert found["ended"] == {"complete": 4}
    assert len({str(row["settings"]) for row in found["rows"]}) == 4
    assert "hardly any settings are left" in caplog.text


def test_settings_whose_process_is_always_lost_are_tried_three_times(sweep, monkeypatch):
    tried = Counter()

    def lost(*, config, **_):
        tried[config.units] += 1
        raise ChildProcessError("the process of train_trial ended with exit code -9")

    monkeypatch.setattr(sweeping, "train_trial", lost)
    line = refused(sweep("--space", "units=8,16,32", "--trials", "3", code=2))
    assert line.startswith("error: the last 3 trials failed: the process of train_trial ended")
    assert tried == {8: 3, 16: 3, 32: 3}


def test_a_trial_that_was_given_to_others_meanwhile_counts_once(sweep, monkeypatch, caplog):
    taken = []

    def taken_from_us(*, study: str, trial_id, number, **arguments):
        result = quick_trial(study=study, trial_id=trial_id, number=number, **arguments)
        if not taken:
            taken.append(number)
            opened = optuna.load_study(study_name=study, storage=storage.open_storage(None, study, print))
            give_back(opened, number)
        return result

    give_back = study.give_back
    monkeypatch.setattr(sweeping, "train_trial", taken_from_us)
    found = json.loads(sweep(*SPACE, "--trials", "3").out)
    assert "others make it again" in caplog.text
    assert found["ended"] == {"complete": 3}
    assert taken[0] not in {row["trial"] for row in found["rows"]}
    assert len({str(row["settings"]) for row in found["rows"]}) == 3


def test_a_trial_of_a_killed_command_is_repeated(sweep, tmp_path):
    named = (*SPACE, "--study", "mine")
    sweep(*named, "--trials", "1")
    opened = optuna.load_study(study_name="mine", storage=storage.open_storage(None, "mine", print))
    space = {"units": Range(8, 100, logarithmic=True), "dropout": Range(0.0, 0.5)}
    of_killed = study.Search(
        opened, find("sentiment").presets["smoke"], space, "killed", by_lock=True, total=2
    )
    lost, _ = of_killed.next()
    found = json.loads(sweep(*named, "--trials", "2").out)
    assert found["ended"] == {"complete": 2}
    assert [number for number, *_ in trainings(tmp_path)] == [1, lost.number + 1]
    assert lost.params in [row["settings"] for row in found["rows"]]


def test_the_lock_of_a_command_ends_with_its_process(tmp_path, monkeypatch):
    code = """from pipelines.sweep.worker import working
with working() as name:
    print(name, flush=True)
    input()"""
    monkeypatch.chdir(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    name = process.stdout.readline().strip()
    assert worker.still_works(name)
    process.kill()
    process.communicate()
    assert not worker.still_works(name)
    with worker.working() as ours:
        assert ours != name


def test_a_study_of_something_else_is_refused(sweep, tmp_path):
    named = ("--study", "mine", "--trials", "1")
    sweep(*SPACE, *named)
    other = "error: --study mine: expected"
    until = "as in the study there, got"
    for options, said in {
        ("--space", "units=8:90"): f"{other} space units=8:100 dropout=0:0.5, {until} units=8:90; another",
        (*SPACE, "--epochs", "2"): f"{other} epochs 1, {until} 2",
        (*SPACE, "--objective", "bytes"): f"{other} objective accuracy, {until} bytes",
    }.items():
        assert refused(sweep(*options, *named, code=2)).startswith(said)
    assert len(trainings(tmp_path)) == 1
    assert len(runs_of_sweeps()) == 1


@pytest.mark.parametrize("fact", ["app", "data", "version of the code"])
def test_another_app_other_data_and_other_code_are_refused(fact):
    opened = optuna.create_study(study_name="mine", direction="maximize")
    facts = {"app": "sentiment", "data": "imdb 01234", "version of the code": "abcd"}
    agreement.announce(opened, facts, "1" * 32)
    agreement.require_same(opened, facts, {"accuracy": "maximize"})
    with pytest.raises(running.UserError) as error:
        agreement.require_same(opened, facts | {fact: "other"}, {"accuracy": "maximize"})
    assert f"expected {fact} {facts[fact]}, as in the study there, got other" in str(error.value)


def test_a_study_that_no_sweep_made_is_refused(sweep, tmp_path):
    (tmp_path / "mlruns/sweeps").mkdir(parents=True)
    kept = storage.open_storage(None, "mine", print)
    optuna.create_study(study_name="mine", storage=kept, direction="maximize").ask()
    line = refused(sweep(*SPACE, "--study", "mine", "--trials", "1", code=2))
    assert line == "error: --study mine: expected one that a sweep made, or another name"


@pytest.mark.parametrize("same", [True, False], ids=["same facts", "other facts"])
def test_two_commands_that_start_a_study_at_once_share_one_run(sweep, monkeypatch, same):
    first = []

    def announced_second(opened, facts, run_id):
        if not first:
            first.append(run_id)  # the other command made its run, and is quicker
            facts_of_other = facts if same else facts | {"epochs": "7"}
            with running.tracking.start("sentiment", "other", params={}, tags={}) as other:
                first.append(other.id)
            agreement.announce(opened, facts_of_other, other.id)
        agreement.announce(opened, facts, run_id)

    monkeypatch.setattr(running, "announce", announced_second)
    said = sweep("--space", "units=8:100", "--trials", "1", code=0 if same else 2)
    assert [run.info.run_id for run in runs_of_sweeps()] == first[1:]
    if same:
        assert json.loads(said.out)["run_id"] == first[1]
    else:
        assert "expected epochs 7, as in the study there, got 1" in refused(said)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "--storage nonsense: expected an address such as postgresql://user@host/name"),
        ("sqlite:///no/such/folder.db", "expected a storage of Optuna: unable to open database file"),
        (
            "postgresql://a:secret@127.0.0.1:1/b",
            "--storage postgresql://a:***@127.0.0.1:1/b: expected a storage",
        ),
    ],
)
def test_a_storage_that_does_not_answer_is_one_line_and_nothing_is_begun(sweep, tmp_path, url, said):
    line = refused(sweep(*SPACE, "--storage", url, code=2))
    assert said in line
    assert "secret" not in line
    assert trainings(tmp_path) == []
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


def test_a_journal_that_is_something_else_is_named(sweep, tmp_path):
    (tmp_path / "mlruns/sweeps").mkdir(parents=True)
    (tmp_path / "mlruns/sweeps/mine.journal").write_text("a letter\n")
    line = refused(sweep(*SPACE, "--study", "mine", code=2))
    assert line.startswith("error: mlruns/sweeps/mine.journal: expected a storage of Optuna")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--space", "unit=8:16"), "error: --space unit=8:16: expected NAME"),
        (("--space", "units=64:32"), "expected LOW:HIGH with LOW not above HIGH"),
        (("--space", "units=8:16", "--units", "64"), "expected no --units, which sets 64 for all trials"),
        (("--objective", "speed"), "--objective: expected some of accuracy, bytes, latency, got 'speed'"),
        (("--study", "../mine"), "--study ../mine: expected letters, digits, dots, dashes and underscores"),
        (("--trials", "0"), "trials"),
        (("--workers", "0"), "workers"),
    ],
)
def test_a_wrong_option_is_one_line_and_nothing_is_begun(sweep, tmp_path, options, said):
    assert said in refused(sweep(*options, code=2))
    assert list(tmp_path.rglob("*.db")) == list(tmp_path.rglob("*.journal")) == []
