"""Measures what a second process adds to a training: examples per second on one core and on two.

    python -m benchmarks.distributed [--seconds 10] [--output benchmarks/distributed.json]

Each process has one core. Two processes share each batch (`train --workers 2`), and sum their gradients over
the machine's own network. Prints a table, and writes it and the record.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.cluster.place import on_this_machine
from pipelines.commands.command_line import guarded, parse
from pipelines.config import require
from pipelines.errors import UserError
from pipelines.files import require_folder
from pipelines.training.own_process import OwnProcess

from .distributed_steps import Case, measure, prepare
from .record import keep_record, record_header
from .report import aligned_table

_CASES = {
    "GRU 32, batch 64": Case(units=32, embedding=16, vocabulary=1000, batch=64, steps=50),
    "GRU 128, batch 64": Case(units=128, embedding=64, vocabulary=5000, batch=64, steps=100),
    "GRU 512, batch 64": Case(units=512, embedding=128, vocabulary=5000, batch=64, steps=50),
    "GRU 512, batch 16": Case(units=512, embedding=128, vocabulary=5000, batch=16, steps=50),
}


@dataclass(frozen=True)
class Distributed:
    """Measure how much of the ideal is lost when two processes train one network."""

    seconds: float = 10.0
    """Seconds to spend on each part of a step, with one process and with two."""
    output: Path = Path("benchmarks/distributed.json")
    """The file of the record."""

    def __post_init__(self) -> None:
        require(self.seconds > 0, "seconds", "above 0", self.seconds)


def measured(case: Case, workers: int, duration: float) -> dict[str, Any]:
    """Return what the chief of so many processes measures, each on a core of its own."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < workers:
        raise UserError(f"expected {workers} cores, one for each process, got {len(cores)}")
    processes = [
        OwnProcess(
            measure,
            {"place": place, "case": case, "duration": duration},
            prepare=partial(prepare, cores[place.index]),
        )
        for place in on_this_machine(workers)
    ]
    try:
        return processes[0].result()
    finally:
        for process in processes:
            process.stop()


def summed_up(case: Case, alone: dict[str, Any], together: dict[str, Any]) -> dict[str, float]:
    """Return the figures of a case from what one process and two have measured.

    Returns:
        `alone` and `together`: examples a second of one process and of two. `lost`: the share of the ideal,
        twice as many, that is lost. `lost_in_sums`: the part of `lost` that is the time of the sums.
        `lost_in_halves`: the part that is lost because half of a batch takes more than half of its time.
    """
    one, two = (each["seconds"]["step"]["median"] for each in (alone, together))
    halves = together["seconds"]["gradient"]["median"] - alone["seconds"]["gradient"]["median"] / 2
    return {
        "alone": case.batch / one,
        "together": case.batch / two,
        "lost": 1 - one / two / 2,
        "lost_in_sums": together["seconds"]["sum"]["median"] / two,
        "lost_in_halves": halves / two,
    }


def table(record: dict[str, Any]) -> str:
    """Return the record as a Markdown table, with the machine and the date above it."""
    made_with = record["made_with"]
    header = ["network", "parameters", "KB summed", "1 process, examples/s", "2 processes", "times"]
    header += ["of the ideal lost", "by sums", "by half batches", "sum, ms"]
    lines = [
        [
            name,
            f"{row['alone']['parameters']:,}",
            f"{row['together']['bytes'] / 1000:,.0f}",
            f"{row['figures']['alone']:,.0f}",
            f"{row['figures']['together']:,.0f}",
            f"{row['figures']['together'] / row['figures']['alone']:.2f}",
            *(f"{row['figures'][part]:.0%}" for part in ("lost", "lost_in_sums", "lost_in_halves")),
            f"{1000 * row['together']['seconds']['sum']['median']:.2f}",
        ]
        for name, row in record["cases"].items()
    ]
    made = (
        f"{made_with['hardware.cpu']}; TensorFlow {made_with['version.tensorflow']}; "
        f"{record['date'][:10]}, commit {made_with['git.commit'][:10]}, load before {record['load_before']}."
    )
    return f"{made}\n\n{aligned_table(header, lines)}"


def run(command: Distributed, argv: Sequence[str]) -> dict[str, Any]:
    """Measure all cases, and return the record."""
    record = record_header("benchmarks.distributed", argv, command.seconds)
    cases = {}
    for name, case in _CASES.items():
        alone, together = (measured(case, workers, command.seconds) for workers in (1, 2))
        figures = summed_up(case, alone, together)
        cases[name] = {"case": asdict(case), "alone": alone, "together": together, "figures": figures}
    return record | {"cases": cases}


def _run() -> None:
    argv = sys.argv[1:]
    command = parse(Distributed, "python -m benchmarks.distributed", argv)
    require_folder("--output", command.output.parent)
    record = run(command, argv)
    keep_record(record, command.output, source="distributed.json", text=table(record))
    print(table(record))


if __name__ == "__main__":
    sys.exit(guarded(_run))
