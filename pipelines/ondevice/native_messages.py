"""Hold back what the C++ code of libraries writes to standard error."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator

_ONE_AT_A_TIME = threading.RLock()  # standard error belongs to the whole process
_held = False


@contextlib.contextmanager
def held_back(noise: str = ".*") -> Iterator[None]:
    """Collect what is written to standard error, and pass it on at the end, without lines of no interest.

    If an exception is raised, everything is passed on. Nothing is held back if the process has no standard
    error, or if the caller is holding it back already. Another thread waits.

    Args:
        noise: a regular expression for whole lines of no interest. Default: every line.
    """
    global _held
    with _ONE_AT_A_TIME:
        if _held:
            yield
            return
        _held = True
        try:
            with _collected(noise):
                yield
        finally:
            _held = False


@contextlib.contextmanager
def _collected(noise: str) -> Iterator[None]:
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    dropped = re.compile(noise.encode())
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), 2)
        try:
            yield
        except BaseException:
            dropped = re.compile(b"(?!)")  # matches nothing
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            messages.seek(0)
            for line in messages:
                if not dropped.fullmatch(line.rstrip(b"\r\n")):
                    os.write(2, line)
