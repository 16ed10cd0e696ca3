"""Tell which commands on this machine still work on a study: each holds a lock that ends with its process."""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .storage import SWEEPS

_LOCKS = SWEEPS / "working"


@contextmanager
def working() -> Iterator[str]:
    """Hold a lock of this process for as long as the context lasts; give its name."""
    name = secrets.token_hex(8)
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        try:
            yield name
        finally:
            path.unlink(missing_ok=True)


def still_works(name: str) -> bool:
    """Tell whether another process holds the lock of this name."""
    try:
        with _path(name).open("r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except (BlockingIOError, PermissionError):
        return True
    return False


def _path(name: str) -> Path:
    return _LOCKS / f"{name}.lock"
