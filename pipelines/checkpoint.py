"""Where a training stands, on disk after every epoch, so that a killed one can go on."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .errors import UserError
from .files import write_atomically

Weights = list[np.ndarray]
CHECKPOINTS = Path("mlruns/checkpoints")


@dataclass
class Progress:
    """Everything that changes while a network trains."""

    history: list[dict[str, float]] = field(default_factory=list)
    """Metrics of each finished epoch, first to last."""
    best_epoch: int = 0
    """1 for the first; 0 before it."""
    best_value: float = -np.inf
    finished: bool = False
    """Whether training ended by itself (all epochs, or early stopping)."""
    best: Weights = field(default_factory=list)
    """The model's variables after the best epoch."""
    model: Weights = field(default_factory=list)
    optimizer: Weights = field(default_factory=list)
    gradients: list[dict[str, list[list[float]]]] = field(default_factory=list)
    """After each finished epoch, for each recurrent layer's state, gradient norms by lag (see `plots`)."""
    seconds: float = 0.0
    """Spent on the finished epochs, validation included."""

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.history)


_WEIGHTS = ("best", "model", "optimizer")


class Checkpoint:
    """A folder with what `--resume` needs: the run's settings and its progress."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._settings = folder / "settings.json"
        self._progress = folder / "progress.npz"

    @classmethod
    def of_run(cls, run_id: str) -> Checkpoint:
        """Return the checkpoint of an MLflow run."""
        if not re.fullmatch("[0-9a-f]{32}", run_id):
            raise UserError(f"--resume {run_id}: expected the id of a run, 32 letters and digits")
        return cls(CHECKPOINTS / run_id)

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Keep the settings of the run; done once, before the first epoch."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._settings, json.dumps(settings, indent=1).encode())

    def settings(self) -> dict[str, Any]:
        """Return the settings, or refuse a run that has none."""
        if not self._settings.is_file():
            raise UserError(
                f"--resume {self.folder.name}: nothing to resume in {self.folder.parent}: expected the id of "
                f"a run that was stopped before it ended, one of: {', '.join(self._others()) or 'none'}"
            )
        return json.loads(self._settings.read_bytes())

    def _others(self) -> list[str]:
        return sorted(path.parent.name for path in self.folder.parent.glob("*/settings.json"))

    def save(self, progress: Progress) -> None:
        """Replace the progress on disk."""
        arrays = {
            f"{name}/{i}": array for name in _WEIGHTS for i, array in enumerate(getattr(progress, name))
        }
        fields = {f.name: getattr(progress, f.name) for f in dataclasses.fields(progress)}
        meta = {name: value for name, value in fields.items() if name not in _WEIGHTS}
        buffer = io.BytesIO()
        np.savez(buffer, meta=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)
        write_atomically(self._progress, buffer.getvalue())

    def load(self) -> Progress:
        """Return the progress on disk; a fresh one before the first finished epoch."""
        if not self._progress.is_file():
            return Progress()
        with np.load(self._progress, allow_pickle=False) as stored:
            weights: dict[str, Any] = {
                name: [stored[key] for key in stored if key.startswith(f"{name}/")] for name in _WEIGHTS
            }
            return Progress(**json.loads(stored["meta"].tobytes()), **weights)
