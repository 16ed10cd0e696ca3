"""Examples that stay in a file and are read when they are needed, and features computed from them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, overload

import numpy as np

TEXT = "text"
"""The kind of examples that are texts; other kinds are the type of the numbers of arrays, such as "<i2"."""
_AT_ONCE = 256  # examples that are read for features that are gone through from first to last


class _OpenFile:
    """A file that is open for reading until nothing refers to it any more."""

    def __init__(self, path: Path) -> None:
        self.number = os.open(path, os.O_RDONLY)

    def __del__(self) -> None:
        if hasattr(self, "number"):
            os.close(self.number)


class OnDisk(Sequence[Any]):
    """Texts, or arrays of one axis, in a file. Of each example only its place is in memory: 16 bytes.

    Args:
        path: the file: the examples one after the other, texts as UTF-8. It is kept open, so it may be moved
            or removed.
        kind: `TEXT`, or the type of the arrays' numbers.
        ends: where each example ends, in bytes, (N,) int64.
        rows: the numbers of the examples to show, in this order. Default: all.
    """

    def __init__(self, path: Path, kind: str, ends: np.ndarray, rows: np.ndarray | None = None) -> None:
        self._file = _OpenFile(path)
        self._kind = kind
        self._ends = ends
        self._rows = np.arange(len(ends)) if rows is None else rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, key: int | np.integer) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> list[Any]: ...
    def __getitem__(self, key: int | np.integer | slice) -> Any:
        if isinstance(key, slice):
            return [self._read(row) for row in self._rows[key]]
        return self._read(self._rows[key])

    def take(self, rows: np.ndarray) -> OnDisk:
        """Return the examples with these numbers, which stay on disk: (N,) int."""
        some = object.__new__(OnDisk)
        some._file, some._kind, some._ends = self._file, self._kind, self._ends
        some._rows = self._rows[rows]
        return some

    def _read(self, row: int) -> Any:
        start = int(self._ends[row - 1]) if row else 0
        content = os.pread(self._file.number, int(self._ends[row]) - start, start)
        return content.decode() if self._kind == TEXT else np.frombuffer(content, self._kind)


def write_examples(file: BinaryIO, examples: Iterable[Any]) -> Iterator[int]:
    """Write texts, or arrays of one axis, one after the other; yield where each ends, in bytes."""
    end = 0
    for example in examples:
        end += file.write(example.encode() if isinstance(example, str) else example.tobytes())
        yield end


class OnDemand:
    """An array (N, ...) whose rows are computed from raw examples each time that they are read.

    Args:
        raw: the N examples.
        compute: compute(examples) -> their rows (examples, ...), as an array.
    """

    def __init__(self, raw: OnDisk, compute: Callable[[Sequence[Any]], np.ndarray]) -> None:
        self._raw = raw
        self._compute = compute
        one = compute(raw[:1])
        self.dtype = one.dtype
        self.shape = (len(raw), *one.shape[1:])
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return len(self._raw)

    def __getitem__(self, key: Any) -> np.ndarray:
        if isinstance(key, slice):
            return self._compute(self._raw[key])
        rows = np.asarray(key)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        if rows.ndim == 0:
            return self._compute([self._raw[int(rows)]])[0]
        return self._compute([self._raw[row] for row in rows])

    def __iter__(self) -> Iterator[np.ndarray]:
        for start in range(0, len(self), _AT_ONCE):
            yield from self[start : start + _AT_ONCE]


def computed(raw: Sequence[Any], compute: Callable[[Sequence[Any]], np.ndarray]) -> Any:
    """Return `compute(raw)`: at once, or of examples on disk as an `OnDemand`."""
    return OnDemand(raw, compute) if isinstance(raw, OnDisk) else compute(raw)


def spread(examples: Any, most: int, count: int | None = None) -> np.ndarray:
    """Return places at equal distances for what may be gone through at once: all if examples are in memory.

    Args:
        examples: raw examples or features. If they are on disk, there are at most `most` places.
        count: the number of places to choose from. Default: that of the examples.
    """
    count = len(examples) if count is None else count
    some = min(count, most) if isinstance(examples, OnDisk | OnDemand) else count
    return np.linspace(0, max(count - 1, 0), some).round().astype(int)


def some_of(features: Any, most: int) -> np.ndarray:
    """Return an array as it is; of one on demand, at most so many rows, evenly spread."""
    return features[spread(features, most)] if isinstance(features, OnDemand) else features
