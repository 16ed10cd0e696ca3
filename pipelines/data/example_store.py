"""Keep the examples of a data set as they are read: in memory, or in a folder of files."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import tempfile
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from ..errors import UserError
from .examples import Examples
from .memory import is_too_large
from .on_disk import TEXT, OnDisk, write_examples

CACHE = Path(".cache/examples")
"""The folder of examples that are kept on disk; it may be removed at any time."""
_MOST_BYTES = 64 * 10**9
"""Sets that were not used for longest are removed when all together are larger."""
_FORGOTTEN = 24 * 3600  # seconds after which what a killed process left is removed
_FORMAT = 1
_WHOLE = "whole.json"  # is written last


class Store(Protocol):
    """Where examples are kept: `InMemory` or `_Folder`."""

    told: dict[str, Any]
    """What the reader of the set finds out, as JSON can hold it. A folder that is used again tells it."""

    def keep(self, split: str, pairs: Iterable[tuple[Any, int]]) -> Examples:
        """Return the examples of a split from (input, target) pairs, which are read one by one."""
        ...


class InMemory:
    """Keeps examples in lists."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {}

    def keep(self, split: str, pairs: Iterable[tuple[Any, int]]) -> Examples:
        """Return the examples of a split from (input, target) pairs."""
        inputs, targets = [], array("q")
        for example, target in pairs:
            inputs.append(example)
            targets.append(target)
        return Examples(inputs, np.array(targets, np.int64))


@contextlib.contextmanager
def store_for(
    source: str, files: Sequence[Path], reading: Sequence[Any], memory_gb: float | None
) -> Iterator[Store]:
    """Give the place for the examples of a data set: memory, or if they are too large a folder of the cache.

    The folder is new, or the one that an earlier process has written from the same files in the same way. It
    is there as a whole when the context has ended without an error, or not at all.

    Args:
        source: the name of the data set in messages.
        files: what the set is read from.
        reading: the settings that change what is read from them, as values that JSON can hold.
        memory_gb: the memory that the data may take, in GB; None for half of what is free.

    Raises:
        UserError: the cache can't be written to, or the disk has too little space.
    """
    found = [(str(file.resolve()), file.stat()) for file in files]
    size = sum(stat.st_size for _, stat in found)
    if not is_too_large(source, size, memory_gb):
        yield InMemory()
        return
    state = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in found]
    key = hashlib.sha256(json.dumps([_FORMAT, source, state, list(reading)]).encode()).hexdigest()[:24]
    place = CACHE / key
    try:
        if (place / _WHOLE).exists():
            os.utime(place)
            yield _Folder(source, place, json.loads((place / _WHOLE).read_text()))
            return
        CACHE.mkdir(parents=True, exist_ok=True)
        _require_space(source, size)
        with tempfile.TemporaryDirectory(prefix=".", dir=CACHE) as partial:
            folder = _Folder(source, Path(partial), {})
            yield folder
            (Path(partial) / _WHOLE).write_text(json.dumps(folder.told))
            _put(Path(partial), place)
        _prune(CACHE)
    except OSError as error:
        why = error.strerror or error
        raise UserError(f"{source}: its examples can't be kept in {CACHE.absolute()}: {why}") from error


def _put(partial: Path, place: Path) -> None:
    """Move a folder that is whole to its place, unless another process was quicker."""
    try:
        partial.rename(place)
    except OSError:
        if not (place / _WHOLE).exists():
            raise


def _require_space(source: str, size: int) -> None:
    free = shutil.disk_usage(CACHE).free
    if free < size:
        raise UserError(
            f"{source}: its examples can't be kept in {CACHE.absolute()}: expected {size / 1e9:.2f} GB "
            f"of free space, found {free / 1e9:.2f} GB"
        )


def _prune(cache: Path) -> None:
    """Remove what killed processes left, and the sets that were used longest ago if all are too large."""
    kept = 0
    folders = sorted(cache.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders:
        files = [file.stat() for file in folder.iterdir()]
        if not (folder / _WHOLE).exists():
            newest = max([folder.stat().st_mtime, *(file.st_mtime for file in files)])
            if time.time() - newest > _FORGOTTEN:
                shutil.rmtree(folder, ignore_errors=True)
            continue
        kept += sum(file.st_size for file in files)
        if kept > _MOST_BYTES and folder != folders[0]:
            shutil.rmtree(folder, ignore_errors=True)


class _Folder:
    """Keeps the examples of a split in SPLIT.examples, and where they end and their targets beside it."""

    def __init__(self, source: str, folder: Path, told: dict[str, Any]) -> None:
        self._source, self._folder, self.told = source, folder, told

    def keep(self, split: str, pairs: Iterable[tuple[Any, int]]) -> Examples:
        content, index = (self._folder / f"{split}.{end}" for end in ("examples", "npz"))
        if not index.exists():
            self._write(split, pairs, content, index)
        with np.load(index) as found:
            kind, ends, targets = str(found["kind"]), found["ends"], found["targets"]
        return Examples(OnDisk(content, kind, ends), targets)

    def _write(self, split: str, pairs: Iterable[tuple[Any, int]], content: Path, index: Path) -> None:
        rest = iter(tqdm(pairs, f"{self._source}, {split}", leave=False, disable=None))
        first = next(rest, None)
        kind = TEXT if first is None or isinstance(first[0], str) else first[0].dtype.str
        ends, targets = array("q"), array("q")

        def inputs() -> Iterator[Any]:
            for example, target in itertools.chain([] if first is None else [first], rest):
                targets.append(target)
                yield example

        with content.open("wb") as file:
            ends.extend(write_examples(file, inputs()))
        np.savez(index, kind=kind, ends=np.array(ends, np.int64), targets=np.array(targets, np.int64))
