"""Check folders and files of the user before they are used, and write files completely or not at all."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from .errors import UserError

PREDICTIONS = Path("predictions")
"""The default folder of the files that `predict` writes."""
_FULL = re.compile("no space left|disk is full|disk quota exceeded", re.IGNORECASE)


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path`. Readers see the old file or the new one, even after a crash."""
    with atomic_file(path) as file:
        file.write(content)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of `path` when all is written, and not if there was an error."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_csv(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows, the header first, as a CSV file; see `write_atomically`."""
    content = io.StringIO(newline="")
    csv.writer(content, lineterminator="\n").writerows(rows)
    write_atomically(path, content.getvalue().encode())


def full_disk(error: BaseException | None) -> str | None:
    """Return one line that says so if an exception, or one that it came from, is about a full disk.

    Libraries wrap the system's error in exceptions of their own, so the text decides.
    """
    while error is not None:
        if _FULL.search(str(error)):
            file = getattr(error, "filename", None)
            return f"{file}: no space left on the disk" if file else "no space left on the disk"
        error = error.__cause__ or error.__context__
    return None


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


def require_place(option: str, file: Path) -> None:
    """Check, before any work, that a file can be written; raise UserError if not. See `require_folder`."""
    if file.is_dir():
        raise UserError(f"{option} {file}: expected a file to write, found a folder")
    require_folder(option, file.parent)


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


def require_regular(path: Path, most: int, what: str) -> None:
    """Check that a regular file is there and not too large: a device or a pipe may never end.

    Args:
        path: the file, or a link to it.
        most: the most bytes that it may have.
        what: what is expected, for messages, such as "a .tflite file".

    Raises:
        UserError: it is a device or a pipe, or it is too large.
        OSError: there is no such file, or it is a folder.
    """
    try:
        found = path.stat()
    except ValueError as error:  # a zero byte in the name
        raise UserError(f"{path}: expected {what}: {error}") from None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise UserError(f"{path}: expected {what}, found a device or a pipe")
    if found.st_size > most:
        raise UserError(f"{path}: expected {what} of at most {most:,} bytes, found {found.st_size:,}")


def read_regular(path: Path, most: int, what: str) -> bytes:
    """Return the content of a file that `require_regular` accepts.

    Raises:
        UserError: see `require_regular`.
        OSError: the file can't be read.
    """
    require_regular(path, most, what)
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:  # it grew, or its size was a lie, as those in /proc are
        raise UserError(f"{path}: expected {what} of at most {most:,} bytes, found more")
    return content


def read_file(path: Path, most: int, what: str) -> bytes:
    """Return the content of a file as `read_regular` does; raise UserError in every case."""
    try:
        return read_regular(path, most, what)
    except IsADirectoryError:
        raise UserError(f"{path}: expected {what}, found a folder") from None
    except OSError as error:
        raise UserError(f"{path}: expected {what}: {error.strerror}") from None
