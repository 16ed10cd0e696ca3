"""What must be the same for all who work on one thing: the version of the code, and the settings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..app import App, folder_of
from ..config import Config, to_dict
from ..data.examples import Data

_PACKAGE = Path(__file__).parents[1]
_PLACES = ("dataset", "data_dir")
"""Settings that name places, which may differ from machine to machine: the data's fingerprint counts."""


def code_version(app: App) -> str:
    """Return a digest of the code that trains: of the layers, the pipelines and the app."""
    folders = (_PACKAGE.parent / "layers", _PACKAGE, folder_of(app.name))
    paths = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return digest(path.read_bytes() for path in paths)


def settings_of(config: Config) -> dict[str, Any]:
    """Return the settings without those that name places."""
    return {name: value for name, value in to_dict(config).items() if name not in _PLACES}


def facts_of(app: App, config: Config, resume: str | None) -> dict[str, str]:
    """Return what all processes of a training must have before they load the data, as short texts.

    Args:
        app: the app.
        config: the settings.
        resume: the id of the run to resume, if any.
    """
    return {
        "app": app.name,
        "version of the code": code_version(app),
        "TensorFlow": version("tensorflow"),
        "--resume": resume or "no run",
        **{f"--{name.replace('_', '-')}": str(value) for name, value in settings_of(config).items()},
    }


def fact_of_data(data: Data) -> dict[str, str]:
    """Return which data all processes of a training must have."""
    return {"data": f"{data.source} {data.fingerprint[:12]}"}


def digest(contents: Iterable[bytes]) -> str:
    """Return a short digest of contents, one after the other."""
    found = hashlib.sha256()
    for content in contents:
        found.update(content)
    return found.hexdigest()[:12]
