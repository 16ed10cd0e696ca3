"""Small `schema.ModelT` objects, made by hand, to test passes with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

FLOAT32, FLOAT16 = schema.TensorType.FLOAT32, schema.TensorType.FLOAT16
INT8, INT16, INT32 = schema.TensorType.INT8, schema.TensorType.INT16, schema.TensorType.INT32
BOOL = schema.TensorType.BOOL


class Tensor(NamedTuple):
    """One tensor; `values` make it a constant, and two with the same `buffer` share that constant."""

    name: str
    type: int = FLOAT32
    shape: Sequence[int] = (2,)
    values: np.ndarray | None = None
    buffer: str | None = None
    scale: float | None = None


class Op(NamedTuple):
    """One op, with the name of its builtin operator."""

    name: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: Any = None


class Graph(NamedTuple):
    """One subgraph."""

    tensors: Sequence[Tensor]
    ops: Sequence[Op]
    inputs: Sequence[int]
    outputs: Sequence[int]
    name: str = "graph"


def model(*graphs: Graph, signatures: dict[str, int] | None = None) -> Any:
    """Return a model of these subgraphs; signatures, by subgraph index, call tensors by their own names."""
    made = schema.ModelT()
    made.version, made.buffers, made.operatorCodes = 3, [schema.BufferT()], []
    shared: dict[str, int] = {}
    made.subgraphs = [_subgraph(made, graph, shared) for graph in graphs]
    made.signatureDefs = []
    for key, index in (signatures or {}).items():
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = key.encode(), index
        for kind in ("inputs", "outputs"):
            indices = getattr(graphs[index], kind)
            entries = [_entry(graphs[index].tensors[tensor].name, tensor) for tensor in indices]
            setattr(signature, kind, entries)
        made.signatureDefs.append(signature)
    return made


def loop(condition: int, body: int) -> Any:
    """Return the options of a WHILE op."""
    options = schema.WhileOptionsT()
    options.condSubgraphIndex, options.bodySubgraphIndex = condition, body
    return options


def names(graph: Any) -> list[str | None]:
    """Return the names of a subgraph's tensors."""
    return [tensor.name.decode() if tensor.name else None for tensor in graph.tensors]


def ops(made: Any, index: int = 0) -> list[tuple[str, list[int], list[int]]]:
    """Return the ops of a subgraph: name, inputs, outputs."""
    known = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    return [
        (
            known[made.operatorCodes[op.opcodeIndex].builtinCode],
            [*map(int, op.inputs)],
            [*map(int, op.outputs)],
        )
        for op in made.subgraphs[index].operators
    ]


def _entry(name: str, tensor: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), tensor
    return entry


def _subgraph(made: Any, graph: Graph, shared: dict[str, int]) -> Any:
    subgraph = schema.SubGraphT()
    subgraph.name, subgraph.inputs, subgraph.outputs = graph.name.encode(), [*graph.inputs], [*graph.outputs]
    subgraph.tensors = [_tensor(made, tensor, shared) for tensor in graph.tensors]
    subgraph.operators = []
    for each in graph.ops:
        op = schema.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = _code(made, each.name), [*each.inputs], [*each.outputs]
        if each.options is not None:
            op.builtinOptions = each.options
            kind = type(each.options).__name__.removesuffix("T")
            op.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        subgraph.operators.append(op)
    return subgraph


def _tensor(made: Any, given: Tensor, shared: dict[str, int]) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.shape, tensor.buffer = given.name.encode(), given.type, [*given.shape], 0
    if given.values is not None:
        made.buffers.append(schema.BufferT())
        made.buffers[-1].data = np.frombuffer(given.values.tobytes(), np.uint8)
        tensor.buffer = len(made.buffers) - 1
    if given.buffer is not None:
        tensor.buffer = shared.setdefault(given.buffer, tensor.buffer)
    if given.scale is not None:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [given.scale], [0]
    return tensor


def _code(made: Any, name: str) -> int:
    builtin = getattr(schema.BuiltinOperator, name)
    for index, code in enumerate(made.operatorCodes):
        if code.builtinCode == builtin:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode, code.version = builtin, 1
    code.deprecatedBuiltinCode = min(builtin, 127)
    made.operatorCodes.append(code)
    return len(made.operatorCodes) - 1
