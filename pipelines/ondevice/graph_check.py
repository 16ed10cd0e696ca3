"""Check the operators of a .tflite file: each is in the list, and its tensors and options fit its rules.

What depends on the sizes of tensors is checked in `graph_sizes`.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np

from .flatbuffer_reader import Table, UnsoundError, require
from .node import Node, Scales, Shape
from .operators import OPERATORS, Operator, op_name
from .scale_rules import SCALE_RULES
from .type_rules import type_problem

BOOL = 6
_SCALED_TYPES = (3, 7, 9)
"""uint8, int16, int8: the types of quantised activations."""
_U8, _I8, _I32, _F32 = (struct.Struct(f"<{kind}") for kind in "Bbif")
_KINDS = {"b": _I8, "?": _U8, "i": _I32, "f": _F32}
IF, WHILE = 118, 119
_FILL = 94
_DEFAULT_1 = frozenset({"dilation_w", "dilation_h", "powers"})
"""The options that are 1, not 0, where the file doesn't have them."""
_DEEPEST = 16  # nested calls of graphs; each uses some of the stack
_CALLING = {IF: 92, WHILE: 93}
"""The operators that call graphs, with the type of their options."""
_STATEFUL = frozenset({24, 27, 35, 44})
"""The recurrent operators, which keep variables from one run to the next."""
_BY_AXIS = frozenset({3, 4, 6, 7, 9, 67, 126, *_STATEFUL})
"""Operators whose constants may have a scale for each row."""


class Tensor(NamedTuple):
    """The properties of a tensor that the checks use."""

    type: int
    shape: Shape
    open: Shape
    """-1 for each size that is only known when the graph runs; () if there is none."""
    data: np.ndarray
    """The bytes of a constant, otherwise none."""
    variable: bool
    scales: Scales | None

    @property
    def constant(self) -> bool:
        """Whether the file holds the tensor's values."""
        return len(self.data) > 0


class Graph(NamedTuple):
    """A graph: its tensors, the indices of its inputs and outputs, and its operators' numbers and tables."""

    tensors: list[Tensor]
    inputs: list[int]
    outputs: list[int]
    operators: list[tuple[int, Table]]

    def types(self, tensors: list[int]) -> list[int]:
        """Return the types of tensors, given their indices; -1 for those that are absent."""
        return [self.tensors[i].type if i != -1 else -1 for i in tensors]


class Step(NamedTuple):
    """An operator that was checked. Those that call graphs have no rules of their own."""

    code: int
    node: Node
    operator: Operator | None
    inputs: list[int]
    outputs: list[int]
    calls: tuple[int, ...]


def check_graph(index: int, graphs: list[Graph]) -> list[Step]:
    """Check that each tensor is written once and before it is read, and that each operator may be run."""
    graph = graphs[index]
    for i in graph.inputs:
        tensor = graph.tensors[i]
        require(not (tensor.constant or tensor.variable), f"graph {index}: input {i} is a constant")
    require(len(set(graph.inputs)) == len(graph.inputs), f"graph {index}: expected each input once")
    written, steps = set(graph.inputs), []
    for place, (code, op) in enumerate(graph.operators):
        try:
            steps.append(_check_op(code, op, graphs, graph, written=written))
        except UnsoundError as problem:
            raise UnsoundError(f"graph {index}, operator {place}, {op_name(code)}: {problem}") from None
    for i in graph.outputs:
        require(_known(i, graph, written), f"graph {index}: output {i} is written by no operator")
    return steps


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


def _check_op(code: int, op: Table, graphs: list[Graph], graph: Graph, *, written: set[int]) -> Step:
    """Check one operator, and add its outputs to `written`."""
    inputs, outputs = op.whole(1), op.whole(2)
    places = range(len(graph.tensors))
    between = op.whole(8)
    require(all(i in places or i == -1 for i in (*inputs, *between)), "inputs: no such tensor")
    require(all(i in places for i in outputs), "outputs: no such tensor")
    operator = OPERATORS.get(code)
    require(operator is not None or code in _CALLING, "it is not in the list of operators that can be run")
    node = Node()
    node.name, node.types, node.made = op_name(code), graph.types(inputs), graph.types(outputs)
    if operator is not None:
        _check_types(operator, node)
        _check_options(operator, op, node)
    _check_order(code, graph, inputs, outputs, written=written)
    if operator is None:
        return Step(code, node, None, inputs, outputs, _check_calls(code, op, node, graphs))
    node.rank = operator.rank
    node.scales, node.made_scales, node.between = (
        [graph.tensors[i].scales if i != -1 else None for i in each] for each in (inputs, outputs, between)
    )
    _check_scales(operator, node, [graph.tensors[i] for i in (*inputs, *outputs) if i != -1])
    return Step(code, node, operator, inputs, outputs, ())


