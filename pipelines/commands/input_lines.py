"""The inputs of `predict` that are lines: of a file, of standard input, or typed one by one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..data.tables import lines_of
from ..errors import UserError
from ..files import read_regular

_MOST_BYTES = 2**30  # of a file
_STANDARD_INPUT = "standard input"


def lines_in(file: Path) -> list[str]:
    """Return the lines of a file. Each line is one input.

    Raises:
        UserError: the file can't be read, or isn't UTF-8 text.
    """
    try:
        return _decoded(read_regular(file, _MOST_BYTES, "a text"), str(file))
    except OSError as error:
        raise UserError(f"--file {file}: {error.strerror}") from None


def lines_given() -> Iterable[str]:
    """Return the lines of standard input; in a terminal one by one, so that each is answered at once.

    Raises:
        UserError: standard input isn't UTF-8 text.
    """
    return _typed() if sys.stdin.isatty() else _decoded(sys.stdin.buffer.read(), _STANDARD_INPUT)


def _typed() -> Iterator[str]:
    """Ask for a line after each answer until Ctrl-D. Empty lines are asked for again."""
    print("one input per line; end with Ctrl-D", file=sys.stderr)
    while True:
        print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.buffer.readline()
        if not line:
            print(file=sys.stderr)
            return
        yield from filter(str.strip, _decoded(line, _STANDARD_INPUT))


def _decoded(content: bytes, name: str) -> list[str]:
    try:
        return lines_of(content.decode().removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{name}:{line}: expected UTF-8 text") from None
