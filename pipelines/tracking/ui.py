"""Start MLflow's UI for the store."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from ..errors import UserError
from .runs import prepare
from .store import sqlite_folder


def serve_ui(host: str, port: int) -> NoReturn:
    """Replace this process with MLflow's UI for the store, at http://HOST:PORT."""
    uri = prepare()
    folder = sqlite_folder(uri)
    if folder is None:
        raise UserError(f"MLFLOW_TRACKING_URI={uri}: expected a SQLite store; open a server in the browser")
    artifacts = (folder / "artifacts").as_uri()
    server = ["server", "--backend-store-uri", uri, "--host", host, "--port", str(port), "--workers", "1"]
    places = ["--default-artifact-root", artifacts, "--artifacts-destination", artifacts]
    print(f"http://{host}:{port}", file=sys.stderr, flush=True)
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *server, *places])
