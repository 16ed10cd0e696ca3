"""What a comparison compares, and where its parts go."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..app import App
from ..config import Config, to_dict
from ..files import write_atomically
from ..tracking.run import Run


@dataclass(frozen=True)
class Comparison:
    """What is compared."""

    app: App
    preset: str
    """The name that `config` started from."""
    config: Config
    """The settings that all families share."""
    families: tuple[str, ...]
    budget: int
    """Bytes of a file without its metadata."""
    precision: str
    """The precision of the files."""
    seeds: int
    learning_rates: tuple[float, ...] = ()
    """Learning rates to try for each family; empty for that of `config` alone."""
    execution: str | None = None
    """The execution of the file that must meet the budget; None for `step` if a family has it, or `loop`."""

    def settings(self) -> dict[str, Any]:
        """Return the settings as values that JSON can hold."""
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return values | {
            "app": self.app.name,
            "config": to_dict(self.config),
            "families": list(self.families),
            "learning_rates": list(self.learning_rates),
        }


@dataclass(frozen=True)
class Places:
    """Where the parts of a comparison go."""

    run: Run
    """The parent of all runs."""
    rows: Path
    """The file with the rows of the families that are finished."""
    parts: Path
    """The file with the parts of the family that isn't: its size, and the learning rates that were tried."""
    output: Path
    """The folder for bundles."""
    prepare: Callable[[], None]
    """Called at the start of each new process."""

    def once(self, part: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what `make` returns, which JSON can hold; from the file if a stopped comparison made it."""
        parts: dict[str, Any] = json.loads(self.parts.read_text()) if self.parts.is_file() else {}
        if part not in parts:
            parts[part] = make()
            write_atomically(self.parts, json.dumps(parts, indent=1).encode())
        found: dict[str, Any] = parts[part]
        return found
