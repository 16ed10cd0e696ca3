"""Correct the addresses of artifacts in a store that was moved or copied together with them.

MLflow writes absolute addresses into the store, so that a copied checkout would write to the old one.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .store import sqlite_file

log = logging.getLogger(__name__)

_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Tables and columns of MLflow's store."""


def correct_addresses(uri: str) -> None:
    """Let a SQLite store's addresses point to the artifacts beside it, and say so if they were elsewhere.

    Addresses are changed only where an experiment has its artifacts beside the store and the address of
    another folder. Other kinds of store are left alone.
    """
    file = sqlite_file(uri)
    if file is None or not file.is_file():
        return
    with closing(sqlite3.connect(file, timeout=120)) as store, store:
        for before in _folders_before(store, file.parent):
            for table, column in _ADDRESSES:
                _move(store, f"{table}.{column}", before.as_uri(), file.parent.as_uri())
                _move(store, f"{table}.{column}", str(before), str(file.parent))
            log.warning(
                "%s was moved or copied from %s: its runs now have their artifacts here", file.parent, before
            )


def _folders_before(store: sqlite3.Connection, folder: Path) -> list[Path]:
    """Return the other folders in which the store's experiments look for what lies in `folder`."""
    found = set()
    for (location,) in store.execute("SELECT artifact_location FROM experiments"):
        address = urlsplit(location or "")
        path = Path(url2pathname(address.path))
        elsewhere = path.parent.name == "artifacts" and path.parent.parent.resolve() != folder.resolve()
        if address.scheme in ("", "file") and elsewhere and (folder / "artifacts" / path.name).is_dir():
            found.add(path.parent.parent)
    return sorted(found)


def _move(store: sqlite3.Connection, name: str, before: str, after: str) -> None:
    """Replace `before` by `after` at the start of addresses."""
    table, column = name.split(".")
    prefix = f"{before}/"
    store.execute(
        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
        (f"{after}/", len(prefix) + 1, len(prefix), prefix),
    )
