"""Times what `Stream` adds to a step of LiteRT: checks of the inputs, and keeping the state.

    python -m benchmarks.stream [--seconds 2] [--output benchmarks/stream.json]

The files are the streaming ones that the apps ship. Prints a table, and writes it and the record.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.commands.command_line import guarded, parse
from pipelines.config import require
from pipelines.files import require_folder
from pipelines.ondevice.interpreter import load_litert
from pipelines.ondevice.model import Stream

from .record import keep_record, record_header
from .report import aligned_table
from .timing import alternate, quartiles, seconds

_SHIPPED = "*/shipped/*_step.tflite"
_APPS = Path("apps")


@dataclass(frozen=True)
class StreamTime:
    """Measure how much time `Stream` adds to a step."""

    seconds: float = 2.0
    """Seconds to spend on each file."""
    output: Path = Path("benchmarks/stream.json")
    """The file of the record."""

    def __post_init__(self) -> None:
        require(self.seconds > 0, "seconds", "above 0", self.seconds)


def measure(file: Path, duration: float) -> dict[str, Any]:
    """Time a step through `Stream` and through LiteRT's own runner, in alternation.

    Args:
        file: a .tflite file that streams.
        duration: seconds to spend.

    Returns:
        `states`: their number. `us`: microseconds of a step (median and quartiles) by "stream" and "litert".
        `added_us`: the difference in each round (median and quartiles).
    """
    functions, states = _steps(file)
    warm = {name: min(seconds(step) for _ in range(5)) for name, step in functions.items()}
    times = alternate(functions, warm, duration, np.random.default_rng(0))
    added = [1e6 * (ours - bare) for ours, bare in zip(times["stream"], times["litert"], strict=True)]
    return {
        "states": states,
        "us": {name: quartiles([1e6 * each for each in values]) for name, values in times.items()},
        "added_us": quartiles(added),
    }


def _steps(file: Path) -> tuple[dict[str, Callable[[], Any]], int]:
    """Return functions that run one step, and the number of states."""
    stream, interpreter = Stream(file), load_litert()(model_path=str(file))
    # With zeros, some states fade to numbers so small that the processor takes longer.
    rng = np.random.default_rng(0)
    inputs = {name: rng.normal(size=spec.shape).astype(spec.dtype) for name, spec in stream.inputs.items()}
    for _ in range(20):
        stream(**inputs)
    given = inputs | stream.state
    runner = interpreter.get_signature_runner("step")
    return {"stream": lambda: stream(**inputs), "litert": lambda: runner(**given)}, len(stream.states)


def table(record: dict[str, Any]) -> str:
    """Return the record as a Markdown table, with the machine and the date above it."""
    made_with = record["made_with"]
    header = ["file", "states", "LiteRT, us", "Stream, us", "added, us (quartiles)"]
    lines = [
        [
            file,
            str(row["states"]),
            *(f"{row['us'][name]['median']:.1f}" for name in ("litert", "stream")),
            f"{row['added_us']['median']:.1f} ({row['added_us']['q1']:.1f} to {row['added_us']['q3']:.1f})",
        ]
        for file, row in record["files"].items()
    ]
    made = (
        f"{made_with['hardware.cpu']}; ai-edge-litert {made_with['version.ai-edge-litert']}; "
        f"{record['date'][:10]}, commit {made_with['git.commit'][:10]}."
    )
    return f"{made}\n\n{aligned_table(header, lines)}"


def run(command: StreamTime, argv: Sequence[str]) -> dict[str, Any]:
    """Measure all files that are shipped, and return the record."""
    record = record_header("benchmarks.stream", argv, command.seconds)
    files = sorted(_APPS.glob(_SHIPPED))
    return record | {
        "files": {f"{file.parts[1]}, {file.name}": measure(file, command.seconds) for file in files}
    }


def _run() -> None:
    argv = sys.argv[1:]
    command = parse(StreamTime, "python -m benchmarks.stream", argv)
    require_folder("--output", command.output.parent)
    record = run(command, argv)
    keep_record(record, command.output, source="stream.json", text=table(record))
    print(table(record))


if __name__ == "__main__":
    sys.exit(guarded(_run))
