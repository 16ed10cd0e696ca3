"""Read a flatbuffer whose every offset may be wrong: the standard library and numpy only.

A table is fields by number. Each field is found through a list of 16-bit offsets; tables, vectors and texts
lie elsewhere in the file, behind a 32-bit offset. Nothing is read outside of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

_U16, _U32, _I32 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<i")


class UnsoundError(Exception):
    """The file isn't what its format says. The message says what was expected and what was found."""


class Table:
    """One table at byte `at` of a file.

    Raises:
        UnsoundError: here and in every method, when something lies outside of the file.
    """

    __slots__ = ("_at", "_data", "_fields", "_size")

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - _number(data, at, _I32)
        self._size = _number(data, self._fields, _U16)
        if self._size < 4 or self._fields + self._size > len(data):
            raise UnsoundError(f"expected a table at byte {at}, its list of fields is outside of the file")

    def number(self, field: int, kind: struct.Struct, default: int = 0) -> int:
        """Return a whole number."""
        at = self._place(field)
        return _number(self._data, at, kind) if at else default

    def table(self, field: int) -> Table | None:
        """Return a table, or None where there is none."""
        at = self._place(field)
        return Table(self._data, at + _number(self._data, at, _U32)) if at else None

    def tables(self, field: int) -> Iterator[Table]:
        """Yield the tables of a vector of them."""
        start, length = self._vector(field, 4)
        for at in range(start, start + 4 * length, 4):
            yield Table(self._data, at + _number(self._data, at, _U32))

    def array(self, field: int, dtype: str) -> np.ndarray:
        """Return a vector of numbers, empty where there is none."""
        kind = np.dtype(dtype)
        start, length = self._vector(field, kind.itemsize)
        return np.frombuffer(self._data, kind, length, start) if length else np.empty(0, kind)

    def end(self, field: int) -> int:
        """Return the byte behind a vector of bytes, 0 where there is none."""
        return sum(self._vector(field, 1))

    def whole(self, field: int) -> list[int]:
        """Return a vector of 32-bit whole numbers."""
        return self.array(field, "<i4").tolist()

    def text(self, field: int) -> str:
        """Return a text."""
        start, length = self._vector(field, 1)
        try:
            return self._data[start : start + length].decode()
        except UnicodeDecodeError:
            raise UnsoundError(f"expected a text in UTF-8 at byte {start}") from None

    def _place(self, field: int) -> int:
        """Return where a field is, or 0."""
        entry = 4 + 2 * field
        offset = _number(self._data, self._fields + entry, _U16) if entry + 2 <= self._size else 0
        return self._at + offset if offset else 0

    def _vector(self, field: int, size: int) -> tuple[int, int]:
        """Return the start and the length of a vector of items of `size` bytes."""
        at = self._place(field)
        if not at:
            return 0, 0
        at += _number(self._data, at, _U32)
        length = _number(self._data, at, _U32)
        if at + 4 + length * size > len(self._data):
            raise UnsoundError(f"expected {length} items of {size} bytes at byte {at}, the file ends before")
        return at + 4, length


def root(data: bytes) -> Table:
    """Return the table that the file begins with."""
    return Table(data, _number(data, 0, _U32))


def _number(data: bytes, at: int, kind: struct.Struct) -> int:
    if not 0 <= at <= len(data) - kind.size:
        raise UnsoundError(f"expected {kind.size} bytes at byte {at} of a file of {len(data)}")
    return kind.unpack_from(data, at)[0]


def require(sound: bool, problem: str) -> None:
    """Raise UnsoundError unless `sound`."""
    if not sound:
        raise UnsoundError(problem)
