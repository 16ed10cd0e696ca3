"""Recognise how TFLite's converter writes one row of a list in a loop.

It joins the rows before place t, the new row, and the rows from t + 1. How many rows each slice has is only
known when the graph runs, but together they are as many as before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .flatbuffer_reader import require
from .graph_check import Step
from .node import Node, Shape, size


class Place(NamedTuple):
    """A number that is only known when the graph runs: a tensor's, plus an offset. Others may follow."""

    tensor: int
    offset: int
    rest: tuple[int, ...] = ()


class Part(NamedTuple):
    """The rows of a tensor before a place, or from it on."""

    source: int
    place: Place
    before: bool


class ListWrites:
    """What is known of a graph's places and parts while its operators are followed."""

    def __init__(self) -> None:
        self._places: dict[int, Place] = {}
        self._parts: dict[int, Part] = {}

    def shape_of(self, step: Step, known: list[Shape], *, open_output: bool) -> Shape | None:
        """Return the shape of a part or of a list that is joined again; None for all other operators.

        That of a part is the largest that it may have. LiteRT checks the place when the graph runs, if the
        file leaves the shape of the part open.

        Raises:
            UnsoundError: an operator takes a part, but doesn't join it to a list again.
        """
        parts = [self._parts.get(i) for i in step.inputs]
        if any(parts):
            require(
                _joins(step.node, parts), "expected tensors of shapes that are known before the graph runs"
            )
            assert parts[0] is not None
            shape = known[parts[0].source]
            require(step.node.shapes[1] == (1, *shape[1:]), f"expected a row of {shape}")
            return shape
        if step.node.name == "SLICE" and open_output and self._is_part(step):
            return known[step.inputs[0]]
        self._keep_place(step)
        return None

    def _keep_place(self, step: Step) -> None:
        """Keep what an operator makes of a place: it adds a known number, or puts known ones behind it."""
        node, first = step.node, step.inputs[0]
        if node.name not in _KEEPING or first == -1 or size(node.shapes[0]) != 1:
            return
        place, others = self._places.get(first, Place(first, 0)), _numbers(node.values[1:])
        if others is None or place.rest:
            return
        if node.name == "ADD":
            place = place._replace(offset=place.offset + others[0]) if len(others) == 1 else place
        elif node.name in ("CONCATENATION", "PACK"):
            place = place._replace(rest=others)
        self._places[step.outputs[0]] = place

    def _is_part(self, step: Step) -> bool:
        source, begin, sizes = step.inputs
        begins, lengths = (_numbers([value]) for value in step.node.values[1:])
        rank = len(step.node.shapes[0])
        before = begins == (0,) * rank and lengths is None
        if not before and (lengths != (-1,) * rank or begins is not None):
            return False
        place = self._places.get(sizes if before else begin)
        if place is None or place.rest != (-1 if before else 0,) * (rank - 1):
            return False
        self._parts[step.outputs[0]] = Part(source, place._replace(rest=()), before)
        return True


_KEEPING = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "ADD", "CONCATENATION", "PACK"})


def _numbers(values: list[np.ndarray | None]) -> tuple[int, ...] | None:
    """Return known values one after the other, or None."""
    if any(value is None for value in values):
        return None
    return tuple(number for value in values if value is not None for number in value.ravel().tolist())


def _joins(node: Node, parts: list[Part | None]) -> bool:
    if node.name != "CONCATENATION" or node.options["axis"] != 0 or len(parts) != 3:
        return False
    before, row, behind = parts
    if before is None or row is not None or behind is None or not before.before or behind.before:
        return False
    same = before.source == behind.source and before.place.tensor == behind.place.tensor
    return same and behind.place.offset == before.place.offset + 1
