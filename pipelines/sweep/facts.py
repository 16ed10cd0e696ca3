"""What must be the same for all who work on a study."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..app import App
from ..config import Config, Space
from ..training import agreed
from .space import as_words


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
        "version of the code": agreed.code_version(app),
        "objective": " ".join(objectives),
        "space": as_words(space),
        **{name: str(value) for name, value in settings_of(config, space).items()},
    }


def settings_of(config: Config, space: Space) -> dict[str, Any]:
    """Return the settings that all trials share, without those that name places."""
    return {name: value for name, value in agreed.settings_of(config).items() if name not in space}


def name_of(app: App, preset: str, facts: Mapping[str, str]) -> str:
    """Return the name of a study for these facts: the same words typed again find it."""
    return f"{app.name}-{preset}-{agreed.digest([json.dumps(facts, sort_keys=True).encode()])[:8]}"
