"""The state of a training run, written to disk after every epoch, so that a stopped run can be resumed."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import os
import re
import socket
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..evaluation.outcome import Progress
from ..files import write_atomically

log = logging.getLogger(__name__)

CHECKPOINTS = Path("mlruns/checkpoints")
_WEIGHTS = ("best", "model", "optimizer")
_SETTINGS = ("app", "preset", "config")
_DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error)


class Checkpoint:
    """The folder that `--resume` reads: the settings of a run and its progress.

    The progress of the last two epochs is kept. If the newest file is damaged, the older one is used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._settings = folder / "settings.json"
        self._scores = folder / "scores.json"
        self._next = folder / "progress.next.npz"
        self._progress = folder / "progress.npz"
        self._before = folder / "progress.before.npz"
        self._told: set[Path] = set()

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
            settings = _json_object(path) or {}
            if settings.get("parent") == parent and settings["config"]["seed"] == seed:
                return cls(path.parent)
        return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no other process use the checkpoint as long as the context lasts.

        The lock is the operating system's own, so that it ends with its process, however that ends.

        Raises:
            UserError: another process holds it. The message names the process.
        """
        import fcntl  # not on Windows, where nothing trains but `predict` imports this module

        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                file.seek(0)
                holder = file.read() or "a process"
                raise UserError(
                    f"--resume {self.folder.name}: the run is still running, in {holder}: "
                    "expected a run that was stopped"
                ) from None
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
            yield

    def require_stopped(self) -> None:
        """Raise UserError if a process still runs this run, or the run with several seeds it belongs to."""
        parent = self.settings().get("parent")
        for checkpoint in (self, Checkpoint.of_run(parent) if parent else self):
            if checkpoint.folder.is_dir():
                with checkpoint.held():
                    pass

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Write the settings of the run; done once, before the first epoch."""
        write_atomically(self._settings, json.dumps(settings, indent=1).encode())

    def settings(self) -> dict[str, Any]:
        """Return the settings.

        Raises:
            UserError: there are none, since there is no such run or it has ended, or the file is damaged.
        """
        if not self._settings.is_file():
            raise UserError(
                f"--resume {self.folder.name}: nothing to resume in {self.folder.parent}: expected the id of "
                f"a run that was stopped before it ended, one of: {', '.join(self._others()) or 'none'}"
            )
        settings = _json_object(self._settings)
        if settings is None or any(name not in settings for name in _SETTINGS):
            raise UserError(
                f"--resume {self.folder.name}: {self._settings} is damaged: expected a JSON object with "
                f"{', '.join(_SETTINGS)}: train again without --resume"
            )
        return settings

    def write_scores(self, scores: dict[str, Any]) -> None:
        """Write the scores of the trained network; done once, when the training has ended."""
        write_atomically(self._scores, json.dumps(scores, indent=1).encode())

    def scores(self) -> dict[str, Any] | None:
        """Return the scores that `write_scores` wrote, or None if they must be made again."""
        return _json_object(self._scores)

    def _others(self) -> list[str]:
        return sorted(path.parent.name for path in self.folder.parent.glob("*/settings.json"))

    def save(self, progress: Progress) -> None:
        """Write the progress, and keep that of the epoch before."""
        arrays = {
            f"{name}/{i}": array for name in _WEIGHTS for i, array in enumerate(getattr(progress, name))
        }
        fields = {f.name: getattr(progress, f.name) for f in dataclasses.fields(progress)}
        meta = {name: value for name, value in fields.items() if name not in _WEIGHTS}
        buffer = io.BytesIO()
        np.savez(buffer, meta=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)
        write_atomically(self._next, buffer.getvalue())
        if self._progress.exists():
            self._progress.replace(self._before)
        self._next.replace(self._progress)

    def load(self) -> Progress:
        """Return the newest whole progress on disk; an empty one before the first epoch has ended.

        Raises:
            UserError: there are files, but all of them are damaged.
        """
        newest_first = (self._next, self._progress, self._before)  # whatever stopped `save`
        damaged = None
        for path in newest_first:
            if not path.is_file():
                continue
            try:
                progress = _read_progress(path)
            except _DAMAGE as error:
                damaged = damaged or f"{path} is damaged ({' '.join(str(error).split())})"
                continue
            if damaged and path not in self._told:
                log.warning("%s: going on after epoch %d, which is whole", damaged, progress.epochs)
                self._told.add(path)
            return progress
        if damaged:
            raise UserError(f"{damaged}: expected a whole epoch: train again without --resume")
        return Progress()


def _json_object(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file, or None if there is no file or its content is anything else."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _read_progress(path: Path) -> Progress:
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
        weights: dict[str, Any] = {
            name: [stored[key] for key in stored if key.startswith(f"{name}/")] for name in _WEIGHTS
        }
        return Progress(**json.loads(stored["meta"].tobytes()), **weights)
