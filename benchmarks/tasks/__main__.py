"""Trains cells on a task with a known answer, and records their scores.

    python -m benchmarks.tasks TASK [--cell LSTM GRU ..] [--minutes 10] [--steps ..]

Prints the table of the task. After every cell, it writes the records and renews README.md in their folder.
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
from pipelines.files import require_folder
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
    """The task to train on."""
    cell: Annotated[tuple[str, ...], tyro.conf.arg(help_behavior_hint="")] = ()
    """The names of the cells to train. Default: those that the task compares."""
    units: int | None = None
    """The units of the recurrent layer. Default: those that the task sets for the cell, or else 128."""
    steps: int | None = None
    """The largest number of updates. Default: the number that the task sets."""
    minutes: float = 10.0
    """The longest time for each cell, in minutes."""
    seed: int = 1
    """The seed of the initial weights and the training examples."""
    output: Path = Path("benchmarks/tasks/results.json")
    """The file of the records. The tables go into README.md in the same folder."""

    def __post_init__(self) -> None:
        require(self.minutes > 0, "minutes", "above 0", self.minutes)
        for name, value in (("units", self.units), ("steps", self.steps)):
            require(value is None or value > 0, name, "above 0", value)
        for cell in self.cell:
            find(cell)


def run(command: Train, argv: Sequence[str], tasks: dict[str, Task]) -> str:
    """Train every cell, write its record, and return the table of the task.

    Args:
        command: the parsed options.
        argv: the options as they were typed, for the record.
        tasks: all tasks by name.
    """
    task, made_with = tasks[command.task], provenance()
    words = ["python -m benchmarks.tasks", *argv]
    for cell in command.cell or task.cells:
        keras.backend.clear_session()
        units = command.units or task.cells.get(cell, 128)
        steps = command.steps or task.steps
        outcome = train(task, cell, units, steps=steps, minutes=command.minutes, seed=command.seed)
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
    require_folder("--output", command.output.parent)
    print(run(command, argv, TASKS))


if __name__ == "__main__":
    sys.exit(guarded(_run))
