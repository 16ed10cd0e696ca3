"""Try a .tflite file in a process of its own, for files of unknown origin: whatever it does, only that ends.

python -m pipelines.ondevice.probe < MODEL: exit code 0, or 2 and one line that says what is wrong.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from ..errors import UserError
from .signature import read_model


def probe(source: str | Path | bytes, seconds: float = 60.0) -> None:
    """Load a file and run every signature once, on zeros, in another process.

    Args:
        source: the file, or its content.
        seconds: to wait for an answer.

    Raises:
        UserError: it can't be read, loaded or run, takes longer, or ends the process.
    """
    name, content = read_model(source)
    command = [sys.executable, "-m", f"{__package__}.probe"]
    # The other process finds this package where this one did.
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
    """Say how a process ended."""
    if code > 0:
        return f"ended its process with exit code {code}"
    known = {one.value: one.name for one in signal.Signals}
    return f"ended its process by {known.get(-code, f'signal {-code}')}"


def _main() -> int:
    from .model import rehearse

    try:
        rehearse(sys.stdin.buffer.read())
    except UserError as error:
        print(error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(_main())
