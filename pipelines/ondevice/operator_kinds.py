"""What is written down for each operator that a .tflite file may use.

Types are written as "INPUTS > OUTPUTS", with alternatives between semicolons. `T` stands for one of `types`,
`?` marks a tensor that may be absent, and `*` one that may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .node import Node, Shape

FLAG = (0, 1)
ONE = "T > T"

Field = tuple[int, str, float, float]
"""An option: its field in the table, its kind (int8, bool, int32, float32), and its range."""


class Options(NamedTuple):
    """The options that an operator needs: the type of their table, and the fields that are checked."""

    number: int
    fields: dict[str, Field]


class Operator(NamedTuple):
    """The rules of an operator."""

    name: str
    number: int
    signature: str
    types: str
    """The types that `T` may stand for."""
    shape: Callable[[Node], list[Shape]]
    """Computes the shapes of the outputs, and refuses inputs that the kernel can't take."""
    options: Options | None = None
    scales: str = "each"
    """The rule of `scale_rules` for 8-bit and 16-bit tensors."""
    rank: int = 8
    """The largest rank of a tensor, or for those that broadcast, the largest rank of broadcast tensors."""
    empty: bool = False
    """Whether tensors without elements are allowed."""


def options(number: int, **fields: Field) -> Options:
    """Return options of a type, with the fields that are checked by name."""
    return Options(number, fields)


ACTIVATION: Field = (0, "b", 0, 3)
