"""Tell how much memory this process may still use, and whether a data set is too large for it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

GROWTH = 8
"""How many times as much memory as its files a set may take while it is trained on, in memory: a cautious
guess, since files may be compressed. benchmarks/README.md has a measurement."""
_SHARE = 0.5  # of the free memory that data may take; the network needs some, too
_PROC, _CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60


def is_too_large(source: str, size: int, memory_gb: float | None) -> bool:
    """Tell whether a data set must stay on disk, and log that if it must.

    Args:
        source: the name of the data set.
        size: the bytes of its files.
        memory_gb: the memory that it may take, in GB; None for half of what is free.
    """
    allowed = available() * _SHARE if memory_gb is None else memory_gb * 1e9
    if size * GROWTH <= allowed:
        return False
    log.info(
        "%s: its examples stay on disk: in memory they would take about %s MB, and may take %s MB",
        source,
        f"{size * GROWTH / 1e6:,.0f}",
        f"{allowed / 1e6:,.0f}",
    )
    return True


def available() -> int:
    """Return the bytes of memory that this process may still use: the least that any limit leaves."""
    return max(0, min(_of_machine(), *_of_groups(), *_of_process()))


def _of_machine() -> int:
    free = _kilobytes(_PROC / "meminfo", "MemAvailable")
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if free is None else free


def _of_process() -> Iterator[int]:
    """Yield what the limits that `ulimit -v` and `ulimit -d` set leave."""
    import resource

    for limit, used in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
        most, _ = resource.getrlimit(limit)
        taken = _kilobytes(_PROC / "self" / "status", used)
        yield _UNLIMITED if most == resource.RLIM_INFINITY or taken is None else most - taken


def _of_groups() -> Iterator[int]:
    """Yield what the limits of this process's control groups leave, of either version."""
    yield _UNLIMITED
    for line in _text(_PROC / "self" / "cgroup").splitlines():
        _, controllers, name = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top = _CGROUPS / "memory" if controllers else _CGROUPS
        for inner in (Path(name), *Path(name).parents):
            folder = top / inner.relative_to("/")
            most = _number(folder / "memory.max") or _number(folder / "memory.limit_in_bytes")
            used = _number(folder / "memory.current") or _number(folder / "memory.usage_in_bytes")
            if most and used:
                yield most - used + (_file_pages(folder) or 0)


def _file_pages(folder: Path) -> int | None:
    """Return the bytes of a group that hold what was read from files, which makes room when it is needed."""
    for line in _text(folder / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name in ("inactive_file", "total_inactive_file"):
            return int(value)
    return None


def _kilobytes(path: Path, name: str) -> int | None:
    for line in _text(path).splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None


def _number(path: Path) -> int | None:
    content = _text(path).strip()
    return int(content) if content.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
