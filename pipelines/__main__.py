"""python -m pipelines VERB: what needs no app."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from .commands import benchmark
from .commands import export as export_command
from .commands.benchmark import Benchmark
from .commands.command_line import guarded, parse
from .commands.export import Export
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
        known = {"export": Export, "benchmark": Benchmark, "ui": Ui}
        verbs = "".join(f"\n  {name:<11}{verb.__doc__}" for name, verb in known.items())
        print(f"usage: python -m pipelines VERB [options]\n\nverbs:{verbs}")
    elif argv[0] == "export":
        export_command.run(parse(Export, "python -m pipelines export", argv[1:]))
    elif argv[0] == "benchmark":
        benchmark.run(parse(Benchmark, "python -m pipelines benchmark", argv[1:]))
    elif argv[0] == "ui":
        command = parse(Ui, "python -m pipelines ui", argv[1:])
        from .tracking.runs import serve_ui

        serve_ui(command.host, command.port)
    else:
        raise UserError(f"unknown verb {argv[0]!r}: expected export, benchmark, ui")


if __name__ == "__main__":
    sys.exit(guarded(_run))
