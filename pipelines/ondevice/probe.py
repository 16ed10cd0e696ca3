"""Try a .tflite file of unknown origin in another process: a crash or an endless loop ends only that one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from ..errors import UserError
from .file_check import MAX_MEMORY
from .signature import read_model

_WORKER = f"{__package__}.probe_worker"  # by name: the worker imports the runtime, which imports this module


SECONDS = 60.0
"""How long `probe` waits, if the caller doesn't say."""


def probe(source: str | Path | bytes, seconds: float = SECONDS, *, max_memory: int = MAX_MEMORY) -> None:
    """Load a file and run each of its signatures in another process: on zeros, extremes and random values.

    Sizes that are open become 1, 2 and 5. This can't promise that other inputs don't crash LiteRT or make it
    run forever; run such a file in a process of your own that may die.

    Args:
        source: the path of the file, or its content.
        seconds: how long to wait for the process to end.
        max_memory: the most bytes that the file's tensors, without constants, may need.

    Raises:
        UserError: the file can't be read, loaded or run, takes longer than `seconds`, or crashes the process.
    """
    name, content = read_model(source)
    command = [sys.executable, "-m", _WORKER, str(max_memory)]
    # The other process must find this package in the same place.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}  # noqa: PTH109
    try:
        done = subprocess.run(
            command, input=content, env=environment, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"{name}: expected an answer within {seconds:g} s, got none") from None
    if done.returncode == 2:
        raise UserError(f"{name}: {done.stdout.decode(errors='replace').strip().removeprefix('model: ')}")
    if done.returncode:
        raise UserError(f"{name}: expected an answer, but running it {_ending(done.returncode)}")


def _ending(code: int) -> str:
    """Describe how a process ended, from its return code."""
    if code > 0:
        return f"ended its process with exit code {code}"
    known = {one.value: one.name for one in signal.Signals}
    return f"ended its process by {known.get(-code, f'signal {-code}')}"
