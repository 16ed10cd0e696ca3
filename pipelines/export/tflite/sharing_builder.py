"""A flatbuffer builder that writes equal parts once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import flatbuffers

_ALIGNMENT = 16  # of every buffer, as TFLite's schema demands


class SharingBuilder(flatbuffers.Builder):
    """Writes each vector, string and table once; later equal ones refer to the first.

    This saves a quarter of the file of an unrolled network. Its tensors differ little: their tables hold a
    shape, a type and the number of a buffer.

    References are stored as distances, so two equal parts hold different bytes. Parts are therefore
    compared by what they refer to. Structs are not supported; TFLite's schemas have none.

    Byte vectors are aligned to 16 bytes, as TFLite's schema demands; the base class ignores that.
    """

    def __init__(self) -> None:
        super().__init__(1024)
        self._written: dict[Hashable, int] = {}

    def StartVector(self, elem_size: int, num_elems: int, alignment: int) -> Any:  # noqa: N802, flatbuffers' name
        self._begin("vector", elem_size)
        return super().StartVector(elem_size, num_elems, _ALIGNMENT if elem_size == 1 else alignment)

    def EndVector(self) -> Any:  # noqa: N802
        count = self.vectorNumElems
        made = super().EndVector()
        first = len(self.Bytes) - made + 4  # after the number of elements
        content = tuple(self._targets) or bytes(self.Bytes[first : first + count * self._elem_size])
        return self._once((self._kind, count, content), made)

    def CreateString(self, text: str | bytes) -> Any:  # noqa: N802
        self._begin("string", 1)
        return super().CreateString(text)

    def PrependUOffsetTRelative(self, target: int) -> None:  # noqa: N802
        self._targets.append(target)
        super().PrependUOffsetTRelative(target)

    def StartObject(self, num_fields: int) -> None:  # noqa: N802
        self._begin("table", 0)
        self._fields: list[Hashable] = []
        super().StartObject(num_fields)

    def PrependSlot(self, flags: Any, slot: int, value: Any, default: Any) -> None:  # noqa: N802
        self._fields.append((slot, flags, value))
        super().PrependSlot(flags, slot, value, default)

    def PrependUOffsetTRelativeSlot(self, slot: int, target: int, default: Any) -> None:  # noqa: N802
        self._fields.append((slot, "offset", target))
        super().PrependUOffsetTRelativeSlot(slot, target, default)

    def EndObject(self) -> Any:  # noqa: N802
        key = ("table", tuple(self._fields))
        if key not in self._written:
            return self._once(key, super().EndObject())
        # The base class would also write the table's layout, which later tables may share. So discard the
        # table before that.
        self.nested, self.current_vtable = False, None
        return self._once(key, self.Offset())

    def _begin(self, kind: str, elem_size: int) -> None:
        self._kind, self._elem_size, self._before = kind, elem_size, self.Offset()
        self._targets: list[int] = []

    def _once(self, key: Hashable, made: int) -> int:
        """Return the offset at which `key` was first written; discard the copy just made, if it is one."""
        first = self._written.setdefault(key, made)
        if first != made:
            self.head = len(self.Bytes) - self._before
        return first
