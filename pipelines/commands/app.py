"""The command line: python -m apps APP VERB.

Exit codes: 0 done; 2 the user's input is wrong (one line says what, where and what was expected);
1 anything else.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import tyro

from ..app import App, discover, find
from ..config import Config, from_dict, require
from ..errors import UserError
from ..evaluation.score import score
from ..files import require_writable
from ..ondevice.bundle import Bundle
from ..ondevice.model import Model, Stream
from ..training.checkpoint import Checkpoint
from .command_line import guarded, log_to_standard_error, parse

if TYPE_CHECKING:
    from ..training.record import Result

EXPORTS = Path("exports")


C = TypeVar("C", bound=Config)
Options = TypeVar("Options")


@dataclass(frozen=True)
class Train(Generic[C]):
    """Train on the data, log to MLflow, export to TFLite, verify every file."""

    config: tyro.conf.OmitArgPrefixes[C]
    preset: str = "default"
    """The settings to start from; the options below change single ones."""
    output: Path = EXPORTS
    """Bundles are written to OUTPUT/APP/RUN_ID."""
    resume: str | None = None
    """Go on with the stopped run of this id, with its own settings."""
    seeds: int = 1
    """Train this many times, with seeds SEED, SEED + 1, ...; export the one that is best on validation."""
    record: bool = False
    """Keep the metrics in apps/APP/results.json, and renew the README's table."""
    register: str | None = None
    """Make a version of this registered model in MLflow, with the variants' figures as tags."""
    json: bool = False
    """Print one JSON object instead of the tables."""


@dataclass(frozen=True)
class Predict(Generic[Options]):
    """Answer with the model in a bundle; never imports TensorFlow."""

    options: tyro.conf.OmitArgPrefixes[Options]
    inputs: tyro.conf.Positional[tuple[str, ...]] = ()
    """What to answer: texts, or files, by the app."""
    file: Path | None = None
    """A UTF-8 text file, one input a line. For texts, the default is standard input."""
    bundle: Path | None = None
    """The bundle's folder. Default: exports/APP/latest."""
    variant: str | None = None
    """A .tflite file of the bundle, or a precision (float32, int8, ...). Default: the first."""
    json: bool = False
    """Print one JSON object instead of lines."""


@dataclass(frozen=True)
class Evaluate:
    """Score a bundle's model on data."""

    bundle: Path | None = None
    """The bundle's folder. Default: exports/APP/latest."""
    variant: str | None = None
    """A .tflite file of the bundle, or a precision. Default: the first."""
    dataset: str | None = None
    """As in training. Default: the data set that the bundle was trained on."""
    data_dir: Path | None = None
    """Where TFDS looks for the data set."""
    split: str = "test"
    """The split to score."""
    json: bool = False
    """Print one JSON object instead of lines."""


def main(argv: Sequence[str]) -> int:
    """Run `python -m apps ...`, and return the exit code."""
    return guarded(lambda: _dispatch(list(argv)))


def _dispatch(argv: list[str]) -> None:
    if not argv or argv[0] in ("-h", "--help"):
        _print_apps()
        return
    app = find(argv[0])
    if len(argv) < 2 or argv[1] in ("-h", "--help"):
        _print_verbs(app)
        return
    if argv[1] not in _VERBS:
        raise UserError(f"unknown verb {argv[1]!r}: expected one of {', '.join(_VERBS)}")
    _, run = _VERBS[argv[1]]
    run(app, argv[2:])


def _print_apps() -> None:
    print("usage: python -m apps APP VERB [options]\n\napps:")
    for app in discover().values():
        print(f"  {app.name:<20}{app.summary}")
    print("\nverbs:  " + ", ".join(_VERBS) + "  (python -m apps APP VERB --help tells more)")


def _print_verbs(app: App) -> None:
    print(f"{app.summary}\n\nusage: python -m apps {app.name} VERB [options]\n\nverbs:")
    for name, (command, _) in _VERBS.items():
        print(f"  {name:<20}{command.__doc__}")
    print(f"\npresets of train:  {', '.join(app.presets)}")


def _train(app: App, argv: list[str]) -> None:
    given = {word[2:].split("=")[0]: word for word in argv if word.startswith("--")}
    if "resume" in given and set(given) - {"resume", "output", "json", "record", "register"}:
        raise UserError("--resume takes every setting from the run: expected no option that changes one")
    preset = _preset(argv)
    if preset not in app.presets:
        raise UserError(f"--preset: expected one of {', '.join(app.presets)}, got {preset!r}")
    config = app.presets[preset]
    default = Train(config, preset)
    command = parse(Train[type(config)], f"python -m apps {app.name} train", argv, default)  # type: ignore[misc]
    config = command.config
    if command.resume:
        stored = Checkpoint.of_run(command.resume).settings()
        preset, config = stored["preset"], from_dict(type(config), stored["config"])
        command = dataclasses.replace(command, seeds=stored.get("seeds", 1))
    require(command.seeds >= 1, "seeds", "at least 1", command.seeds)
    require_writable("--output", command.output)
    from . import report

    result = _run_training(app, preset, config, command)
    if command.record:
        report.keep_record(app.name, result.record)
    print(json.dumps(result.record, indent=1) if command.json else report.summary(result))


