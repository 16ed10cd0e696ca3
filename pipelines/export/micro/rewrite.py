"""Replaces operators that TFLite Micro lacks by others that it has.

| lacking | in | becomes |
| --- | --- | --- |
| SELECT, SELECT_V2 of int32 | Embedding | SELECT_V2; of int32 products with 0 and 1 |
| TILE | RepeatVector | BROADCAST_TO between two RESHAPE |
| REDUCE_ANY | Masking | REDUCE_MAX of zeros and ones |
| UNPACK of booleans | masks of unrolled layers | UNPACK of zeros and ones |
| STRIDED_SLICE with 5 axes and more | slices of images | the same with fewer axes, between two RESHAPE |
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ..tflite.flatbuffer import add_constant, opcode, operator_code

_Op, _Type, _Options = schema.BuiltinOperator, schema.TensorType, schema.BuiltinOptions
_MOST_AXES = 4
"""TFLite Micro slices up to four axes, and broadcasts up to five."""


def rewrite(model: Any) -> None:
    """Replace operators in all subgraphs of a `schema.ModelT`; those that no rule fits are left."""
    for graph in model.subgraphs:
        operators: list[Any] = []
        for op in graph.operators or ():
            rule = _RULES.get(opcode(model, op))
            writer = _Writer(model, graph)
            operators += writer.operators if rule is not None and rule(writer, op) else [op]
        graph.operators = operators


class _Writer:
    """Writes operators and their tensors for one subgraph."""

    def __init__(self, model: Any, graph: Any) -> None:
        self.model, self.graph = model, graph
        self.operators: list[Any] = []

    def tensor(self, index: int) -> Any:
        return self.graph.tensors[index]

    def shape(self, index: int) -> list[int]:
        shape = self.tensor(index).shape
        return [] if shape is None else [int(size) for size in shape]

    def value(self, index: int) -> np.ndarray | None:
        """Return the content of a constant of int32; None if the tensor is computed."""
        data = self.model.buffers[self.tensor(index).buffer].data
        if data is None or not len(data) or self.tensor(index).type != _Type.INT32:
            return None
        return np.frombuffer(bytes(data), np.int32)

    def integers(self, values: Sequence[int]) -> int:
        return add_constant(self.model, self.graph, np.array(values, np.int32), _Type.INT32)

    def number(self, value: float) -> int:
        return add_constant(self.model, self.graph, np.array(value, np.float32), _Type.FLOAT32)

    def op(self, kind: str, inputs: Sequence[int], output: int, options: str = "", **fields: Any) -> int:
        """Add an operator that computes an existing tensor, and return that tensor."""
        op = schema.OperatorT()
        op.opcodeIndex = operator_code(self.model, getattr(_Op, kind), 2 if kind == "BROADCAST_TO" else 1)
        op.inputs, op.outputs = list(inputs), [output]
        if options:
            op.builtinOptionsType = getattr(_Options, options)
            op.builtinOptions = getattr(schema, f"{options}T")()
            for name, value in fields.items():
                setattr(op.builtinOptions, name, value)
        self.operators.append(op)
        return output

    def new(self, like: int, shape: Sequence[int], kind: int | None = None) -> int:
        """Add a tensor with the quantisation of another one, and return its index."""
        tensor = copy.copy(self.tensor(like))
        tensor.name, tensor.buffer, tensor.shapeSignature = b"rewritten", 0, None
        tensor.shape = list(shape)
        if kind is not None:
            tensor.type, tensor.quantization = kind, None
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def reshape(self, tensor: int, shape: Sequence[int], output: int | None = None) -> int:
        made = self.new(tensor, shape) if output is None else output
        return self.op(
            "RESHAPE", [tensor, self.integers(shape)], made, "ReshapeOptions", newShape=list(shape)
        )


def _select(to: _Writer, op: Any) -> bool:
    condition, yes, no = op.inputs
    (output,) = op.outputs
    kind = to.tensor(output).type
    shapes = [to.shape(each) for each in (condition, yes, no)]
    if shapes[0] and len(shapes[0]) < len(shapes[1]):
        return False  # SELECT takes a condition for each row, SELECT_V2 one for each column
    if kind != _Type.INT32:
        to.op("SELECT_V2", op.inputs, output, "SelectV2Options")
        return True
    one = _as_number(to, condition)
    zero = to.op("LOGICAL_NOT", [condition], to.new(condition, shapes[0]), "LogicalNotOptions")
    parts = []
    for share, value in ((one, yes), (_as_number(to, zero), no)):
        whole = to.new(condition, shapes[0], _Type.INT32)
        to.op("CAST", [share], whole, "CastOptions", inDataType=_Type.FLOAT32, outDataType=_Type.INT32)
        parts.append(to.op("MUL", [whole, value], to.new(output, to.shape(output)), "MulOptions"))
    to.op("ADD", parts, output, "AddOptions")
    return True


def _as_number(to: _Writer, condition: int) -> int:
    """Return a tensor of 1 where the condition is true, else 0. CAST takes no booleans everywhere."""
    made = to.new(condition, to.shape(condition), _Type.FLOAT32)
    return to.op("SELECT_V2", [condition, to.number(1.0), to.number(0.0)], made, "SelectV2Options")


def _as_condition(to: _Writer, number: int, output: int) -> None:
    """Compute booleans from a tensor of `_as_number`."""
    to.op("GREATER", [number, to.number(0.5)], output, "GreaterOptions")


def _tile(to: _Writer, op: Any) -> bool:
    given, multiples = op.inputs
    counts = to.value(multiples)
    if counts is None:
        return False
    apart: list[int] = []
    wide: list[int] = []
    for size, count in zip(to.shape(given), counts, strict=True):
        if count > 1 and size > 1:
            apart, wide = [*apart, 1, size], [*wide, int(count), size]
        else:
            apart, wide = [*apart, size], [*wide, size * int(count)]
    if len(wide) > _MOST_AXES + 1:
        return False
    spread = to.new(given, wide)
    to.op("BROADCAST_TO", [to.reshape(given, apart), to.integers(wide)], spread, "BroadcastToOptions")
    to.reshape(spread, to.shape(op.outputs[0]), op.outputs[0])
    return True


def _reduce_any(to: _Writer, op: Any) -> bool:
    given, axes = op.inputs
    shape = to.shape(op.outputs[0])
    largest = to.new(given, shape, _Type.FLOAT32)
    kept = bool(op.builtinOptions.keepDims)
    to.op("REDUCE_MAX", [_as_number(to, given), axes], largest, "ReducerOptions", keepDims=kept)
    _as_condition(to, largest, op.outputs[0])
    return True


def _unpack(to: _Writer, op: Any) -> bool:
    if to.tensor(op.inputs[0]).type != _Type.BOOL:
        return False
    parts = [to.new(each, to.shape(each), _Type.FLOAT32) for each in op.outputs]
    fields = {"axis": op.builtinOptions.axis, "num": op.builtinOptions.num}
    to.op("UNPACK", [_as_number(to, op.inputs[0])], parts[0], "UnpackOptions", **fields)
    to.operators[-1].outputs = parts
    for part, output in zip(parts, op.outputs, strict=True):
        _as_condition(to, part, output)
    return True


def _strided_slice(to: _Writer, op: Any) -> bool:
    given, *ends = op.inputs
    shape, options = to.shape(given), op.builtinOptions
    values = [to.value(each) for each in ends]
    if len(shape) <= _MOST_AXES or options.ellipsisMask or options.newAxisMask:
        return False
    if any(each is None or len(each) != len(shape) for each in values):
        return False
    kept: list[list[int]] = []  # begin, end, stride and size of each axis that is left
    joins = False
    for axis, size in enumerate(shape):
        begin, end, stride = (int(each[axis]) for each in values if each is not None)
        first, last = ((mask >> axis) & 1 for mask in (options.beginMask, options.endMask))
        begin, end = (each + size if each < 0 else each for each in (begin, end))
        if (options.shrinkAxisMask >> axis) & 1:
            first, last, end, stride = 0, 0, begin + 1, 1
        begin, end = 0 if first else begin, size if last else min(end, size)
        if stride < 1 or begin < 0 or end < 0:
            return False
        whole = (begin, end, stride) == (0, size, 1)
        if whole and joins:
            kept[-1] = [0, kept[-1][1] * size, 1, kept[-1][3] * size]
        else:
            kept.append([begin, end, stride, size])
        joins = whole
    if len(kept) > _MOST_AXES:
        return False
    starts, stops, strides, sizes = (list(each) for each in zip(*kept, strict=True))
    left = [math.ceil((stop - start) / by) for start, stop, by in zip(starts, stops, strides, strict=True)]
    inputs = [to.reshape(given, sizes), *(to.integers(each) for each in (starts, stops, strides))]
    part = to.op("STRIDED_SLICE", inputs, to.new(given, left), "StridedSliceOptions")
    to.reshape(part, to.shape(op.outputs[0]), op.outputs[0])
    return True


_RULES = {
    _Op.SELECT: _select,
    _Op.SELECT_V2: _select,
    _Op.TILE: _tile,
    _Op.REDUCE_ANY: _reduce_any,
    _Op.UNPACK: _unpack,
    _Op.STRIDED_SLICE: _strided_slice,
}
"""By operator: a function that writes others in its place, and returns whether it could."""
