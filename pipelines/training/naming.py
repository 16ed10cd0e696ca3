"""Name runs, and say which command makes them."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..app import PROGRAM, App
from ..config import Config

_IN_OTHER_WORDS = {"dataset", "data_dir", "cell", "units", "depth", "precisions"}
"""Settings that a name shows in another way, or that change nothing in the network."""


def run_name(app: App, preset: str, config: Config, *more: str) -> str:
    """Return a name that tells runs apart: network, preset or data, settings that differ from the preset.

    Args:
        app: the app.
        preset: the name that `config` started from.
        config: the settings.
        more: further parts of the name; the seed is left out then, since they tell it.
    """
    changed = {
        name: value
        for name, value in _changes(app, preset, config)
        if name not in _IN_OTHER_WORDS and not (more and name == "seed")
    }
    parts = [config.network, _on(app, preset, config), ", ".join(f"{k} {v}" for k, v in changed.items())]
    return " · ".join([*filter(None, parts), *more])


def command(app: App, preset: str, config: Config, seeds: int = 1) -> str:
    """Return the command line that trains with these settings."""
    words = [PROGRAM, app.name, "train"]
    words += [] if preset == "default" else ["--preset", shlex.quote(preset)]
    for name, value in _changes(app, preset, config):
        words.append(_option(name.replace("_", "-"), value))
    return " ".join([*words, *([f"--seeds {seeds}"] if seeds > 1 else [])])


def _on(app: App, preset: str, config: Config) -> str:
    """Return the preset, the data that the user names instead of the preset's, or both."""
    if config.dataset == _preset(app, preset, config).dataset:
        return preset
    data = Path(config.dataset).name if Path(config.dataset).exists() else config.dataset
    return data if preset == "default" else f"{preset} on {data}"


def _changes(app: App, preset: str, config: Config) -> Iterator[tuple[str, Any]]:
    """Yield the settings that differ from those of the preset, and their values."""
    usual = _preset(app, preset, config)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value != getattr(usual, field.name):
            yield field.name, value


def _preset(app: App, preset: str, config: Config) -> Config:
    """Return the settings of the preset; without one of this name, those of the class."""
    return app.presets.get(preset) or type(config)()


def _option(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    values = value if isinstance(value, tuple) else (value,)
    return " ".join([f"--{name}", *(shlex.quote(str(each)) for each in values)])
