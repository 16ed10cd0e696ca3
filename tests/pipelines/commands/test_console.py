"""The command `unrolled`: what it lists, what it refuses, and its shell completion."""

import importlib
import subprocess
import sys

import pytest

from pipelines.app import app_names, discover, find
from pipelines.commands import command_line, console
from pipelines.commands.app import Evaluate, Predict, options_of
from pipelines.commands.compare import Compare
from pipelines.commands.sweep import Sweep
from pipelines.commands.train import Train


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run `unrolled` with arguments, and return its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command_line, "stop_at_signals", lambda: None)

    def run_command(*argv: str) -> int:
        monkeypatch.setattr(sys, "argv", ["unrolled", *argv])
        return console.main()

    return run_command


def test_help_lists_every_verb_and_app_with_a_line_each(run, capsys):
    assert run("--help") == 0
    said = capsys.readouterr().out
    assert run() == 0
    assert capsys.readouterr().out == said
    table = {line.split()[0]: line for line in said.splitlines() if line.startswith("  ")}
    for name, summary in {**console.VERBS, **console.APP_VERBS}.items():
        assert table[name].endswith(f" {summary}")
    for app in discover().values():
        assert table[app.name].endswith(f" {app.summary}")


def test_summaries_are_those_of_the_verbs_own_help():
    for name, summary in console.VERBS.items():
        module = importlib.import_module(f"pipelines.commands.{name}")
        assert getattr(module, name.capitalize()).__doc__.splitlines()[0] == summary
    options = {"train": Train, "sweep": Sweep, "compare": Compare, "evaluate": Evaluate, "predict": Predict}
    assert {name: each.__doc__ for name, each in options.items()} == console.APP_VERBS
    assert options_of(find("sentiment")).keys() == console.APP_VERBS.keys()


def test_apps_are_called_as_their_folders_are():
    assert app_names() == list(discover())


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_of_a_library_in_several_extras_the_smallest_is_named(library):
    said = command_line.missing_library(ModuleNotFoundError(name=library))
    assert said == f'needs the library {library}: pip install "unrolled[series]"'


def test_an_app_without_its_library_is_listed_with_the_extra(run, capsys, monkeypatch):
    def find(name):
        raise ModuleNotFoundError("No module named 'mido'", name="mido")

    monkeypatch.setattr(console.contract, "find", find)
    assert run() == 0
    said = capsys.readouterr().out
    assert said.count('(needs the library mido: pip install "unrolled[music]")') == len(app_names())


def test_where_nothing_is_trained_or_shipped_one_learns_how_to_train(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("pipelines.commands.app.folder_of", lambda name: tmp_path)
    assert run("sentiment", "predict", "fine") == 2
    assert "sentiment/latest: train one first (unrolled sentiment train)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["fly"], "unknown app 'fly': expected one of"),
        (["--fly"], "unknown option --fly: expected a verb or an app, --help, --version"),
        (["sentiment", "fly"], f"unknown verb 'fly': expected one of {', '.join(console.APP_VERBS)}"),
        (
            ["export", "none.keras"],
            "none.keras: expected a model in a .keras, .h5, .pt2 or .onnx file, or the folder",
        ),
        (["benchmark", "none"], "none: expected a bundle's folder or a .tflite file"),
        (["ui", "--port", "x"], "--port"),
        (["--tyro-write-completion", "sh", "x"], "expected one of bash, zsh, tcsh, fish"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(run, capsys, argv, said):
    assert run(*argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_a_module_of_the_project_that_is_missing_keeps_its_traceback():
    def fail():
        importlib.import_module("pipelines.no_such_module")

    with pytest.raises(ModuleNotFoundError):
        command_line.guarded(fail)


@pytest.mark.parametrize("verb", ["export", "sentiment predict"])
def test_help_of_a_verb_names_the_command_as_it_was_typed(run, capsys, verb):
    with pytest.raises(SystemExit) as stop:
        run(*verb.split(), "--help")
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: unrolled {verb} ")


def completed(script, typed: str) -> set[str]:
    """Return what bash offers for the last word of a line."""
    words = typed.split(" ")
    code = f"""
source {script}
COMP_WORDS=({" ".join(words[:-1])} "{words[-1]}"); COMP_CWORD={len(words) - 1}
COMP_LINE="{typed}"; COMP_POINT=${{#COMP_LINE}}
$(complete -p unrolled | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_bash_completes_verbs_apps_and_options(run, tmp_path):
    script = tmp_path / "completion.bash"
    with pytest.raises(SystemExit) as stop:
        run("--tyro-write-completion", "bash", str(script))
    assert not stop.value.code
    assert {*console.VERBS, *app_names()} <= completed(script, "unrolled ")
    assert completed(script, "unrolled spee") == {"speech_commands"}
    assert console.APP_VERBS.keys() <= completed(script, "unrolled sentiment ")
    assert "--vocabulary-size" in completed(script, "unrolled sentiment train --voc")
    assert "--calibration" in completed(script, "unrolled export --cal")
