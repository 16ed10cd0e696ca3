"""Shell completion of the whole command `unrolled`: its verbs, apps and all their options."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Iterable
from typing import Annotated, Any

import tyro

from ..app import App, discover
from . import app as of_app
from .benchmark import Benchmark
from .export import Export
from .train import Train
from .ui import Ui


def write_completion(argv: list[str]) -> None:
    """Print or write the script that `argv` asks for: a tyro option, the shell and, to write, the file."""
    verbs = [_verb(Export, "export"), _verb(Benchmark, "benchmark"), _verb(Ui, "ui")]
    tyro.cli(_one_of([*verbs, *map(_app, discover().values())]), prog="unrolled", args=argv)


def _one_of(types: Iterable[Any]) -> Any:
    """Return the union of types."""
    return functools.reduce(operator.or_, types)


def _verb(command: Any, name: str, **default: Any) -> Any:
    return Annotated[command, tyro.conf.subcommand(name, **default)]


def _app(app: App) -> Any:
    config = app.presets["default"]
    verbs = (
        _verb(Train[type(config)], "train", default=Train(config)),  # type: ignore[misc]
        _verb(of_app.Evaluate, "evaluate"),
        _verb(of_app.Predict[app.options], "predict", default=of_app.Predict(app.options())),  # type: ignore[name-defined]
    )
    choice: Any = Annotated[_one_of(verbs), tyro.conf.OmitSubcommandPrefixes]
    fields = [("verb", choice)]
    return _verb(dataclasses.make_dataclass(app.name, fields), app.name)
