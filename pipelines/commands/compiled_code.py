"""Keeps what XLA has compiled, so that the next training of the same network starts sooner."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import version
from pathlib import Path

_FLAGS = "TF_XLA_FLAGS"
_OPTION = "--tf_xla_persistent_cache_directory"
_MOST_BYTES = 256 * 2**20
_PROCESSOR = Path("/proc/cpuinfo")


def keep_compiled_code(cache: Path) -> None:
    """Let TensorFlow read and write compiled code in a folder for this processor and this TensorFlow.

    TensorFlow must not have compiled anything yet. Who sets `TF_XLA_FLAGS` to another folder keeps it. If the
    processor is unknown, nothing is kept.

    Args:
        cache: the folder that holds a folder for each processor and version.
    """
    given = os.environ.get(_FLAGS, "")
    processor = _processor()
    if _OPTION in given or not processor:
        return
    key = hashlib.sha256(f"{processor} tensorflow {version('tensorflow')}".encode()).hexdigest()[:16]
    folder = (cache / key).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _prune(folder)
    except OSError:  # a folder that can't be written to: compile as always
        return
    if " " in str(folder):  # TensorFlow splits its flags at spaces
        return
    os.environ[_FLAGS] = f"{given} {_OPTION}={folder} --tf_xla_persistent_cache_device_types=CPU".strip()


def _processor() -> str:
    """Return what tells one kind of processor from another: its name and what it can do."""
    try:
        lines = _PROCESSOR.read_text().splitlines()
    except OSError:
        return ""
    told = {line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))}
    return f"{platform.machine()} {sorted(told)}" if told else ""


def _prune(folder: Path) -> None:
    """Remove damaged files, and the oldest ones if all are too large.

    TensorFlow takes a file that ends too early for the end of the data: training would stop without a word.
    """
    kept = 0
    for path in sorted(folder.glob("*.pb"), key=lambda path: path.stat().st_mtime, reverse=True):
        kept += path.stat().st_size
        if kept > _MOST_BYTES or not _is_whole(path.read_bytes()):
            path.unlink(missing_ok=True)


def _is_whole(content: bytes) -> bool:
    from google.protobuf.empty_pb2 import Empty
    from google.protobuf.message import DecodeError

    try:
        Empty().ParseFromString(content)
    except DecodeError:
        return False
    return bool(content)
