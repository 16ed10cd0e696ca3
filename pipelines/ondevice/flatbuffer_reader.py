"""Read a flatbuffer in which any offset may be wrong. Needs only the standard library and numpy.

A table holds numbered fields, which are found through a list of 16-bit offsets. Tables, vectors and strings
lie elsewhere in the file and are found by a 32-bit offset. Nothing is ever read outside the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

_U16, _U32, _I32 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<i")


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

    __slots__ = ("_at", "_data", "_fields", "_size")

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - _number(data, at, _I32)
        self._size = _number(data, self._fields, _U16)
        if self._size < 4 or self._fields + self._size > len(data):
            raise UnsoundError(f"expected a table at byte {at}, its list of fields is outside the file")

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
        return self.array(field, "<i4").tolist()

    def text(self, field: int) -> str:
        """Return a field that is a string."""
        start, length = self._vector(field, 1)
        try:
            return self._data[start : start + length].decode()
        except UnicodeDecodeError:
            raise UnsoundError(f"expected UTF-8 text at byte {start}") from None

    def _place(self, field: int) -> int:
        """Return the offset of a field, or 0 if the table doesn't have it."""
        entry = 4 + 2 * field
        offset = _number(self._data, self._fields + entry, _U16) if entry + 2 <= self._size else 0
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
    if not 0 <= at <= len(data) - kind.size:
        raise UnsoundError(f"expected {kind.size} bytes at byte {at} of a file of {len(data)}")
    return kind.unpack_from(data, at)[0]


def require(sound: bool, problem: str) -> None:
    """Raise UnsoundError unless `sound`."""
    if not sound:
        raise UnsoundError(problem)
