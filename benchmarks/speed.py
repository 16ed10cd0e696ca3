"""Our SimpleRNN, LSTM and GRU side by side with keras.layers and torch.nn: what `make bench` runs.

    python -m benchmarks.speed [--sizes 8x50x32x64 ..] [--seconds 10] [--output benchmarks/speed.json]

Prints tables, and writes the record, a plot next to it, and the table of the README in the same folder.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from pipelines.commands.command_line import guarded, parse
from pipelines.config import require
from pipelines.files import require_writable, write_atomically
from pipelines.tracking.provenance import provenance

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
from .targets import SIZES, targets
from .timing import alternate, geometric_mean, ratios, seconds, spread

log = logging.getLogger(__name__)
PASSES = {"train": True, "forward": False}
_FIRST_CALL_LIMIT = 120.0  # seconds; the first call compiles
_CALL_LIMIT = 10.0
_BUSY = 0.5
Part = Literal["layers", "epoch", "memory"]


@dataclass(frozen=True)
class Speed:
    """Measure speed against keras.layers and torch.nn on this machine's CPU."""

    sizes: tuple[str, ...] = SIZES
    """BATCHxSTEPSxINPUTSxUNITS, several."""
    seconds: float = 10.0
    """Time for each cell, forward and training, at each size."""
    parts: tuple[Part, ...] = ("layers", "epoch", "memory")
    """What to measure: the layers, an epoch of the sentiment model, the memory of long sequences."""
    output: Path = Path("benchmarks/speed.json")
    """The record; the plot goes next to it."""

    def __post_init__(self) -> None:
        require(self.seconds > 0, "seconds", "above 0", self.seconds)
        for text in self.sizes:
            Size.parse(text)


def measure(
    cell: str, size: Size, training: bool, duration: float, torch: Any | None = None
) -> dict[str, Any]:
    """Time one layer's forward pass or training step as every contender does it.

    Returns milliseconds a call by contender (median, quartiles), `ratios` of the others' times to ours
    (above 1 ours is faster; of `bound`, the share of the machine's matrix-product rate that ours reaches),
    seconds of the first calls, rounds, and who was left out and why.
    """
    functions: dict[str, Contender] = contenders(cell, size, training, torch)
    first = {name: seconds(function) for name, function in functions.items()}
    check_equal({name: function() for name, function in functions.items()})
    functions["bound"] = matrix_product()
    warm = {name: min(seconds(function), seconds(function)) for name, function in functions.items()}
    left_out = {
        name: reason for name in first if name != "ours" and (reason := _too_slow(first[name], warm[name]))
    }
    timed = {name: function for name, function in functions.items() if name not in left_out}
    times = alternate(timed, warm, duration, np.random.default_rng(size))
    share = products_needed(cell, size, training)
    times["bound"] = [value * share for value in times["bound"]]
    return {
        "size": str(size),
        "cell": cell,
        "pass": "train" if training else "forward",
        "rounds": len(times["ours"]),
        "ms": {name: spread([1e3 * value for value in each]) for name, each in times.items()},
        "ratios": ratios(times),
        "first_call_seconds": first,
        "left_out": left_out,
    }


def _too_slow(first: float, warm: float) -> str | None:
    if first > _FIRST_CALL_LIMIT:
        return f"its first call, which compiles, took {first:.0f} s, more than {_FIRST_CALL_LIMIT:.0f} s"
    if warm > _CALL_LIMIT:
        return f"a call took {warm:.0f} s, more than {_CALL_LIMIT:.0f} s"
    return None


def by_size(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the geometric means over the cells, for each pass and size, and ("all") over all sizes too.

    A contender counts where every one of the measurements has it.
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
    """Measure what `command` asks for, and return the record."""
    made_with = provenance()  # before anything is written: tells whether the checkout was clean
    load, _, _ = os.getloadavg()
    if load > _BUSY:
        log.warning(
            "the machine is busy (load %.1f): ratios, those with torch above all, can't be trusted", load
        )
    cells = []
    if "layers" in command.parts:
        torch = import_torch()
        made_with["version.torch"] = str(torch.__version__) if torch else "not installed"
        cells = _measure_all(command, torch)
    record: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks.speed", *argv]),
        "made_with": made_with,
        "load_before": round(load, 2),
        "seconds": command.seconds,
        "cells": cells,
        "means": by_size(cells) if cells else [],
    }
    for part, module in (("epoch", "benchmarks.fit"), ("memory", "benchmarks.memory")):
        if part in command.parts:
            record[part] = _in_its_own_process(module)
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
    for cell, size, training in (bar := tqdm(todo, file=sys.stderr)):
        bar.set_description(f"{size} {cell}")
        cells.append(measure(cell, size, training, command.seconds, torch))
    return cells


def _in_its_own_process(module: str) -> Any:
    done = subprocess.run([sys.executable, "-m", module], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def _run() -> None:
    argv = sys.argv[1:]
    command = parse(Speed, "python -m benchmarks.speed", argv)
    require_writable("--output", command.output.parent)
    record = run(command, argv)
    write_atomically(command.output, json.dumps(record, indent=1).encode() + b"\n")
    report.renew_readme(command.output.with_name("README.md"), "speed.json", report.tables(record))
    if record["means"]:
        report.plot(record, command.output.with_suffix(".png"))
    print(report.tables(record))


if __name__ == "__main__":
    sys.exit(guarded(_run))
