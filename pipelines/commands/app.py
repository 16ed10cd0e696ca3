"""The verbs of every app that use a bundle: evaluate, predict."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import numpy as np
import tyro

from ..app import SHIPPED, App, folder_of
from ..config import PretrainedConfig
from ..data.examples import Data, Examples
from ..data.tables import Form, is_table, read_column
from ..errors import UserError
from ..evaluation.score import score, signatures
from ..ondevice.bundle import Bundle
from ..ondevice.manifest import PRECISIONS
from ..ondevice.model import runner_of
from .command_line import parse
from .compare import Compare
from .compare import run as compare
from .input_lines import lines_given, lines_in
from .sweep import Sweep
from .sweep import run as sweep
from .train import EXPORTS, Train
from .train import run as train

log = logging.getLogger(__name__)
Options = TypeVar("Options")
ALL = "all"
"""The value of `evaluate --split` for all splits together."""

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
    """A text file with one input per line, or a CSV, TSV, JSONL or JSON file with the column that training
    reads."""
    column: Annotated[
        str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: as in training)")
    ] = None
    """The column of the inputs in a CSV, TSV, JSONL or JSON file."""
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
    split: Annotated[
        str | None,
        tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: test if the data has it, else all)"),
    ] = None
    """The split to score, or `all` of the data."""
    json: bool = False
    """Print one JSON object instead of lines."""


def run(verb: str, app: App, argv: list[str], prog: str) -> None:
    """Run `verb` (train, sweep, compare, evaluate or predict) with the options in `argv`.

    Raises:
        UserError: an option is wrong, or a file or data set that it names can't be used.
    """
    verbs = {"train": train, "sweep": sweep, "compare": compare, "evaluate": _evaluate, "predict": _predict}
    verbs[verb](app, argv, prog)


def options_of(app: App) -> dict[str, tuple[Any, Any]]:
    """Return the options of each verb of an app: their dataclass, and default values or None."""
    config = app.presets["default"]
    return {
        "train": (Train[type(config)], Train(config)),  # type: ignore[misc]
        "sweep": (Sweep[type(config)], Sweep(config)),  # type: ignore[misc]
        "compare": (Compare[type(config)], Compare(config)),  # type: ignore[misc]
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
    elif command.file:
        inputs += lines_in(command.file)
    asked = app.reads_lines and not inputs and not command.file
    if not command.json:
        _say_which(app, bundle, prog)
    answers = app.predict(bundle, lines_given() if asked else inputs, command.variant, command.options)
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
    values = read_column(file, column, "--column", Form.of(settings))
    return values if app.reads_lines else [str(file.parent / value) for value in values]


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
    app = app.of_bundle(bundle)
    data = _data_to_score(app, bundle, command)
    split, examples = _chosen(data, command.split)
    left_out = {} if split == ALL else {name: n for name, n in data.counts.items() if name != split}
    notes = [*data.notes, *_about_scored(bundle, data, command, split), *_about_left_out(left_out)]
    for note in notes:
        log.warning("%s", note)
    targets = app.targets(bundle, data, examples)
    runner = runner_of(bundle.variant(command.variant)["execution"])
    model = runner(bundle.variant_path(command.variant))
    scores, _ = score(model.predict, app.encode(bundle, examples.inputs), targets, app.metrics)
    exactly = signatures(app.metrics)
    if command.json:
        counts = {"examples": len(examples), "not_scored": left_out}
        more = {"signatures": exactly} if exactly else {}
        print(json.dumps({"split": split, **counts, "metrics": scores, **more, "notes": notes}))
    else:
        print(f"{data.source}, {split}: {len(examples)} examples")
        for name, value in scores.items():
            print(f"  {name:<12}{value:.4f}  {exactly.get(name, '')}".rstrip())


def _data_to_score(app: App, bundle: Bundle, command: Evaluate) -> Data:
    """Load the data of the training with its splits, or other data as it is given; never pretraining data."""
    config = app.config_of(bundle)
    changes: dict[str, Any] = {"pretraining_epochs": 0}
    if isinstance(config, PretrainedConfig):
        changes["pretraining_dataset"] = None
    changes["dataset"] = command.dataset or config.dataset
    changes["data_dir"] = command.data_dir or config.data_dir
    return app.load(dataclasses.replace(config, **changes), as_given=command.dataset is not None)


def _chosen(data: Data, wanted: str | None) -> tuple[str, Examples]:
    """Return the name of the split to score and its examples; by default `test`, or all if there is none."""
    name = wanted or ("test" if "test" in data.splits else ALL)
    if name == ALL:
        splits = list(data.splits.values())
        inputs = [each for split in splits for each in split.inputs]
        return ALL, Examples(inputs, np.concatenate([split.targets for split in splits]))
    if name not in data.splits:
        raise UserError(f"--split: expected one of {', '.join(data.splits)}, {ALL}, got {name!r}")
    return name, data.splits[name]


def _about_scored(bundle: Bundle, data: Data, command: Evaluate, split: str) -> list[str]:
    """Return a note if the network may have seen the examples in its training."""
    name = bundle.manifest["dataset"]
    if command.dataset is None or split != ALL or name.split(" after ")[0] != data.source:
        return []
    return [f"{data.source}: the network was trained on data of this name, and may know the examples"]


def _about_left_out(left_out: dict[str, int]) -> list[str]:
    counts = ", ".join(f"{count:,} of {name}" for name, count in left_out.items())
    return [f"not scored: {counts} (--split {ALL} scores everything)"] if left_out else []
