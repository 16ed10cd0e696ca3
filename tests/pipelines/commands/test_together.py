"""`train` with several workers: what can't work is one line, before anything is written."""

import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.sentiment import APP
from pipelines.cluster import meeting
from pipelines.cluster.place import on_this_machine
from pipelines.cluster.team import Team
from pipelines.commands import command_line, console, together
from pipelines.config import to_dict
from pipelines.errors import UserError
from pipelines.training.agreed import facts_of

TRAIN = ("sentiment", "train", "--preset", "smoke")
CONFIG = APP.presets["smoke"]
TWO = {"cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}, "task": {"type": "worker", "index": 0}}


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """Work in an empty folder; afterwards nothing is in it that a training writes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command_line, "stop_at_signals", lambda: None)
    monkeypatch.setattr(command_line, "_stay_in_the_checkout", lambda: None)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    yield
    assert not list(tmp_path.glob("exports/*"))
    assert not list(tmp_path.glob("mlruns/*"))


def refused(capsys, *argv):
    """The line that a command says with exit code 2."""
    assert console.run_apps(argv) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    line = said.removeprefix("error: ").removesuffix("\n")
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        ((*TRAIN, "--workers", "0"), "--workers: expected at least 1, got 0"),
        ((*TRAIN, "--workers", "2", "--seeds", "3"), "--seeds: expected 1 with several workers, got 3"),
    ],
)
def test_options_that_do_not_go_together(capsys, argv, named):
    assert refused(capsys, *argv) == named


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (
            (*TRAIN, "--workers", "2"),
            "--workers: expected 1, since TF_CONFIG is set and names the workers, got 2",
        ),
        ((*TRAIN, "--seeds", "2"), "--seeds: expected 1 with several workers, got 2"),
        (
            (*TRAIN[:2], "--quantize-aware", "0" * 32),
            "TF_CONFIG names several workers: expected it to be unset with --quantize-aware",
        ),
        (("sentiment", "sweep"), "TF_CONFIG names several workers: expected it to be unset with sweep"),
        (("sentiment", "compare"), "TF_CONFIG names several workers: expected it to be unset with compare"),
    ],
)
@pytest.mark.parametrize("index", [0, 1])
def test_what_does_not_go_together_with_a_cluster(capsys, monkeypatch, argv, named, index):
    monkeypatch.setenv("TF_CONFIG", json.dumps(TWO | {"task": {"type": "worker", "index": index}}))
    assert refused(capsys, *argv) == named


def test_a_malformed_cluster_is_one_line(capsys, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "host1,host2")
    assert refused(capsys, *TRAIN).startswith("TF_CONFIG is no JSON")


def at(monkeypatch, place):
    monkeypatch.setenv("TF_CONFIG", place.as_tf_config())


@pytest.mark.parametrize("index", [0, 1])
def test_a_port_in_use(capsys, monkeypatch, index):
    place = on_this_machine(2)[index]
    at(monkeypatch, place)
    with socket.create_server(place.host_and_port(index)):
        assert "expected a free port" in refused(capsys, *TRAIN)


@pytest.mark.parametrize("index", [0, 1])
def test_a_worker_that_never_comes(capsys, monkeypatch, index):
    monkeypatch.setattr(meeting, "PATIENCE", 0.2)
    place = on_this_machine(2)[index]
    at(monkeypatch, place)
    assert f"for {place.name(1 - index)}" in refused(capsys, *TRAIN)


@pytest.mark.parametrize(
    ("options", "of_chief", "named"),
    [
        ((), {"version of the code": "0123"}, "version of the code: expected 0123, as the chief has, got "),
        ((), {"TensorFlow": "1.0"}, "TensorFlow: expected 1.0, as the chief has, got "),
        (("--seed", "5"), {}, "--seed: expected 1, as the chief has, got 5"),
        ((), {"--resume": "0" * 32}, f"--resume: expected {'0' * 32}, as the chief has, got no run"),
    ],
)
def test_a_worker_that_is_not_like_the_chief_says_what_differs(capsys, monkeypatch, options, of_chief, named):
    chief, worker = on_this_machine(2)
    at(monkeypatch, worker)

    def lead():
        with Team.gathered(chief) as team:
            team.tell({"config": to_dict(CONFIG)})
            team.agree(facts_of(APP, CONFIG, None) | of_chief)

    with ThreadPoolExecutor(1) as pool:
        leading = pool.submit(lead)
        said = refused(capsys, *TRAIN, *options)
        assert said.startswith(f"{chief.name(0)} has stopped: {worker.name(1)}: {named}")
        assert isinstance(leading.exception(60), UserError)


def test_workers_of_this_machine_share_its_processors(monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    together._share_processors(3)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "2"
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
