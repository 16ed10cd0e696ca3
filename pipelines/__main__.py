"""python -m pipelines VERB: what needs no app."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from .cli import guarded, parse
from .errors import UserError


@dataclass(frozen=True)
class Ui:
    """Serve MLflow's UI over mlruns/, also before any run."""

    host: str = "127.0.0.1"
    """The address to listen on; 0.0.0.0 lets other machines in."""
    port: int = 5000
    """The port to listen on."""


def _run() -> None:
    argv = sys.argv[1:]
    if not argv or argv[0] in ("-h", "--help"):
        print(f"usage: python -m pipelines VERB [options]\n\nverbs:\n  ui    {Ui.__doc__}")
    elif argv[0] == "ui":
        command = parse(Ui, "python -m pipelines ui", argv[1:])
        from .tracking import serve_ui

        serve_ui(command.host, command.port)
    else:
        raise UserError(f"unknown verb {argv[0]!r}: expected ui")


if __name__ == "__main__":
    sys.exit(guarded(_run))
