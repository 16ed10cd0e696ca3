"""Find the store of runs: by default a SQLite file and a folder of artifacts under mlruns/."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from ..errors import UserError

_SERVERS = ("http://", "https://")
_PATIENCE = 10  # seconds


def store_uri() -> str:
    """Return the address of the store: MLFLOW_TRACKING_URI, or `mlruns/mlflow.db` in the current folder."""
    return (
        os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path('mlruns/mlflow.db').absolute().as_posix()}"
    )


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite store, or None for any other kind of store."""
    path = uri.removeprefix("sqlite:///")
    return None if path == uri else Path(path).absolute()


def sqlite_folder(uri: str) -> Path | None:
    """Return the folder of a SQLite store, or None for any other kind of store."""
    file = sqlite_file(uri)
    return None if file is None else file.parent


def page_of(server: str, experiment_id: str, run_id: str | None = None) -> str:
    """Return the address of an experiment or a run on a server.

    Without the query, MLflow's page opens as one for language models, where no run is shown.
    """
    page = f"experiments/{experiment_id}" + (f"/runs/{run_id}" if run_id else "")
    return f"{_without_password(server).rstrip('/')}/#/{page}?workflowType=machine_learning"


def how_to_see(uri: str, experiment_id: str, run_id: str) -> str | None:
    """Return the page of a run on a server, or a command that shows it; None for a SQLite store."""
    if sqlite_file(uri) is not None:
        return None
    if uri.startswith(_SERVERS):
        return page_of(uri, experiment_id, run_id)
    return 'mlflow ui --backend-store-uri "$MLFLOW_TRACKING_URI"'


def require_answer(uri: str) -> None:
    """Raise UserError if the store is on a server that doesn't answer. MLflow would try for four minutes."""
    if not uri.startswith(_SERVERS):
        return
    try:
        with urlopen(f"{uri.rstrip('/')}/health", timeout=_PATIENCE):
            pass
    except HTTPError:
        pass  # an answer, too; a server may want a password for this page
    except (OSError, ValueError) as error:
        reason, shown = getattr(error, "reason", error), _without_password(uri)
        raise UserError(f"MLFLOW_TRACKING_URI: expected a server that answers at {shown}: {reason}") from None


def _without_password(uri: str) -> str:
    return re.sub("//[^/]*@", "//", uri)


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
