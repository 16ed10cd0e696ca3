"""Measures the peak memory of a training step over a long sequence, for each variant in a new process.

python -m benchmarks.memory                  prints one JSON object
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from tqdm import tqdm

import layers
from pipelines.commands.command_line import guarded, parse

from .contenders import Size, in_graph
from .timing import seconds

SIZE = Size(32, 2000, 64, 128)
CHECKPOINTED = "ours, checkpoint_every=50"
PLAIN_LOOP = "ours, plain loop"
VARIANTS: dict[str, tuple[Callable[[], Any], Callable[[], AbstractContextManager[None]]]] = {
    "keras": (lambda: keras.layers.LSTM(SIZE.units), nullcontext),
    PLAIN_LOOP: (lambda: layers.LSTM(SIZE.units), lambda: layers.execution("loop")),
    "ours": (lambda: layers.LSTM(SIZE.units), nullcontext),
    CHECKPOINTED: (lambda: layers.LSTM(SIZE.units, checkpoint_every=50), nullcontext),
}
"""By name: functions that return the layer, and the context to run it in."""
_SHORT = 100  # steps of the short sequence: two chunks of checkpoint_every=50
_STEPS = 3  # training steps


@dataclass(frozen=True)
class Memory:
    """Measure the peak memory of a training step of an LSTM."""

    variant: str | None = None
    """Measure one variant, in this process. Default: all variants, each in a new process."""


def compare() -> dict[str, Any]:
    """Measure every variant in a new process, and return the record.

    The entry of a variant that fails is {"failed": the last line of its error}.
    """
    measured = {name: _in_new_process(name) for name in tqdm(VARIANTS, desc="peak memory", disable=None)}
    return {"size": str(SIZE), "cell": "LSTM", "variants": measured}


def _in_new_process(variant: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.memory", "--variant", variant]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]}
    return json.loads(done.stdout)


def measure(variant: str) -> dict[str, float]:
    """Run training steps in this process and measure them.

    Args:
        variant: a key of `VARIANTS`.

    Returns:
        `peak_mb`: the peak memory of the process in MB. `added_mb`: how much of it was added after a step
        over a short sequence, when libraries and compilers were already loaded. `step_seconds`: the time of
        the fastest step.
    """
    make, execution = VARIANTS[variant]
    layer = make()
    x = tf.random.normal(SIZE[:3])
    layer.build(x.shape)
    with execution():
        in_graph(layer, x[:, :_SHORT], training=True)()
        before = _peak_mb()
        step = in_graph(layer, x, training=True)
        times = [seconds(step) for _ in range(_STEPS)]
    peak = _peak_mb()
    return {"peak_mb": peak, "added_mb": peak - before, "step_seconds": min(times)}


def _peak_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # macOS gives bytes, Linux kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _run() -> None:
    command = parse(Memory, "python -m benchmarks.memory", sys.argv[1:])
    found = measure(command.variant) if command.variant else compare()
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    sys.exit(guarded(_run))
