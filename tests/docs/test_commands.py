"""Every command in the texts is accepted by the parser of the command that it calls; no block is left out."""

import contextlib
import importlib
import io
import re
import shlex
import subprocess
import tomllib
from collections.abc import Sequence

import pytest
from reference.blocks import DOCS, MARKS, READMES, ROOT, Block, blocks

from pipelines.app import find
from pipelines.commands import app as app_verbs
from pipelines.commands import sweep, train
from pipelines.commands.command_line import parse
from pipelines.commands.verbs import VERBS, load
from pipelines.sweep.space import narrowed

COMMANDS, PROSE = ("sh", "console", ""), ("text", "pycon")
"""Languages of blocks with commands, and of those that show something; "" is a block without a language."""
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
BENCHMARKS = {
    "benchmarks.speed": ("benchmarks.speed", "Speed"),
    "benchmarks.export": ("benchmarks.export", "Export"),
    "benchmarks.tasks": ("benchmarks.tasks.__main__", "Train"),
}
ELSEWHERE = ("mlflow models serve ", "curl http://127.0.0.1:")
"""Commands of others, which tests/pipelines/tracking/test_serving.py runs."""
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
_CALL = re.compile(r"-m ((?:apps|pipelines|benchmarks)\S*) (.*)")


def check(command: str) -> None:
    """Parse a command as the program does that it calls; raise an error if it would not be accepted."""
    if command.startswith(ELSEWHERE):
        return
    words = shlex.split(command, comments=True)
    if words[:1] == ["export"]:
        words = words[1:]
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    if not words:
        return
    program, rest = words[0], words[1:]
    if program == "make":
        check_make(rest)
    elif program == "unrolled":
        check_module("pipelines" if rest[0] in VERBS else "apps", rest)
    elif rest[:3] == ["-m", "pip", "install"] or [program, *rest[:1]] == ["pip", "install"]:
        check_install(rest[rest.index("install") + 1 :])
    elif program.endswith("python") and rest[:1] == ["-m"]:
        check_module(rest[1], rest[2:])
    elif program == "python":
        assert (ROOT / rest[0]).is_file(), f"no file {rest[0]}"
    else:
        raise AssertionError(f"no test knows the program {program!r}")


def check_make(words: Sequence[str]) -> None:
    done = subprocess.run(["make", "-n", "-C", ROOT, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for module, rest in _CALL.findall(done.stdout):
        check_module(module, shlex.split(rest.split(" > ")[0]))


def check_module(module: str, words: Sequence[str]) -> None:
    helps = contextlib.suppress(SystemExit) if "--help" in words else contextlib.nullcontext()
    with helps, contextlib.redirect_stdout(io.StringIO()):
        _parse(module, list(words))


def _parse(module: str, words: list[str]) -> None:
    if module == "apps":
        name, verb, *rest = words
        if name == "walks":  # the app of a tutorial, which test_pages makes
            return
        app = find(name)
        if verb == "train":
            train.options(app, rest, "train")
        elif verb == "sweep":
            narrowed(app.space, train.options(app, rest, "sweep", sweep.Sweep).space, {})
        else:
            options, default = app_verbs.options_of(app)[verb]
            parse(options, verb, rest, default)
    elif module == "pipelines":
        parse(load(words[0])[1], words[0], words[1:])
    else:
        home, name = BENCHMARKS[module]
        parse(getattr(importlib.import_module(home), name), module, words)


def check_install(words: Sequence[str]) -> None:
    options = {"--target", "--no-deps", ".cache/bench"}
    for word in set(words) - options:
        extra = re.fullmatch(r"\.(?:\[(\w+)\])?", word)
        assert ("==" in word or word == "sounddevice") if extra is None else extra[1] in {None, *EXTRAS}, word


def described(block: Block) -> str:
    return block.place


ALL = [block for path in [*DOCS, *READMES] for block in blocks(path)]


@pytest.mark.parametrize("block", [block for block in ALL if block.language in COMMANDS], ids=described)
def test_each_command_is_accepted(block: Block) -> None:
    assert block.commands, f"{block.place}: expected commands; call what a command prints ```text"
    for command in block.commands:
        try:
            check(command)
        except Exception as error:
            raise AssertionError(f"{block.place}: {command}: {error}") from error


def test_each_block_is_of_a_kind_that_is_tested() -> None:
    kinds = {"python", *COMMANDS, *PROSE}
    assert [block.place for block in ALL if block.language not in kinds] == []
    assert [block.place for block in ALL if block.mark not in ("", *MARKS)] == []
    assert [block.place for block in ALL if block.mark and block.language not in COMMANDS] == []
    fences = {path: path.read_text().count("\n```") for path in [*DOCS, *READMES]}
    assert [path for path, count in fences.items() if count != 2 * len(blocks(path))] == []


@pytest.mark.parametrize(
    "command",
    [
        "python -m apps sentiment train --presets imdb",
        "python -m apps sentiment train --preset none",
        "python -m apps nothing train",
        "python -m apps sentiment sweep --space unit=8:16",
        "python -m pipelines export model.keras --precision int7",
        "make predict-nothing",
        'pip install ".[nothing]"',
        "python docs/nothing.py",
        "rm model.keras",
    ],
)
def test_a_wrong_command_is_found(command: str) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - any error fails the test of a page
        check(command)
