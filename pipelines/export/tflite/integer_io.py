"""Integers at the border of a quantized .tflite model, where its inputs and outputs are float32.

States of a stream stay as they are, and so do inputs that are whole numbers anyway, such as tokens.
"""

from __future__ import annotations

import copy
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from .calibration import Ranges
from .flatbuffer import opcode, pack, parse

_QUANTIZE, _DEQUANTIZE = schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE
_TYPES = {8: schema.TensorType.INT8, 16: schema.TensorType.INT16}
_VERSION = 2  # of both operators, the first that knows both types


def with_integer_io(content: bytes, ranges: Ranges, bits: int, signature: str) -> bytes:
    """Return the file with integer inputs and outputs, scale and zero point on them.

    Args:
        content: a quantized file with float32 inputs and outputs.
        ranges: by name; scales are made of them where an input or output has no integers behind it.
        bits: of activations, 8 or 16.
        signature: the one to change.
    """
    model = parse(content)
    signatures = {each.signatureKey.decode(): each for each in model.signatureDefs}
    wanted = signatures[signature]
    states = {each.name for each in signatures["init"].outputs} if "init" in signatures else set()
    border = _Border(model, model.subgraphs[wanted.subgraphIndex], ranges, bits)
    for each in wanted.inputs:
        if each.name not in states:
            each.tensorIndex = border.input(each.tensorIndex)
    for each in wanted.outputs:
        if each.name not in states:
            each.tensorIndex = border.output(each.tensorIndex)
    border.hand_out([each.tensorIndex for each in wanted.outputs])
    return pack(model)


class _Border:
    """The inputs and outputs of one graph."""

    def __init__(self, model: Any, graph: Any, ranges: Ranges, bits: int) -> None:
        self._model, self._graph, self._ranges, self._bits = model, graph, ranges, bits
        self._handed_out: dict[int, int] = {}

    def input(self, tensor: int) -> int:
        """Put an integer input in the place of a float32 one, and return it."""
        graph = self._graph
        if graph.tensors[tensor].type != schema.TensorType.FLOAT32:
            return tensor
        copying = [op for op in self._ops(_QUANTIZE) if op.inputs[0] == tensor]
        copies = {op.outputs[0] for op in copying}
        integer = self._integer(tensor, copies)
        rest = [op for op in graph.operators if op not in copying]
        for op in rest:
            op.inputs = [integer if each in copies else each for each in op.inputs]
        graph.operators = [self._op(_DEQUANTIZE, integer, tensor), *rest]
        graph.inputs = [integer if each == tensor else each for each in graph.inputs]
        return integer

    def output(self, tensor: int) -> int:
        """Put an integer output in the place of a float32 one, and return it."""
        graph = self._graph
        if graph.tensors[tensor].type != schema.TensorType.FLOAT32:
            return tensor
        if tensor in self._handed_out:  # under two names
            return self._handed_out[tensor]
        sources = [op.inputs[0] for op in self._ops(_DEQUANTIZE) if op.outputs[0] == tensor]
        if sources:
            integer = sources[0]
        else:
            integer = self._integer(tensor, set())
            graph.operators.append(self._op(_QUANTIZE, tensor, integer))
        self._handed_out[tensor] = integer
        return integer

    def hand_out(self, tensors: list[int]) -> None:
        """Make these the outputs, in their old places; leave out what nothing reads any more in float32."""
        graph = self._graph
        integers = [self._handed_out.get(each, each) for each in graph.outputs]
        graph.outputs = [*integers, *(each for each in dict.fromkeys(tensors) if each not in integers)]
        read = {each for op in graph.operators for each in op.inputs} | set(graph.outputs)
        unread = [op for op in self._ops(_DEQUANTIZE) if op.outputs[0] not in read]
        graph.operators = [op for op in graph.operators if op not in unread]

    def _ops(self, kind: int) -> list[Any]:
        return [op for op in self._graph.operators if opcode(self._model, op) == kind]

    def _integer(self, tensor: int, copies: set[int]) -> int:
        """Add a tensor of integers for the numbers in `tensor`, by the scale of its copies if it has any."""
        tensors = self._graph.tensors
        new = copy.copy(tensors[tensor])
        new.type = _TYPES[self._bits]
        if copies:
            new.quantization = tensors[min(copies)].quantization
        else:
            new.quantization = _quantization(*self._ranges[new.name.decode()], self._bits)
        tensors.append(new)
        return len(tensors) - 1

    def _op(self, kind: int, given: int, made: int) -> Any:
        op = schema.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = self._code(kind), [given], [made]
        return op

    def _code(self, kind: int) -> int:
        codes = self._model.operatorCodes
        for i, code in enumerate(codes):
            if code.builtinCode == kind:
                return i
        new = schema.OperatorCodeT()
        new.builtinCode = new.deprecatedBuiltinCode = kind
        new.version = _VERSION
        codes.append(new)
        return len(codes) - 1


def _quantization(low: float, high: float, bits: int) -> Any:
    """Return scale and zero point for a range: 8 bits cover it and zero; 16 are symmetric, by the format."""
    made = schema.QuantizationParametersT()
    low, high = min(low, 0.0), max(high, 0.0)
    if bits == 8:
        scale = (high - low) / 255 or 1.0
        zero_point = round(-128 - low / scale)
    else:
        scale, zero_point = max(-low, high) / 32767 or 1.0, 0
    made.scale, made.zeroPoint = [scale], [zero_point]
    return made
