"""The versions, hardware and git commit that a run was made with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from contextlib import suppress
from pathlib import Path

LIBRARIES = ("tensorflow", "keras", "numpy", "mlflow", "ai-edge-litert")


def provenance() -> dict[str, str]:
    """Return the versions of libraries, the hardware, the git commit, and whether it has local changes."""
    facts = {f"version.{name}": importlib.metadata.version(name) for name in LIBRARIES}
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return {
        **facts,
        "version.python": platform.python_version(),
        "hardware.cpu": _cpu_model(),
        "hardware.cores": str(os.cpu_count()),
        "git.commit": _git("rev-parse", "HEAD") or "unknown",
        "git.dirty": "unknown" if changes is None else str(bool(changes)).lower(),
    }


def _git(*arguments: str) -> str | None:
    """Return what git prints about the checkout that this file is in, or None if there is no checkout."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _cpu_model() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
