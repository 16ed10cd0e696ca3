"""Check that LiteRT can run the operators of a .tflite file in their order and on their tensors."""

from __future__ import annotations

import struct
from typing import NamedTuple

from .flatbuffer_reader import Table, UnsoundError, require
from .operators import (
    NAMED,
    ONE_SCALE,
    OPTIONS,
    OUTPUTS_COUNTED,
    PLAIN,
    SAME_INPUTS,
    SAME_OUTPUT,
    STATEFUL,
    op_name,
    wrong_counts,
)

BOOL = 6
SCALED_TYPES = (3, 7, 9)
"""uint8, int16, int8: the types of quantised activations."""
_U8, _I32 = struct.Struct("<B"), struct.Struct("<i")
_IF, _WHILE = NAMED["IF"], NAMED["WHILE"]
_FILL, _STRIDED_SLICE = NAMED["FILL"], NAMED["STRIDED_SLICE"]
_DEEPEST = 16  # nested calls of graphs; each uses some of the stack


class Tensor(NamedTuple):
    """The properties of a tensor that the checks use."""

    type: int
    shape: tuple[int, ...]
    constant: bool
    variable: bool
    scales: int


class Graph(NamedTuple):
    """A graph: its tensors, the indices of its inputs and outputs, and its operators' numbers and tables."""

    tensors: list[Tensor]
    inputs: list[int]
    outputs: list[int]
    operators: list[tuple[int, Table]]

    def types(self, tensors: list[int]) -> list[int]:
        """Return the types of tensors, given their indices."""
        return [self.tensors[i].type for i in tensors]


def check_graph(index: int, graphs: list[Graph]) -> set[int]:
    """Check that each tensor is written once and before it is read; return the graphs that this one calls."""
    graph = graphs[index]
    for i in graph.inputs:
        tensor = graph.tensors[i]
        require(not (tensor.constant or tensor.variable), f"graph {index}: input {i} is a constant")
    require(len(set(graph.inputs)) == len(graph.inputs), f"graph {index}: expected each input once")
    written, calls = set(graph.inputs), set()
    for place, (code, op) in enumerate(graph.operators):
        try:
            inputs, outputs = _check_op(code, op, graph, written)
            if code in (_IF, _WHILE):
                calls |= _check_calls(code, op, inputs, outputs, graph=graph, graphs=graphs)
        except UnsoundError as problem:
            raise UnsoundError(f"graph {index}, operator {place}, {op_name(code)}: {problem}") from None
    for i in graph.outputs:
        require(_known(i, graph, written), f"graph {index}: output {i} is written by no operator")
    return calls


def check_depth(calls: list[set[int]]) -> None:
    """Refuse graphs that call themselves, even indirectly, and calls nested too deeply for the stack."""
    reach = [set(called) for called in calls]
    for _ in range(_DEEPEST):
        if not any(reach):
            return
        reach = [set().union(*(calls[i] for i in called)) for called in reach]
    raise UnsoundError(
        f"expected calls of graphs nested at most {_DEEPEST} deep, found deeper ones or a cycle"
    )


def _known(i: int, graph: Graph, written: set[int]) -> bool:
    """Return whether a tensor has its values already. An empty tensor always has."""
    tensor = graph.tensors[i]
    return i in written or tensor.constant or tensor.variable or 0 in tensor.shape


def _check_op(code: int, op: Table, graph: Graph, written: set[int]) -> tuple[list[int], list[int]]:
    """Check one operator, add its outputs to `written`, and return its inputs and outputs."""
    inputs, outputs = op.whole(1), op.whole(2)
    places = range(len(graph.tensors))
    require(all(i in places or i == -1 for i in (*inputs, *op.whole(8))), "inputs: no such tensor")
    require(all(i in places for i in outputs), "outputs: no such tensor")
    if problem := wrong_counts(code, inputs, outputs):
        raise UnsoundError(problem)
    given = [i for i in inputs if i != -1]
    for i in given:
        require(_known(i, graph, written), f"tensor {i} is read before it is written")
        require(not graph.tensors[i].variable or code in STATEFUL, f"tensor {i} is a variable")
    for i in outputs:
        tensor = graph.tensors[i]
        again = i in written or tensor.constant or (tensor.variable and not _sets(code, graph, given, i))
        require(not again, f"tensor {i} is written twice")
        written.add(i)
    _check_types(code, graph, given, outputs)
    _check_options(code, op, outputs)
    return inputs, outputs


def _sets(code: int, graph: Graph, inputs: list[int], variable: int) -> bool:
    """Return whether an operator does no more than fill a variable with a constant."""
    if code != _FILL or len(inputs) != 2 or not all(graph.tensors[i].constant for i in inputs):
        return False
    return graph.tensors[inputs[1]].type == graph.tensors[variable].type


def _check_types(code: int, graph: Graph, inputs: list[int], outputs: list[int]) -> None:
    """Check that the types and scales of an operator's tensors are allowed."""
    made = set(graph.types(outputs))
    require(code not in SAME_INPUTS or len(set(graph.types(inputs))) == 1, "expected inputs of one type")
    require(
        code not in SAME_OUTPUT or made == set(graph.types(inputs[:1])),
        "expected outputs of the input type",
    )
    for i in (*inputs, *outputs):
        tensor = graph.tensors[i]
        lacks = tensor.type in SCALED_TYPES and tensor.scales == 0 and code not in PLAIN
        require(not lacks, f"tensor {i} has no scale")
        many = tensor.constant and code not in ONE_SCALE
        require(tensor.scales <= 1 or many, f"expected one scale for tensor {i}")


def _check_options(code: int, op: Table, outputs: list[int]) -> None:
    options = op.table(4)
    if code in OPTIONS:
        found = op.number(3, _U8) if options else 0
        require(found == OPTIONS[code], f"expected options of type {OPTIONS[code]}, found {found}")
    if options and code in OUTPUTS_COUNTED:
        count = options.number(0, _I32)
        require(count == len(outputs), f"expected {count} outputs, found {len(outputs)}")
    if options and code == _STRIDED_SLICE:
        require(not options.number(5, _U8), "ends relative to begins are not supported")


def _check_calls(
    code: int, op: Table, inputs: list[int], outputs: list[int], *, graph: Graph, graphs: list[Graph]
) -> set[int]:
    """Check that the tensors of a loop or a branch fit the graphs it calls, and return those graphs."""
    options = op.table(4)
    assert options is not None  # _check_op has checked it
    first, second = (options.number(field, _I32) for field in (0, 1))
    require({first, second} <= set(range(len(graphs))), f"no such graph: {first} or {second}")
    require(-1 not in inputs, "an input is absent")
    handed, made = graph.types(inputs), graph.types(outputs)
    if code == _IF:
        require(handed[:1] == [BOOL], "expected a condition")
        handed = handed[1:]
    else:
        require(graphs[first].types(graphs[first].outputs) == [BOOL], "expected a condition")
        require(handed == made, "expected outputs of the inputs' types")
    for called in {second} if code == _WHILE else {first, second}:
        require(graphs[called].types(graphs[called].outputs) == made, f"graph {called} has other outputs")
    for called in {first, second}:
        require(graphs[called].types(graphs[called].inputs) == handed, f"graph {called} has other inputs")
    return {first, second}
