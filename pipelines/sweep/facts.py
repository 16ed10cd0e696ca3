"""What must be the same for all who work on a study."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..app import App, folder_of
from ..config import Config, Space, to_dict
from .space import as_words

_PACKAGE = Path(__file__).parents[1]
_PLACES = ("dataset", "data_dir")
"""Settings that name places, which may differ from machine to machine: the data's fingerprint counts."""


def facts_of(
    app: App, config: Config, *, space: Space, objectives: Iterable[str], data: tuple[str, str]
) -> dict[str, str]:
    """Return what a study is of, as short texts by what they tell.

    Args:
        app: the app.
        config: the settings that all trials share.
        space: what is varied.
        objectives: their names.
        data: the name of the data and its fingerprint.
    """
    return {
        "app": app.name,
        "data": f"{data[0]} {data[1][:12]}",
        "version of the code": _code(app),
        "objective": " ".join(objectives),
        "space": as_words(space),
        **{name: str(value) for name, value in settings_of(config, space).items()},
    }


def settings_of(config: Config, space: Space) -> dict[str, Any]:
    """Return the settings that all trials share, without those that name places."""
    return {name: value for name, value in to_dict(config).items() if name not in (*_PLACES, *space)}


def name_of(app: App, preset: str, facts: Mapping[str, str]) -> str:
    """Return the name of a study for these facts: the same words typed again find it."""
    return f"{app.name}-{preset}-{_digest([json.dumps(facts, sort_keys=True).encode()])[:8]}"


def _code(app: App) -> str:
    """Return a digest of the code that trains: of the layers, the pipelines and the app."""
    folders = (_PACKAGE.parent / "layers", _PACKAGE, folder_of(app.name))
    paths = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return _digest(path.read_bytes() for path in paths)


def _digest(contents: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for content in contents:
        found.update(content)
    return found.hexdigest()[:12]
