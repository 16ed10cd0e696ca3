"""Measure one .tflite file in a separate process, with numpy and ai-edge-litert only, as on a device.

    python -m pipelines.commands.benchmark_worker FILE KIND THREADS SECONDS

KIND is "sequence" or "step". Prints one JSON object: the measurements, or {"error": the reason}.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..ondevice.interpreter import load_litert
from ..ondevice.model import Spec, Stream, runner_of

_SEED = 1
_WARM_UP = 3
_LEAST = 20  # calls, enough for meaningful percentiles
_LIMIT = 5.0  # after this many times the requested seconds, a slow file may have fewer calls

Arrays = dict[str, np.ndarray]


def made_up(specs: Mapping[str, Spec], rng: np.random.Generator) -> Arrays:
    """Return random normal numbers for float inputs, and ones for other inputs: 1 is always a valid token.

    Open sizes become 1.
    """
    inputs = {}
    for name, spec in specs.items():
        shape = [abs(size) for size in spec.shape]
        inputs[name] = (rng.standard_normal(shape) if spec.dtype.kind == "f" else np.ones(shape)).astype(
            spec.dtype
        )
    return inputs


def measure(file: Path, kind: str, threads: int, seconds: float) -> dict[str, Any]:
    """Load a file and run it on random inputs for about `seconds`.

    Args:
        file: the .tflite file.
        kind: "step" for a stream, or "sequence".
        threads: the number of threads that one call may use.
        seconds: the time to measure.

    Returns:
        load_ms: the time to load the file.
        first_ms: the time of the first call, in which LiteRT prepares its buffers.
        p50_ms, p95_ms: percentiles of the times of later calls.
        a_second: calls per second.
        answers: the number of timed calls.
        peak_bytes: the process's peak memory above what it had before loading.
        state_bytes: the size of the state; only for streams.

    Raises:
        UserError, ValueError, RuntimeError: the file can't be loaded or run.
    """
    rng = np.random.default_rng(_SEED)
    load_litert()  # its import doesn't count as loading a file
    before = peak_bytes()
    load_ms, model = _timed(lambda: runner_of(kind)(file, threads=threads))
    inputs = made_up(model.inputs, rng)
    first_ms, _ = _timed(lambda: model(**inputs))
    for _ in range(_WARM_UP):
        model(**inputs)
    peak = peak_bytes() - before  # read before the list of times grows
    taken = _answer_for(seconds, lambda: model(**inputs))
    p50, p95 = np.percentile(taken, [50, 95])
    measured = {
        "threads": threads,
        "load_ms": load_ms,
        "first_ms": first_ms,
        "p50_ms": float(p50),
        "p95_ms": float(p95),
        "a_second": 1e3 * len(taken) / sum(taken),
        "answers": len(taken),
        "peak_bytes": peak,
    }
    if isinstance(model, Stream):
        measured["state_bytes"] = sum(array.nbytes for array in model.state.values())
    return measured


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Call a function, and return the milliseconds it took and its result."""
    start = time.perf_counter()
    result = call()
    return 1e3 * (time.perf_counter() - start), result


def _answer_for(seconds: float, answer: Callable[[], Any]) -> list[float]:
    """Call the model for some seconds, and return the milliseconds of each call."""
    taken: list[float] = []
    start = time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds or (
        len(taken) < _LEAST and spent < _LIMIT * seconds
    ):
        taken.append(_timed(answer)[0])
    return taken


def peak_bytes() -> int:
    """Return the peak memory of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux ru_maxrss starts with the peak of the parent process
        lines = status.read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(file: str, kind: str, threads: str, seconds: str) -> None:
    """Measure, and print the JSON object."""
    try:
        measured = measure(Path(file), kind, int(threads), float(seconds))
    except (UserError, ValueError, RuntimeError) as error:
        measured = {"error": " ".join(str(error).split())}
    print(json.dumps(measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
