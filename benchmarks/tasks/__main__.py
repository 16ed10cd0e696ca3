"""Train cells on a task with a known answer, and keep what was reached.

    python -m benchmarks.tasks TASK [--cell LSTM GRU ..] [--minutes 10] [--steps ..]

Prints the task's table, and writes the records and the README next to them after every cell.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import keras
import tyro

from pipelines.commands.command_line import guarded, parse
from pipelines.config import require
from pipelines.files import require_writable
from pipelines.tracking.provenance import provenance

from . import report
from .adding import adding
from .cells import find
from .copy_memory import copy_memory
from .digits import digits
from .ntm_copy import ntm_copy
from .task import Task
from .training import train

log = logging.getLogger(__name__)
TASKS = {task.name: task for task in (adding(), copy_memory(), digits(), digits(permuted=True), ntm_copy())}
Name = Literal["adding", "copy_memory", "digits", "permuted_digits", "ntm_copy"]


@dataclass(frozen=True)
class Train:
    """Train cells on a task with a known answer."""

    task: Annotated[Name, tyro.conf.Positional]
    """The task."""
    cell: tuple[str, ...] = ()
    """The cells to train, by name. Default: all that the task names."""
    units: int | None = None
    """Units of the layer. Default: what the task says for the cell, or 128."""
    steps: int | None = None
    """Updates at most. Default: what the task says."""
    minutes: float = 10.0
    """Time at most, for each cell."""
    seed: int = 1
    """Of the weights and the training data."""
    output: Path = Path("benchmarks/tasks/results.json")
    """The records; the table goes into README.md next to it."""

    def __post_init__(self) -> None:
        require(self.minutes > 0, "minutes", "above 0", self.minutes)
        for name, value in (("units", self.units), ("steps", self.steps)):
            require(value is None or value > 0, name, "above 0", value)
        for cell in self.cell:
            find(cell)


def run(command: Train, argv: Sequence[str], tasks: dict[str, Task]) -> str:
    """Train every cell, keep its record, and return the task's table."""
    task, made_with = tasks[command.task], provenance()
    words = ["python -m benchmarks.tasks", *argv]
    for cell in command.cell or task.cells:
        keras.backend.clear_session()
        units = command.units or task.cells.get(cell, 128)
        outcome = train(task, cell, units, command.steps or task.steps, command.minutes, command.seed)
        record: dict[str, Any] = {
            "task": task.name,
            "cell": cell,
            "metric": task.metric,
            **outcome._asdict(),
            "baseline": task.baseline[1],
            "published": task.published.get(cell),
            "source": task.source if cell in task.published else None,
            "units": units,
            "seed": command.seed,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": " ".join(words),
            "made_with": made_with,
        }
        report.keep(command.output, record, tasks)
        log.info("%s", record["scores"])
    return report.markdown([each for each in report.read(command.output) if each["task"] == task.name], tasks)


def _run() -> None:
    argv = sys.argv[1:]
    command = parse(Train, "python -m benchmarks.tasks", argv)
    require_writable("--output", command.output.parent)
    print(run(command, argv, TASKS))


if __name__ == "__main__":
    sys.exit(guarded(_run))
