"""Peak memory of a training step over a long sequence, a fresh process for each way to do it.

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
    PLAIN_LOOP: (
        lambda: layers.LSTM(SIZE.units),
        lambda: layers.execution("loop"),
    ),
    "ours": (lambda: layers.LSTM(SIZE.units), nullcontext),
    CHECKPOINTED: (
        lambda: layers.LSTM(SIZE.units, checkpoint_every=50),
        nullcontext,
    ),
}
_SHORT = 100  # steps; two chunks
_STEPS = 3


@dataclass(frozen=True)
class Memory:
    """Measure the peak memory of an LSTM's training step."""

    variant: str | None = None
    """Only this one, in this process. Default: all, each in a process of its own."""


def compare() -> dict[str, Any]:
    """Measure every variant; one that fails is told as {"failed": its last words}."""
    measured = {name: _apart(name) for name in tqdm(VARIANTS, desc="peak memory", file=sys.stderr)}
    return {"size": str(SIZE), "cell": "LSTM", "variants": measured}


def _apart(variant: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.memory", "--variant", variant]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]}
    return json.loads(done.stdout)


def measure(variant: str) -> dict[str, float]:
    """Return megabytes at the peak, and of these what the length adds.

    That is what comes on top of a short sequence: libraries and compilers are loaded by then.
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
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _run() -> None:
    command = parse(Memory, "python -m benchmarks.memory", sys.argv[1:])
    found = measure(command.variant) if command.variant else compare()
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    sys.exit(guarded(_run))
