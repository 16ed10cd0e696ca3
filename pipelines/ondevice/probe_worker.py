"""The process that `probe` starts: python -m pipelines.ondevice.probe_worker MAX_MEMORY < MODEL.

The exit code is 0, or 2 with one line on standard output that says what is wrong with the file.
"""

from __future__ import annotations

import sys

from ..errors import UserError
from .interpreter import rehearse


def main() -> int:
    """Read a .tflite file from standard input, run its signatures, and return the exit code."""
    try:
        rehearse(sys.stdin.buffer.read(), int(sys.argv[1]))
    except UserError as error:
        print(error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
