"""A flatbuffer builder that writes nothing twice."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import flatbuffers

_ALIGNMENT = 16  # of every buffer, as TFLite's schema asks


class SharingBuilder(flatbuffers.Builder):
    """Equal vectors, strings and tables are written once, and pointed to from wherever they are.

    Of the file of an unrolled network that saves a quarter: the tensors inside differ in little, and their
    tables hold a shape, a type and the number of a constant. What points to others holds distances, which
    differ from place to place: it is compared by what it points to. Structs, which TFLite's schemas have
    none of, are not seen.

    Byte vectors are aligned as the schema asks, which the builder beneath leaves out.
    """

    def __init__(self) -> None:
        super().__init__(1024)
        self._written: dict[Hashable, int] = {}

    def StartVector(self, elem_size: int, num_elems: int, alignment: int) -> Any:  # noqa: N802, its name
        self._begin("vector", elem_size)
        return super().StartVector(elem_size, num_elems, _ALIGNMENT if elem_size == 1 else alignment)

    def EndVector(self) -> Any:  # noqa: N802
        count = self.vectorNumElems
        made = super().EndVector()
        first = len(self.Bytes) - made + 4  # behind the number of elements
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
        # Before the end: that writes the layout, too, which others may then share.
        self.nested, self.current_vtable = False, None
        return self._once(key, self.Offset())

    def _begin(self, kind: str, elem_size: int) -> None:
        self._kind, self._elem_size, self._before = kind, elem_size, self.Offset()
        self._targets: list[int] = []

    def _once(self, key: Hashable, made: int) -> int:
        """Return where `key` was written first; if that wasn't just now, at `made`, take back what was."""
        first = self._written.setdefault(key, made)
        if first != made:
            self.head = len(self.Bytes) - self._before
        return first
