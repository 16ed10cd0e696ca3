"""An operator in its graph, as the rules see it: the types, shapes and known values of its tensors."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .flatbuffer_reader import Table, require

Shape = tuple[int, ...]


class Scales(NamedTuple):
    """How many scales a tensor has, the smallest and the largest of them."""

    number: int
    least: float
    most: float


class Node:
    """An operator in its graph.

    Attributes:
        name: the name of the operator.
        types, made: the types of inputs (-1: absent) and outputs.
        shapes: the shapes of the inputs; absent ones are scalars.
        values: the values of the inputs that are known before the graph runs, otherwise None.
        scales, made_scales, between: of inputs, outputs and intermediate tensors, None where there are none.
        options: the checked options by name.
        table: the table of options, or None.
        scratch: bytes that the kernel needs besides its tensors; rules add to it.
    """

    __slots__ = (
        "between", "made", "made_scales", "name", "options", "rank", "scales", "scratch",
        "shapes", "table", "types", "values",
    )  # fmt: skip

    name: str
    types: list[int]
    made: list[int]
    shapes: list[Shape]
    values: list[np.ndarray | None]
    scales: list[Scales | None]
    made_scales: list[Scales | None]
    between: list[Scales | None]
    options: dict[str, int]
    table: Table | None
    rank: int
    scratch: int

    def known(self, place: int, what: str) -> list[int]:
        """Return the whole numbers of an input whose values are known, as a flat list.

        Raises:
            UnsoundError: they are computed when the graph runs.
        """
        value = self.values[place]
        if value is None:
            require(False, f"expected {what} that are known before the graph runs")
        assert value is not None
        return value.ravel().tolist()

    def one(self, place: int, what: str) -> int:
        """Return the known value of an input with one element."""
        values = self.known(place, what)
        require(len(values) == 1, f"expected one value for {what}, found {len(values)}")
        return values[0]

    def per_axis(self, place: int, what: str) -> list[int]:
        """Return the known values of an input with one element for each axis of input 0."""
        values, rank = self.known(place, what), len(self.shapes[0])
        require(
            len(self.shapes[place]) == 1 and len(values) == rank,
            f"expected {rank} {what}, found {values[:9]}",
        )
        return values

    def shape_in(self, place: int) -> Shape:
        """Return the known shape that an input holds."""
        require(len(self.shapes[place]) == 1, "expected a list of sizes")
        sizes = self.known(place, "sizes")
        require(len(sizes) <= 8 and min(sizes, default=0) >= 0, f"expected a shape, found {sizes[:9]}")
        return tuple(sizes)

    def axes(self, place: int) -> list[int]:
        """Return the known axes in an input, each an axis of input 0, from 0."""
        return [axis_of(axis, len(self.shapes[0])) for axis in self.known(place, "axes")]


def axis_of(axis: int, rank: int) -> int:
    """Return an axis that may count from the end, as one that counts from 0."""
    require(-rank <= axis < rank, f"expected an axis of {rank}, found {axis}")
    return axis % rank


def size(shape: Shape) -> int:
    """Return the number of elements of a shape."""
    return math.prod(shape)
