"""The state of a training run, written to disk after every epoch, so that a stopped run can be resumed."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..evaluation.outcome import Progress
from ..files import write_atomically

CHECKPOINTS = Path("mlruns/checkpoints")
_WEIGHTS = ("best", "model", "optimizer")


class Checkpoint:
    """The folder that `--resume` reads: the settings of a run and its progress."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._settings = folder / "settings.json"
        self._progress = folder / "progress.npz"
        self._scores = folder / "scores.json"

    @classmethod
    def of_run(cls, run_id: str) -> Checkpoint:
        """Return the checkpoint of an MLflow run."""
        if not re.fullmatch("[0-9a-f]{32}", run_id):
            raise UserError(f"--resume {run_id}: expected the id of a run, 32 letters and digits")
        return cls(CHECKPOINTS / run_id)

    @classmethod
    def of_child(cls, parent: str, seed: int) -> Checkpoint | None:
        """Return the checkpoint of the run with this seed among the children of an MLflow run, if any."""
        for path in CHECKPOINTS.glob("*/settings.json"):
            settings = json.loads(path.read_bytes())
            if settings.get("parent") == parent and settings["config"]["seed"] == seed:
                return cls(path.parent)
        return None

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Write the settings of the run; done once, before the first epoch."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._settings, json.dumps(settings, indent=1).encode())

    def settings(self) -> dict[str, Any]:
        """Return the settings.

        Raises:
            UserError: there are none, since there is no such run or it has ended.
        """
        if not self._settings.is_file():
            raise UserError(
                f"--resume {self.folder.name}: nothing to resume in {self.folder.parent}: expected the id of "
                f"a run that was stopped before it ended, one of: {', '.join(self._others()) or 'none'}"
            )
        return json.loads(self._settings.read_bytes())

    def write_scores(self, scores: dict[str, Any]) -> None:
        """Write the scores of the trained network; done once, when the training has ended."""
        write_atomically(self._scores, json.dumps(scores, indent=1).encode())

    def scores(self) -> dict[str, Any] | None:
        """Return the scores that `write_scores` wrote, or None if the training has not ended."""
        return json.loads(self._scores.read_bytes()) if self._scores.is_file() else None

    def _others(self) -> list[str]:
        return sorted(path.parent.name for path in self.folder.parent.glob("*/settings.json"))

    def save(self, progress: Progress) -> None:
        """Write the progress, and replace the older one."""
        arrays = {
            f"{name}/{i}": array for name in _WEIGHTS for i, array in enumerate(getattr(progress, name))
        }
        fields = {f.name: getattr(progress, f.name) for f in dataclasses.fields(progress)}
        meta = {name: value for name, value in fields.items() if name not in _WEIGHTS}
        buffer = io.BytesIO()
        np.savez(buffer, meta=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)
        write_atomically(self._progress, buffer.getvalue())

    def load(self) -> Progress:
        """Return the progress on disk; an empty one before the first epoch has ended."""
        if not self._progress.is_file():
            return Progress()
        with np.load(self._progress, allow_pickle=False) as stored:
            weights: dict[str, Any] = {
                name: [stored[key] for key in stored if key.startswith(f"{name}/")] for name in _WEIGHTS
            }
            return Progress(**json.loads(stored["meta"].tobytes()), **weights)