def _check_order(
    code: int, graph: Graph, inputs: list[int], outputs: list[int], *, written: set[int]
) -> None:
    given = [i for i in inputs if i != -1]
    for i in given:
        require(_known(i, graph, written), f"tensor {i} is read before it is written")
        require(not graph.tensors[i].variable or code in _STATEFUL, f"tensor {i} is a variable")
    for i in outputs:
        tensor = graph.tensors[i]
        again = i in written or tensor.constant or (tensor.variable and not _sets(code, graph, given, i))
        require(not again, f"tensor {i} is written twice")
        written.add(i)


def _sets(code: int, graph: Graph, inputs: list[int], variable: int) -> bool:
    """Return whether an operator does no more than fill a variable with a constant."""
    if code != _FILL or not all(graph.tensors[i].constant for i in inputs):
        return False
    return graph.tensors[inputs[1]].type == graph.tensors[variable].type


def _check_types(operator: Operator, node: Node) -> None:
    problem = type_problem(operator.signature, operator.types, tuple(node.types), tuple(node.made))
    if problem:
        raise UnsoundError(problem)


def _check_options(operator: Operator, op: Table, node: Node) -> None:
    """Check that the options are of the type that the kernel reads, and each in its range; keep them."""
    wanted = operator.options
    number = op.number(3, _U8)
    node.table = op.table(4) if number else None
    node.options = {}
    if wanted is None:
        return
    found = number if node.table else 0
    optional = not wanted.fields and found == 0
    require(found == wanted.number or optional, f"expected options of type {wanted.number}, found {found}")
    if node.table is None:
        return
    for name, (field, kind, least, most) in wanted.fields.items():
        value = node.table.number(field, _KINDS[kind], int(name in _DEFAULT_1))
        if not least <= value <= most:
            raise UnsoundError(f"expected {name} of {least:g} to {most:g}, found {value:g}")
        node.options[name] = value


def _check_scales(operator: Operator, node: Node, tensors: list[Tensor]) -> None:
    for tensor in tensors:
        scales = tensor.scales
        if scales is None:
            if tensor.type in _SCALED_TYPES and operator.scales != "none":
                raise UnsoundError(f"a tensor {tensor.shape} has no scale")
        elif scales.number > 1 and not (tensor.constant and operator.number in _BY_AXIS):
            raise UnsoundError(f"expected one scale for a tensor {tensor.shape}")
    SCALE_RULES[operator.scales](node)


def _check_calls(code: int, op: Table, node: Node, graphs: list[Graph]) -> tuple[int, ...]:
    """Check that the tensors of a loop or a branch fit the graphs it calls, and return those graphs."""
    options = op.table(4)
    found = op.number(3, _U8) if options else 0
    require(found == _CALLING[code], f"expected options of type {_CALLING[code]}, found {found}")
    assert options is not None
    first, second = (options.number(field, _I32) for field in (0, 1))
    require({first, second} <= set(range(len(graphs))), f"no such graph: {first} or {second}")
    handed, made = node.types, node.made
    require(-1 not in handed, "an input is absent")
    if code == IF:
        require(handed[:1] == [BOOL], "expected a condition")
        handed = handed[1:]
    else:
        require(graphs[first].types(graphs[first].outputs) == [BOOL], "expected a condition")
        require(handed == made, "expected outputs of the inputs' types")
    for called in {second} if code == WHILE else {first, second}:
        require(graphs[called].types(graphs[called].outputs) == made, f"graph {called} has other outputs")
    for called in {first, second}:
        require(graphs[called].types(graphs[called].inputs) == handed, f"graph {called} has other inputs")
    return first, second
