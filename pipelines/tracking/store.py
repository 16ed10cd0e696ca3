"""Find the store of runs: by default a SQLite file and a folder of artifacts under mlruns/."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


def store_uri() -> str:
    """Return the address of the store: MLFLOW_TRACKING_URI, or `mlruns/mlflow.db` in the current folder."""
    return (
        os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path('mlruns/mlflow.db').absolute().as_posix()}"
    )


def sqlite_folder(uri: str) -> Path | None:
    """Return the folder of a SQLite store, or None for any other kind of store."""
    path = uri.removeprefix("sqlite:///")
    return None if path == uri else Path(path).absolute().parent


@contextmanager
def locked(uri: str) -> Iterator[None]:
    """Lock a SQLite store against other processes while it is created: two at once would damage it.

    The lock is SQLite's own, on a file next to the store. It works on every system, and is released when its
    process dies. Other kinds of store are not locked.
    """
    folder = sqlite_folder(uri)
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "lock.db", timeout=120, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield
