"""Read a flatbuffer in which any offset may be wrong. Needs only the standard library and numpy.

A table holds numbered fields, which are found through a list of 16-bit offsets. Tables, vectors and strings
lie elsewhere in the file and are found by a 32-bit offset. Nothing is ever read outside the file.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator

import numpy as np

_U16, _U32, _I32 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<i")
_FEW = 64


class UnsoundError(Exception):
    """The file breaks the rules of its format. The message says what was expected and what was found."""


class Table:
    """A table of a file.

    Args:
        data: the content of the file.
        at: the byte at which the table starts.

    Raises:
        UnsoundError: something lies outside the file. Every method can raise this.
    """

    __slots__ = ("_at", "_data", "_fields")

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        start = at - _number(data, at, _I32)
        size = _number(data, start, _U16)
        if size < 4 or start + size > len(data):
            raise UnsoundError(f"expected a table at byte {at}, its list of fields is outside the file")
        self._fields = _struct(size // 2 - 2, "H").unpack_from(data, start + 4)

    def number(self, field: int, kind: struct.Struct, default: int = 0) -> int:
        """Return an integer field, or `default` if the table doesn't have it."""
        at = self._place(field)
        return _number(self._data, at, kind) if at else default

    def table(self, field: int) -> Table | None:
        """Return a field that is a table, or None if the table doesn't have it."""
        at = self._place(field)
        return Table(self._data, at + _number(self._data, at, _U32)) if at else None

    def tables(self, field: int) -> Iterator[Table]:
        """Yield the tables in a field that is a vector of tables."""
        start, length = self._vector(field, 4)
        for at in range(start, start + 4 * length, 4):
            yield Table(self._data, at + _number(self._data, at, _U32))

    def array(self, field: int, dtype: str) -> np.ndarray:
        """Return a field that is a vector of numbers; empty if the table doesn't have it."""
        kind = np.dtype(dtype)
        start, length = self._vector(field, kind.itemsize)
        return np.frombuffer(self._data, kind, length, start) if length else np.empty(0, kind)

    def end(self, field: int) -> int:
        """Return the offset just after a field that is a vector of bytes; 0 if the table doesn't have it."""
        return sum(self._vector(field, 1))

    def whole(self, field: int) -> list[int]:
        """Return a field that is a vector of 32-bit integers."""
        start, length = self._vector(field, 4)
        if not length:
            return []
        if length > _FEW:
            return np.frombuffer(self._data, "<i4", length, start).tolist()
        return list(_struct(length, "i").unpack_from(self._data, start))

    def text(self, field: int) -> str:
        """Return a field that is a string."""
        start, length = self._vector(field, 1)
        try:
            return self._data[start : start + length].decode()
        except UnicodeDecodeError:
            raise UnsoundError(f"expected UTF-8 text at byte {start}") from None

    def _place(self, field: int) -> int:
        """Return the offset of a field, or 0 if the table doesn't have it."""
        offset = self._fields[field] if field < len(self._fields) else 0
        return self._at + offset if offset else 0

    def _vector(self, field: int, size: int) -> tuple[int, int]:
        """Return the offset of the first item of a vector and the number of items, each of `size` bytes."""
        at = self._place(field)
        if not at:
            return 0, 0
        at += _number(self._data, at, _U32)
        length = _number(self._data, at, _U32)
        if at + 4 + length * size > len(self._data):
            raise UnsoundError(
                f"expected {length} items of {size} bytes at byte {at}, but the file ends before"
            )
        return at + 4, length


def root(data: bytes) -> Table:
    """Return the root table of a file."""
    return Table(data, _number(data, 0, _U32))


def _number(data: bytes, at: int, kind: struct.Struct) -> int:
    try:
        if at >= 0:  # else Python would count from the end
            return kind.unpack_from(data, at)[0]
    except struct.error:
        pass
    raise UnsoundError(f"expected {kind.size} bytes at byte {at} of a file of {len(data)}")


@functools.lru_cache(maxsize=256)
def _struct(count: int, kind: str) -> struct.Struct:
    return struct.Struct(f"<{count}{kind}")


def require(sound: bool, problem: str) -> None:
    """Raise UnsoundError unless `sound`."""
    if not sound:
        raise UnsoundError(problem)
