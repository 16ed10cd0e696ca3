"""python -m pipelines ui: serve MLflow's UI for the runs in the current folder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ui:
    """Serve MLflow's UI over mlruns/, even before the first run."""

    host: str = "127.0.0.1"
    """The address to listen on. 0.0.0.0 lets other machines connect."""
    port: int = 5000
    """The port to listen on."""


def run(command: Ui) -> None:
    """Serve until Ctrl-C."""
    from ..tracking.ui import serve_ui

    serve_ui(command.host, command.port)
