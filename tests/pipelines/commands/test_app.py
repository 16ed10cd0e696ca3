"""The command line: what is wrong is said in one line, before any work; standard output is for results."""

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines import app as contract
from pipelines.commands import app as cli
from pipelines.commands import command_line, console

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command_line.signal, "signal", lambda *_: None)
    monkeypatch.setattr(command_line, "_stay_in_the_checkout", lambda: None)


def run(*argv):
    return console.run_apps(argv)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["nosuch", "train"], "unknown app 'nosuch': expected one of"),
        (["sentiment", "fly"], "unknown verb 'fly': expected one of train, evaluate, predict"),
        (["sentiment", "train", "--preset", "x"], "--preset: expected one of default, smoke"),
        (["sentiment", "train", "--cell", "x"], "invalid choice 'x' for argument '--cell'"),
        (["sentiment", "train", "--epochs", "x"], "--epochs"),
        (["sentiment", "train", "--epochs", "0"], "--epochs: expected at least 1, got 0"),
        (
            ["sentiment", "train", "--epohcs", "3"],
            "Unrecognized options: --epohcs, 3 Perhaps you meant: --epo",
        ),
        (["sentiment", "train", "--resume", "../.."], "expected the id of a run"),
        (["sentiment", "train", "--resume", "0" * 32], "nothing to resume in mlruns/checkpoints"),
        (["sentiment", "train", "--resume", "0" * 32, "--epochs", "3"], "--resume takes every setting"),
        (["sentiment", "predict", "fine"], "no bundle at exports/sentiment/latest: train one first"),
        (["sentiment", "predict", "--bundle", "."], "expected a bundle with a manifest.json"),
        (["sentiment", "evaluate", "--nosuch"], "Unrecognized options: --nosuch"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(argv, said, capsys):
    assert run(*argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_help_lists_apps_verbs_presets_and_settings(capsys):
    assert run() == 0
    assert "sentiment" in capsys.readouterr().out
    assert run("sentiment") == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("train", "evaluate", "predict", "default, "))
    with pytest.raises(SystemExit) as stop:
        run("sentiment", "train", "--help")
    assert stop.value.code == 0
    said = capsys.readouterr().out
    assert "--vocabulary-size" in said
    assert "number of tokens in the vocabulary" in " ".join(said.replace("│", " ").split())


def test_ctrl_c_is_exit_code_1_without_a_traceback(capsys):
    def stop():
        raise KeyboardInterrupt

    assert command_line.guarded(stop) == 1
    assert capsys.readouterr().err == "stopped\n"


def test_an_error_that_is_nobodys_mistake_keeps_its_traceback():
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command_line.guarded(fail)


def test_texts_come_from_a_file_one_a_line(tmp_path):
    file = tmp_path / "texts"
    file.write_bytes("fine\nschön\n\n".encode())
    assert cli._lines(file) == ["fine", "schön", ""]
    file.write_bytes(b"fine\n\xff\n")
    with pytest.raises(cli.UserError, match=r"texts:2: expected UTF-8 text"):
        cli._lines(file)
    with pytest.raises(cli.UserError, match="No such file"):
        cli._lines(tmp_path / "none")


def test_a_verb_of_pipelines_that_is_unknown():
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "fly"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        2,
        "error: unknown verb 'fly': expected export, benchmark, ui\n",
    )


def test_json_alone_is_on_standard_output(capsys, monkeypatch):
    answers = [{"label": "good"}]
    monkeypatch.setattr(cli, "_bundle", lambda *_: None)
    fake = dataclasses.replace(contract.find("sentiment"), predict=lambda *_: answers)
    monkeypatch.setattr(contract, "find", lambda name: fake)
    assert run("sentiment", "predict", "x", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"predictions": answers}


def test_the_command_line_starts_without_the_heavy_libraries():
    start = time.monotonic()
    code = (
        "import sys, pipelines.commands.app; assert not {'tensorflow', 'keras', 'mlflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert time.monotonic() - start < 10
