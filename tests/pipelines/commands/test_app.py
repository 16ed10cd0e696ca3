"""The command line: what is wrong is said in one line, before any work; standard output is for results."""

import dataclasses
import errno
import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines import app as contract
from pipelines.commands import app as cli
from pipelines.commands import command_line, console
from pipelines.commands.input_lines import lines_in
from pipelines.ondevice.bundle import Bundle

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command_line, "stop_at_signals", lambda: None)
    monkeypatch.setattr(command_line, "_stay_in_the_checkout", lambda: None)


def run(*argv):
    return console.run_apps(argv)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["nosuch", "train"], "unknown app 'nosuch': expected one of"),
        (["sentiment", "fly"], "unknown verb 'fly': expected one of train, sweep, compare, evaluate"),
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


def test_a_full_disk_is_one_line(capsys):
    def fill():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "predictions/1.mid")

    assert command_line.guarded(fill) == 2
    assert capsys.readouterr().err == "error: predictions/1.mid: no space left on the disk\n"


def test_an_error_that_is_nobodys_mistake_keeps_its_traceback():
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command_line.guarded(fail)


def test_texts_come_from_a_file_one_a_line(tmp_path):
    file = tmp_path / "texts"
    file.write_bytes("fine\nschön\n\n".encode())
    assert lines_in(file) == ["fine", "schön", ""]
    file.write_bytes("\ufeffone\u2028line\x85\v\fof four\r\ntwo\rof\nthree\n \t\n\n5".encode())
    assert lines_in(file) == ["one\u2028line\x85\v\fof four", "two\rof", "three", " \t", "", "5"]
    file.write_bytes(b"")
    assert lines_in(file) == []
    file.write_bytes(b"fine\n\xff\n")
    with pytest.raises(cli.UserError, match=r"texts:2: expected UTF-8 text"):
        lines_in(file)
    with pytest.raises(cli.UserError, match="No such file"):
        lines_in(tmp_path / "none")


def test_answers_are_in_step_with_the_lines_of_standard_input():
    texts = "good\u2028film\n\nbad\x85film\n"
    command = [sys.executable, "-m", "apps", "sentiment", "predict", "--json"]
    done = subprocess.run(command, input=texts.encode(), cwd=ROOT, capture_output=True, check=False)
    answers = json.loads(done.stdout)["predictions"]
    assert [answer["text"] for answer in answers] == ["good\u2028film", "", "bad\x85film"]


def test_in_a_terminal_each_text_is_answered_when_it_is_typed():
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "apps", "sentiment", "predict"],
        cwd=ROOT,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for text, label in (("what a great film", "positive"), ("\nthe worst phone ever", "negative")):
            os.write(ours, f"{text}\n".encode())
            assert select.select([process.stdout], [], [], 60)[0], "no answer"
            assert process.stdout.readline().startswith(label)
        os.write(ours, b"\x04")
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(ours)
        os.close(theirs)
    assert (process.returncode, out) == (0, "")
    assert "one input per line; end with Ctrl-D\n> > > > \n" in err


def test_a_verb_of_pipelines_that_is_unknown():
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "fly"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        2,
        "error: unknown verb 'fly': expected export, benchmark, page, card, ship, ui\n",
    )


def test_json_alone_is_on_standard_output(capsys, monkeypatch):
    answers = [{"label": "good"}]
    monkeypatch.setattr(cli, "_bundle", lambda *_: bundle_of(accuracy=0.9))
    fake = dataclasses.replace(contract.find("sentiment"), predict=lambda *_: answers)
    monkeypatch.setattr(contract, "find", lambda name: fake)
    assert run("sentiment", "predict", "x", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"predictions": answers}


def bundle_of(accuracy, folder="exports/one"):
    """Return a bundle with one file, whose simple methods have an accuracy of 0.6."""
    metric = {"name": "accuracy", "value": accuracy, "higher_is_better": True, "baseline": 0.6}
    variant = {"file": "float32_loop.tflite", "precision": "float32", "execution": "loop", "metric": accuracy}
    manifest = {
        "dataset": "reviews.csv",
        "metric": metric,
        "variants": [variant],
        "config": {"text_column": "body", "encoding": "utf-8"},
    }
    return Bundle(Path(folder), manifest)


@pytest.mark.parametrize("accuracy", [0.6, 0.61])
def test_a_model_that_is_no_better_than_a_simple_method_says_so_before_it_answers(
    accuracy, capsys, monkeypatch, caplog
):
    monkeypatch.setattr(cli, "_bundle", lambda *_: bundle_of(accuracy))
    caplog.set_level("INFO")
    told = []

    def predict(*_):
        told.extend(caplog.messages)
        return []

    fake = dataclasses.replace(contract.find("sentiment"), predict=predict)
    monkeypatch.setattr(contract, "find", lambda name: fake)
    assert run("sentiment", "predict", "x", "--json") == 0
    warning = "no model to use: on its test data it is no better than a simple method"
    if accuracy > 0.6:
        assert told == []
        assert "warning" not in json.loads(capsys.readouterr().out)
    else:
        assert told == [f"exports/one: {warning} (accuracy 0.6000, simple method 0.6000)"]
        assert json.loads(capsys.readouterr().out)["warning"].startswith(warning)


@pytest.mark.parametrize(
    ("app", "argv", "expected"),
    [
        ("sentiment", ["--file", "data.csv"], ["good, really", ""]),
        ("sentiment", ["more", "--file", "data.csv", "--column", "label"], ["more", "a", "b"]),
        ("sentiment", ["--file", "data.jsonl"], ["one\ntext"]),
        ("speech_commands", ["--file", "sub/clips.csv"], ["sub/word.wav"]),
        ("image_captioning", ["--file", "sub/captions.jsonl", "--column", "photo"], ["sub/1.png"]),
        ("music_generation", ["--file", "pieces"], ["a.mid"]),
    ],
)
def test_a_table_gives_the_column_that_training_reads(app, argv, expected, monkeypatch):
    Path("sub").mkdir()
    Path("data.csv").write_text('label,body\na,"good, really"\nb,\n')
    Path("data.jsonl").write_text('{"body": "one\\ntext"}\n')
    Path("sub/clips.csv").write_text("file,label\nword.wav,yes\n")
    Path("sub/captions.jsonl").write_text('{"photo": "1.png"}\n')
    Path("pieces").write_text("a.mid\n")
    given = []
    monkeypatch.setattr(cli, "_bundle", lambda *_: bundle_of(0.9))
    fake = dataclasses.replace(
        contract.find(app), predict=lambda bundle, inputs, *_: given.extend(inputs) or []
    )
    monkeypatch.setattr(contract, "find", lambda name: fake)
    assert run(app, "predict", *argv) == 0
    assert given == expected


def test_a_table_without_that_column_names_the_option(capsys, monkeypatch):
    Path("data.csv").write_text("text\nfine\n")
    monkeypatch.setattr(cli, "_bundle", lambda *_: bundle_of(0.9))
    assert run("sentiment", "predict", "--file", "data.csv") == 2
    said = "error: data.csv:1: expected one column 'body' (--column), the columns are 'text'\n"
    assert capsys.readouterr().err == said


def test_the_command_line_starts_without_the_heavy_libraries():
    start = time.monotonic()
    code = (
        "import sys, pipelines.commands.app; assert not {'tensorflow', 'keras', 'mlflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert time.monotonic() - start < 10
