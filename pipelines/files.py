"""Check that folders can be written to, and write files completely or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import UserError

PREDICTIONS = Path("predictions")
"""The default folder of the files that `predict` writes."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path`. Readers see the old file or the new one, even after a crash."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def require_folder(option: str, folder: Path) -> None:
    """Check, before any work, that files can be written to a folder; raise UserError if not.

    The folder must exist. Only `PREDICTIONS` is made if it is missing.
    """
    try:
        if folder == PREDICTIONS:
            folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"{option} {folder}: expected a folder to write to: {error.strerror}") from None


def require_writable(option: str, folder: Path) -> None:
    """Check, before any work, that a folder can be written to or made later; raise UserError if not.

    Nothing is made: a command that fails leaves no empty folder.
    """
    try:
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise UserError(f"{option} {folder}: expected a folder to write to: {error.strerror}") from None
