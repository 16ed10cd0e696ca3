"""Compares the speed of our SimpleRNN, LSTM and GRU with keras.layers and torch.nn; `make bench` runs it.

    python -m benchmarks.speed [--sizes 8x50x32x64 ..] [--seconds 10] [--output benchmarks/speed.json]

Prints tables and writes the record. Renews the plot and the tables in README.md in the record's folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from pipelines.commands.command_line import guarded, parse
from pipelines.config import require
from pipelines.files import require_folder

from . import report
from .contenders import (
    CELLS,
    Contender,
    Size,
    check_equal,
    contenders,
    import_torch,
    matrix_product,
    products_needed,
)
from .record import keep_record, record_header
from .targets import SIZES, targets
from .timing import alternate, geometric_mean, quartiles, ratios, seconds

PASSES = {"train": True, "forward": False}
_FIRST_CALL_LIMIT = 120.0  # seconds; the first call compiles
_CALL_LIMIT = 10.0  # seconds
Part = Literal["layers", "epoch", "memory"]


@dataclass(frozen=True)
class Speed:
    """Measure speed against keras.layers and torch.nn on this machine's CPU."""

    sizes: tuple[str, ...] = SIZES
    """The sizes to measure, each as BATCHxSTEPSxINPUTSxUNITS."""
    seconds: float = 10.0
    """Seconds to spend on each cell, pass (forward or training) and size."""
    cores: int | None = None
    """The number of cores to use. Default: all that the process may use."""
    parts: tuple[Part, ...] = ("layers", "epoch", "memory")
    """What to measure: single layers, an epoch of the sentiment model, the memory of long sequences."""
    output: Path = Path("benchmarks/speed.json")
    """The file of the record. The plot is written to the same folder."""

    def __post_init__(self) -> None:
        require(self.seconds > 0, "seconds", "above 0", self.seconds)
        require(self.cores is None or self.cores > 0, "cores", "1 or more", self.cores)
        for text in self.sizes:
            Size.parse(text)


def measure(
    cell: str, size: Size, *, training: bool, duration: float, torch: Any | None = None
) -> dict[str, Any]:
    """Time the forward pass or training step of one layer in every library.

    Args:
        cell: one of `CELLS`.
        size: the sizes of the layer and its input.
        training: time a training step instead of a forward pass.
        duration: seconds to spend.
        torch: the module torch; without it, torch is left out.

    Returns:
        `ms`: milliseconds per call (median and quartiles), by contender. `ratios`: the times of the others
        divided by ours; above 1, ours is faster. The ratio of `bound` is the share of the machine's rate of
        matrix products that ours reaches. `first_call_seconds`: by contender. `rounds`: how many were timed.
        `left_out`: by contender, why it was too slow to time.
    """
    functions: dict[str, Contender] = contenders(cell, size, training=training, torch=torch)
    first = {name: seconds(function) for name, function in functions.items()}
    check_equal({name: function() for name, function in functions.items()})
    functions["bound"] = matrix_product()
    warm = {name: min(seconds(function), seconds(function)) for name, function in functions.items()}
    left_out = {
        name: reason for name in first if name != "ours" and (reason := _too_slow(first[name], warm[name]))
    }
    timed = {name: function for name, function in functions.items() if name not in left_out}
    times = alternate(timed, warm, duration, np.random.default_rng(size))
    share = products_needed(cell, size, training=training)
    times["bound"] = [value * share for value in times["bound"]]
    return {
        "size": str(size),
        "cell": cell,
        "pass": "train" if training else "forward",
        "rounds": len(times["ours"]),
        "ms": {name: quartiles([1e3 * value for value in each]) for name, each in times.items()},
        "ratios": ratios(times),
        "first_call_seconds": first,
        "left_out": left_out,
    }


def _too_slow(first: float, warm: float) -> str | None:
    if first > _FIRST_CALL_LIMIT:
        return f"the first call, which compiles, took {first:.0f} s, more than {_FIRST_CALL_LIMIT:.0f} s"
    if warm > _CALL_LIMIT:
        return f"a call took {warm:.0f} s, more than {_CALL_LIMIT:.0f} s"
    return None


def by_size(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the geometric means of the ratios over the cells, for each pass and size.

    The size "all" is the mean over all sizes. A mean leaves out a contender that one of its measurements
    lacks.

    Args:
        cells: measurements, as `measure` returns them.
    """
    sizes = list(dict.fromkeys(each["size"] for each in cells))
    means = []
    for which in PASSES:
        for size in [*sizes, "all"]:
            members = [each for each in cells if each["pass"] == which and size in (each["size"], "all")]
            common = [
                name for name in members[0]["ratios"] if all(name in each["ratios"] for each in members)
            ]
            mean = {name: geometric_mean([each["ratios"][name] for each in members]) for name in common}
            means.append({"pass": which, "size": size, "ratios": mean})
    return means


def run(command: Speed, argv: Sequence[str]) -> dict[str, Any]:
    """Measure what the command asks for, and return the record.

    Args:
        command: the parsed options.
        argv: the options as they were typed, for the record.
    """
    if command.cores is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: command.cores])
    header = record_header("benchmarks.speed", argv, command.seconds)
    cells = []
    if "layers" in command.parts:
        torch = import_torch()
        header["made_with"]["version.torch"] = str(torch.__version__) if torch else "not installed"
        cells = _measure_all(command, torch)
    record = header | {"cells": cells, "means": by_size(cells) if cells else []}
    for part, module in (("epoch", "benchmarks.fit"), ("memory", "benchmarks.memory")):
        if part in command.parts:
            record[part] = _in_new_process(module)
    return record | {"targets": targets(record)}


def _measure_all(command: Speed, torch: Any | None) -> list[dict[str, Any]]:
    tf.config.set_visible_devices([], "GPU")
    todo = [
        (cell, Size.parse(text), training)
        for text in command.sizes
        for cell in CELLS
        for training in PASSES.values()
    ]
    cells = []
    for cell, size, training in (bar := tqdm(todo, disable=None)):
        bar.set_description(f"{size} {cell}")
        cells.append(measure(cell, size, training=training, duration=command.seconds, torch=torch))
    return cells


def _in_new_process(module: str) -> Any:
    done = subprocess.run([sys.executable, "-m", module], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def _run() -> None:
    argv = sys.argv[1:]
    command = parse(Speed, "python -m benchmarks.speed", argv)
    require_folder("--output", command.output.parent)
    record = run(command, argv)
    keep_record(record, command.output, source=command.output.name, text=report.tables(record))
    if record["means"]:
        report.plot(record, command.output.with_suffix(".png"))
    print(report.tables(record))


if __name__ == "__main__":
    sys.exit(guarded(_run))
