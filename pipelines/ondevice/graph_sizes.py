"""Follow the shapes of tensors through the graphs of a file, and bound the memory that they need."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .flatbuffer_reader import UnsoundError, require
from .graph_check import IF, Graph, Step, Tensor
from .list_writes import ListWrites
from .node import Shape, size
from .value_rules import DTYPES, LARGEST, value_of

BITS = {
    0: 32, 1: 16, 2: 32, 3: 8, 4: 64, 6: 8, 7: 16, 8: 64, 9: 8, 10: 64, 11: 128, 12: 64, 15: 32, 16: 16,
    17: 4, 18: 16, 19: 2, 20: 4,
}  # fmt: skip
"""Bits per element for each type of tensor. Strings and resource handles are not supported on devices."""
MOST_ELEMENTS = 2**31 - 1  # LiteRT counts in 32 bits
_LARGEST_CONSTANT = 4096


def bytes_of(kind: int, shape: Shape) -> int:
    """Return the size of a tensor in bytes, given its type."""
    return -(-math.prod(shape) * BITS[kind] // 8)


class Sizes:
    """The shapes of a file's tensors.

    Args:
        graphs: the graphs of the file.
        steps: the checked operators of each graph.
        max_memory: the most bytes that all tensors which aren't constants may need together.
    """

    def __init__(self, graphs: list[Graph], steps: list[list[Step]], max_memory: int) -> None:
        self._graphs, self._steps, self._max = graphs, steps, max_memory
        self._needed = 0
        self._done: dict[tuple[int, tuple[Shape, ...]], list[Shape]] = {}

    def check(self, index: int, shapes: Sequence[Shape]) -> None:
        """Check a graph for inputs of some shapes.

        Raises:
            UnsoundError: an operator can't take its inputs, or the tensors need more than `max_memory`.
        """
        self._needed, self._done = 0, {}
        self._follow(index, tuple(shapes))

    def _follow(self, index: int, shapes: tuple[Shape, ...]) -> list[Shape]:
        """Return the shapes of a graph's outputs for inputs of some shapes."""
        if (index, shapes) in self._done:
            return self._done[index, shapes]
        graph = self._graphs[index]
        known = [tensor.shape for tensor in graph.tensors]
        values: dict[int, np.ndarray | None] = {}
        writes = ListWrites()
        for i, shape in zip(graph.inputs, shapes, strict=True):
            self._write(f"graph {index}: input {i}", graph.tensors[i], shape)
            known[i] = shape
        for place, step in enumerate(self._steps[index]):
            try:
                self._step(step, graph, known, values, writes=writes)
            except UnsoundError as problem:
                where = "" if step.operator is None and "graph" in str(problem) else f"{step.node.name}: "
                raise UnsoundError(f"graph {index}, operator {place}, {where}{problem}") from None
        self._done[index, shapes] = [known[i] for i in graph.outputs]
        return self._done[index, shapes]

    def _step(
        self,
        step: Step,
        graph: Graph,
        known: list[Shape],
        values: dict[int, np.ndarray | None],
        *,
        writes: ListWrites,
    ) -> None:
        node, operator = step.node, step.operator
        given = [known[i] if i != -1 else () for i in step.inputs]
        if operator is None:
            made = self._call(step, given)
        else:
            node.shapes, node.scratch = given, 0
            node.values = [_value(i, graph.tensors, values) for i in step.inputs]
            require(
                operator.empty or not any(0 in shape for shape in given), "expected tensors with elements"
            )
            written = writes.shape_of(step, known, open_output=bool(graph.tensors[step.outputs[0]].open))
            made = operator.shape(node) if written is None else [written]
            require(
                len(made) == len(step.outputs), f"expected {len(made)} outputs, found {len(step.outputs)}"
            )
            self._need(node.scratch)
        for i, shape in zip(step.outputs, made, strict=True):
            self._write("output", graph.tensors[i], shape)
            known[i] = shape
            if operator is not None and size(shape) <= LARGEST and graph.tensors[i].type in DTYPES:
                values[i] = value_of(node, shape)
            else:
                values[i] = None

    def _call(self, step: Step, given: list[Shape]) -> list[Shape]:
        first, second = step.calls
        if step.code == IF:
            require(size(given[0]) == 1, f"expected a condition, found {given[0]}")
            made, other = (self._follow(graph, tuple(given[1:])) for graph in (first, second))
            require(made == other, f"graphs {first} and {second} have outputs of other shapes")
            return made
        (condition,) = self._follow(first, tuple(given))
        require(size(condition) == 1, f"expected a condition, found {condition}")
        require(self._follow(second, tuple(given)) == given, "its tensors change their shapes")
        return given

    def _write(self, what: str, tensor: Tensor, shape: Shape) -> None:
        """Check that a shape is as declared, and count its bytes."""
        if size(shape) > MOST_ELEMENTS:
            raise UnsoundError(f"{what}: expected at most {MOST_ELEMENTS} elements of {shape}")
        self._need(bytes_of(tensor.type, shape))
        if shape != tensor.shape and not _is_one_of(shape, tensor.open):
            raise UnsoundError(f"{what}: expected shape {shape}, found {tensor.open or tensor.shape}")

    def _need(self, count: int) -> None:
        self._needed += count
        if self._needed > self._max:
            raise UnsoundError(f"needs more than max_memory, {self._max} bytes")


def _is_one_of(shape: Shape, open_: Shape) -> bool:
    """Return whether a shape has the sizes of another, in which -1 stands for any."""
    pairs = zip(shape, open_, strict=False)
    return len(open_) > 0 and len(shape) == len(open_) and all(want in (have, -1) for have, want in pairs)


def _value(i: int, tensors: list[Tensor], values: dict[int, np.ndarray | None]) -> np.ndarray | None:
    """Return the value of a tensor, if it is known before the graph runs and small."""
    if i == -1 or i in values:
        return values.get(i)
    tensor = tensors[i]
    dtype = DTYPES.get(tensor.type)
    count = size(tensor.shape)
    if dtype is None or count > (_LARGEST_CONSTANT if tensor.type else 1):
        value = None
    elif not tensor.constant:
        value = np.empty(tensor.shape, dtype) if count == 0 else None
    else:
        value = np.frombuffer(tensor.data, dtype, count).reshape(tensor.shape)
    values[i] = value
    return value
