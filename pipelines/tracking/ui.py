"""Start MLflow's UI for the store."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from ..errors import UserError
from .quiet_mlflow import mlflow
from .runs import prepare
from .store import page_of, sqlite_folder, store_uri


def serve_ui(host: str, port: int) -> NoReturn:
    """Replace this process with MLflow's UI for the store, at http://HOST:PORT; say where the runs are."""
    uri = store_uri()
    folder = sqlite_folder(uri)
    if folder is None:
        raise UserError(f"MLFLOW_TRACKING_URI={uri}: expected a SQLite store; open a server in the browser")
    prepare()
    artifacts = (folder / "artifacts").as_uri()
    server = ["server", "--backend-store-uri", uri, "--host", host, "--port", str(port), "--workers", "1"]
    places = ["--default-artifact-root", artifacts, "--artifacts-destination", artifacts]
    for name, page in _pages(uri, f"http://{host}:{port}").items():
        print(f"{page}  {name}", file=sys.stderr, flush=True)
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *server, *places])


def _pages(uri: str, server: str) -> dict[str, str]:
    """Return the address of each experiment that has runs; that of the server if there are none."""
    client = mlflow.MlflowClient(uri)
    found = client.search_experiments(order_by=["name ASC"])
    with_runs = [each for each in found if client.search_runs([each.experiment_id], max_results=1)]
    pages = {each.name: page_of(server, each.experiment_id) for each in with_runs}
    return pages or {"no runs yet": server}
