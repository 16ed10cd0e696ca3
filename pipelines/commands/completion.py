"""Shell completion of the whole command `unrolled`: its verbs, apps and all their options."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Iterable
from typing import Annotated, Any

import tyro

from ..app import App, discover
from .app import options_of
from .verbs import VERBS, load


def write_completion(argv: list[str]) -> None:
    """Print or write a completion script.

    Args:
        argv: tyro's option, the shell and, for `--tyro-write-completion`, the file.
    """
    verbs = [_verb(load(name)[1], name) for name in VERBS]
    tyro.cli(_one_of([*verbs, *map(_app, discover().values())]), prog="unrolled", args=argv)


def _one_of(types: Iterable[Any]) -> Any:
    """Return the union of types."""
    return functools.reduce(operator.or_, types)


def _verb(command: Any, name: str, **default: Any) -> Any:
    return Annotated[command, tyro.conf.subcommand(name, **default)]


def _app(app: App) -> Any:
    verbs = (
        _verb(options, name, **({} if default is None else {"default": default}))
        for name, (options, default) in options_of(app).items()
    )
    choice: Any = Annotated[_one_of(verbs), tyro.conf.OmitSubcommandPrefixes]
    fields = [("verb", choice)]
    return _verb(dataclasses.make_dataclass(app.name, fields), app.name)