def _run_training(app: App, preset: str, config: Config, command: Train[Any]) -> Result:
    arguments: dict[str, Any] = {
        "preset": preset,
        "config": config,
        "output": command.output,
        "resume": command.resume,
        "register": command.register,
    }
    if command.seeds > 1:
        from ..training.seeds import train_seeds

        return train_seeds(app, **arguments, seeds=command.seeds, prepare=_prepare_training)
    _prepare_training()
    from ..training.experiment import train

    return train(app, **arguments)


def _prepare_training() -> None:
    """Set up logging and import TensorFlow; called first in every process that trains."""
    log_to_standard_error()
    with _native_chatter_held_back():
        import tensorflow  # noqa: F401


@contextlib.contextmanager
def _native_chatter_held_back() -> Iterator[None]:
    """Keep what C++ writes to standard error (TensorFlow, of drivers that it doesn't find) for a failure."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            yield
        except BaseException:
            chatter.seek(0)
            os.write(kept, chatter.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _preset(argv: list[str]) -> str:
    """Find the preset before the other options are parsed: it gives their defaults."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--preset", default="default")
    return parser.parse_known_args([word for word in argv if word not in ("-h", "--help")])[0].preset


def _predict(app: App, argv: list[str]) -> None:
    default = Predict(app.options())
    command = parse(Predict[app.options], f"python -m apps {app.name} predict", argv, default)  # type: ignore[name-defined]
    bundle = _bundle(app, command.bundle)
    inputs = list(command.inputs)
    if command.file or (app.reads_lines and not inputs):
        inputs += _lines(command.file)
    answers = app.predict(bundle, inputs, command.variant, command.options)
    if command.json:
        print(json.dumps({"predictions": list(answers)}))
    else:
        for answer in answers:
            print(app.describe(answer), flush=True)


def _lines(file: Path | None) -> list[str]:
    """Read one input a line from a file, or from standard input."""
    if file is None and sys.stdin.isatty():
        print("one input a line; end with Ctrl-D", file=sys.stderr)
    try:
        content = sys.stdin.buffer.read() if file is None else file.read_bytes()
        return content.decode().splitlines()
    except OSError as error:
        raise UserError(f"--file {file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{file or 'standard input'}:{line}: expected UTF-8 text") from None


def _bundle(app: App, folder: Path | None) -> Bundle:
    if folder is None:
        folder = EXPORTS / app.name / "latest"
        if not folder.exists():
            target = f"make train-{app.name.replace('_', '-')}"
            raise UserError(f"no bundle at {folder}: train one first ({target}), or name one with --bundle")
    bundle = Bundle.open(folder)
    if bundle.manifest["app"] != app.name:
        raise UserError(f"{folder}: expected a bundle of {app.name}, got one of {bundle.manifest['app']}")
    return bundle


def _evaluate(app: App, argv: list[str]) -> None:
    command = parse(Evaluate, f"python -m apps {app.name} evaluate", argv)
    bundle = _bundle(app, command.bundle)
    config = from_dict(type(app.presets["default"]), bundle.manifest["config"])
    config = dataclasses.replace(
        config, dataset=command.dataset or config.dataset, data_dir=command.data_dir or config.data_dir
    )
    data = app.load(config)
    if command.split not in data.splits:
        raise UserError(f"--split: expected one of {', '.join(data.splits)}, got {command.split!r}")
    examples = data.splits[command.split]
    targets = app.targets(bundle, data, examples)
    runner = Stream if bundle.variant(command.variant)["execution"] == "step" else Model
    model = runner(bundle.variant_path(command.variant))
    scores, _ = score(model.predict, app.encode(bundle, examples.inputs), targets, app.metrics)
    if command.json:
        print(json.dumps({"split": command.split, "examples": len(examples), "metrics": scores}))
    else:
        print(f"{data.source}, {command.split}: {len(examples)} examples")
        for name, value in scores.items():
            print(f"  {name:<12}{value:.4f}")


_VERBS: dict[str, tuple[type, Callable[[App, list[str]], None]]] = {
    "train": (Train, _train),
    "evaluate": (Evaluate, _evaluate),
    "predict": (Predict, _predict),
}
