"""The verbs of every app that use a bundle: evaluate, predict."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import tyro

from ..app import SHIPPED, App, folder_of
from ..config import from_dict
from ..data.tables import is_table, read_column
from ..errors import UserError
from ..evaluation.score import score
from ..ondevice.bundle import Bundle
from ..ondevice.manifest import PRECISIONS
from ..ondevice.model import runner_of
from .command_line import parse
from .train import EXPORTS, Train
from .train import run as train

log = logging.getLogger(__name__)
Options = TypeVar("Options")


BundleOption = Annotated[
    Path | None,
    tyro.conf.arg(
        metavar="FOLDER", help_behavior_hint="(default: exports/APP/latest, or else the shipped one)"
    ),
]
VariantOption = Annotated[
    str | None,
    tyro.conf.arg(
        metavar="NAME",
        help=f"A .tflite file of the bundle, or a precision: {', '.join(PRECISIONS)}.",
        help_behavior_hint="(default: float32)",
    ),
]


@dataclass(frozen=True)
class Predict(Generic[Options]):
    """Run the model of a bundle on inputs, without TensorFlow."""

    options: tyro.conf.OmitArgPrefixes[Options]
    inputs: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(help_behavior_hint="")] = ()
    """The inputs: texts or files, depending on the app."""
    file: Annotated[
        Path | None,
        tyro.conf.arg(metavar="FILE", help_behavior_hint="(default in apps for texts: standard input)"),
    ] = None
    """A text file with one input per line, or a CSV, TSV or JSONL file with the column that training
    reads."""
    column: Annotated[
        str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: as in training)")
    ] = None
    """The column of the inputs in a CSV, TSV or JSONL file."""
    bundle: BundleOption = None
    """The bundle to use."""
    variant: VariantOption = None
    json: bool = False
    """Print one JSON object instead of lines."""


@dataclass(frozen=True)
class Evaluate:
    """Score a bundle's model on data."""

    bundle: BundleOption = None
    """The bundle to use."""
    variant: VariantOption = None
    dataset: Annotated[
        str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: as in training)")
    ] = None
    """The data set, named as for `train`."""
    data_dir: Annotated[
        Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="(default: as in training)")
    ] = None
    """The folder in which TFDS looks for the data set."""
    split: str = "test"
    """The split to score."""
    json: bool = False
    """Print one JSON object instead of lines."""


def run(verb: str, app: App, argv: list[str], prog: str) -> None:
    """Run `verb` (train, evaluate or predict) with the options in `argv`.

    Raises:
        UserError: an option is wrong, or a file or data set that it names can't be used.
    """
    {"train": train, "evaluate": _evaluate, "predict": _predict}[verb](app, argv, prog)


def options_of(app: App) -> dict[str, tuple[Any, Any]]:
    """Return the options of each verb of an app: their dataclass, and default values or None."""
    config = app.presets["default"]
    return {
        "train": (Train[type(config)], Train(config)),  # type: ignore[misc]
        "evaluate": (Evaluate, None),
        "predict": (Predict[app.options], Predict(app.options())),  # type: ignore[name-defined]
    }


def _predict(app: App, argv: list[str], prog: str) -> None:
    options, default = options_of(app)["predict"]
    command = parse(options, prog, argv, default)
    bundle = _bundle(app, command.bundle, prog)
    if warning := bundle.warning(command.variant):
        log.warning("%s: %s", bundle.folder, warning)
    inputs = list(command.inputs)
    if command.file and app.input_column and is_table(command.file):
        inputs += _column(app, bundle, command.file, command.column)
    elif command.file or (app.reads_lines and not inputs):
        inputs += _lines(command.file)
    if not command.json:
        _say_which(app, bundle, prog)
    answers = app.predict(bundle, inputs, command.variant, command.options)
    if command.json:
        print(json.dumps({"predictions": list(answers)} | ({"warning": warning} if warning else {})))
    else:
        for answer in answers:
            print(app.describe(answer), flush=True)


def _column(app: App, bundle: Bundle, file: Path, column: str | None) -> list[str]:
    """Return the inputs in a column of a table. Files are relative to the table's folder, as in training."""
    assert app.input_column is not None
    settings = bundle.manifest["config"]
    column = column or app.input_column(settings)
    values = read_column(file, column, "--column", settings.get("encoding", "utf-8"))
    return values if app.reads_lines else [str(file.parent / value) for value in values]


def _lines(file: Path | None) -> list[str]:
    """Read a file, or standard input, and return its lines. Each line is one input."""
    if file is None and sys.stdin.isatty():
        print("one input per line; end with Ctrl-D", file=sys.stderr)
    try:
        content = sys.stdin.buffer.read() if file is None else file.read_bytes()
        return content.decode().splitlines()
    except OSError as error:
        raise UserError(f"--file {file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{file or 'standard input'}:{line}: expected UTF-8 text") from None


def _bundle(app: App, folder: Path | None, prog: str) -> Bundle:
    """Open the named bundle, or else the newest one trained here, or the one shipped with the app."""
    if folder is None:
        folder = EXPORTS / app.name / "latest"
        if not folder.exists():
            folder = _shipped(app, folder, prog)
    bundle = Bundle.open(folder)
    if bundle.manifest["app"] != app.name:
        raise UserError(
            f"{folder}: expected a bundle of {app.name}, got a bundle of {bundle.manifest['app']}"
        )
    return bundle


def _shipped(app: App, missing: Path, prog: str) -> Path:
    folder = folder_of(app.name) / SHIPPED
    if not folder.exists():
        command = _training_command(app, prog)
        raise UserError(f"no bundle at {missing}: train one first ({command}), or name one with --bundle")
    return folder


def _training_command(app: App, prog: str) -> str:
    installed = prog.startswith("unrolled ")
    return f"unrolled {app.name} train" if installed else f"make train-{app.name.replace('_', '-')}"


def _say_which(app: App, bundle: Bundle, prog: str) -> None:
    """Say on standard error which network answers."""
    manifest = bundle.manifest
    metric, shipped = manifest["metric"], bundle.folder == folder_of(app.name) / SHIPPED
    name = "the shipped network" if shipped else str(bundle.folder)
    more = f"; train your own: {_training_command(app, prog)}" if shipped else ""
    quality = f"{metric['name']} {metric['value']:.3g}"
    print(f"{name}, trained on {manifest['dataset']} ({quality}){more}", file=sys.stderr)


def _evaluate(app: App, argv: list[str], prog: str) -> None:
    command = parse(Evaluate, prog, argv)
    bundle = _bundle(app, command.bundle, prog)
    config = from_dict(type(app.presets["default"]), bundle.manifest["config"])
    config = dataclasses.replace(
        config, dataset=command.dataset or config.dataset, data_dir=command.data_dir or config.data_dir
    )
    data = app.load(config)
    if command.split not in data.splits:
        raise UserError(f"--split: expected one of {', '.join(data.splits)}, got {command.split!r}")
    examples = data.splits[command.split]
    targets = app.targets(bundle, data, examples)
    runner = runner_of(bundle.variant(command.variant)["execution"])
    model = runner(bundle.variant_path(command.variant))
    scores, _ = score(model.predict, app.encode(bundle, examples.inputs), targets, app.metrics)
    if command.json:
        print(json.dumps({"split": command.split, "examples": len(examples), "metrics": scores}))
    else:
        print(f"{data.source}, {command.split}: {len(examples)} examples")
        for name, value in scores.items():
            print(f"  {name:<12}{value:.4f}")
