"""Makes the float32 inputs and outputs of a quantised model integers.

States of a stream stay unchanged. So do inputs that are integers already, such as tokens, and float32 inputs
that the model itself makes integers: tokens, too.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from ..calibration import Ranges
from ..flatbuffer import opcode, operator_code

_QUANTIZE, _DEQUANTIZE = schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE
_TYPES = {8: schema.TensorType.INT8, 16: schema.TensorType.INT16}
_INTEGERS = (schema.TensorType.INT32, schema.TensorType.INT64)
_VERSION = 2  # of both operators, the first that knows both types


def integer_io(model: Any, ranges: Ranges, bits: int, signature: str) -> None:
    """Make the inputs and outputs of a signature integers, with a scale and a zero point.

    Args:
        model: a quantised model with float32 inputs and outputs.
        ranges: by tensor name; an input or output that the model does not quantise gets its scale from them.
        bits: of activations, 8 or 16.
        signature: the name of the signature to change.
    """
    signatures = {each.signatureKey.decode(): each for each in model.signatureDefs}
    wanted = signatures[signature]
    states = {each.name for each in signatures["init"].outputs} if "init" in signatures else set()
    boundary = _Boundary(model, model.subgraphs[wanted.subgraphIndex], ranges, bits)
    for each in wanted.inputs:
        if each.name not in states:
            each.tensorIndex = boundary.integer_input(each.tensorIndex)
    for each in wanted.outputs:
        if each.name not in states:
            each.tensorIndex = boundary.integer_output(each.tensorIndex)
    boundary.replace_outputs([each.tensorIndex for each in wanted.outputs])


class _Boundary:
    """The inputs and outputs of one subgraph."""

    def __init__(self, model: Any, graph: Any, ranges: Ranges, bits: int) -> None:
        self._model, self._graph, self._ranges, self._bits = model, graph, ranges, bits
        self._integer_of: dict[int, int] = {}  # outputs, float32 tensor -> integer tensor

    def integer_input(self, tensor: int) -> int:
        """Replace a float32 input by an integer one; return the index of the new input."""
        graph = self._graph
        if graph.tensors[tensor].type != schema.TensorType.FLOAT32:
            return tensor
        if self._holds_integers(tensor):
            return tensor
        quantizing = [op for op in self._ops(_QUANTIZE) if op.inputs[0] == tensor]
        copies = {op.outputs[0] for op in quantizing}
        integer = self._add_integer(tensor, copies)
        others = [op for op in graph.operators if op not in quantizing]
        for op in others:
            op.inputs = [integer if each in copies else each for each in op.inputs]
        graph.operators = [self._conversion(_DEQUANTIZE, integer, tensor), *others]
        graph.inputs = [integer if each == tensor else each for each in graph.inputs]
        return integer

    def integer_output(self, tensor: int) -> int:
        """Return the integer tensor to output instead of a float32 one; it is added if there is none."""
        graph = self._graph
        if graph.tensors[tensor].type != schema.TensorType.FLOAT32:
            return tensor
        if tensor not in self._integer_of:  # a tensor may be an output under two names
            sources = [op.inputs[0] for op in self._ops(_DEQUANTIZE) if op.outputs[0] == tensor]
            if sources:
                self._integer_of[tensor] = sources[0]
            else:
                self._integer_of[tensor] = self._add_integer(tensor, ())
                graph.operators.append(self._conversion(_QUANTIZE, tensor, self._integer_of[tensor]))
        return self._integer_of[tensor]

    def replace_outputs(self, tensors: list[int]) -> None:
        """Output the given tensors, in the places of the float32 ones; remove DEQUANTIZE ops now unread."""
        graph = self._graph
        replaced = [self._integer_of.get(each, each) for each in graph.outputs]
        graph.outputs = [*replaced, *(each for each in dict.fromkeys(tensors) if each not in replaced)]
        read = {each for op in graph.operators for each in op.inputs} | set(graph.outputs)
        unread = [op for op in self._ops(_DEQUANTIZE) if op.outputs[0] not in read]
        graph.operators = [op for op in graph.operators if op not in unread]

    def _holds_integers(self, tensor: int) -> bool:
        """Return whether all that the graph does with a tensor is to make it integers."""
        readers = [op for op in self._graph.operators if tensor in op.inputs]
        return bool(readers) and all(
            opcode(self._model, op) == schema.BuiltinOperator.CAST
            and self._graph.tensors[op.outputs[0]].type in _INTEGERS
            for op in readers
        )

    def _ops(self, builtin: int) -> list[Any]:
        return [op for op in self._graph.operators if opcode(self._model, op) == builtin]

    def _add_integer(self, tensor: int, copies: Iterable[int]) -> int:
        """Add an integer tensor for the values of `tensor`, with the scale of its integer copies, if any."""
        tensors = self._graph.tensors
        new = copy.copy(tensors[tensor])
        new.type = _TYPES[self._bits]
        if copies:
            new.quantization = tensors[min(copies)].quantization
        else:
            new.quantization = _quantization(*self._ranges[new.name.decode()], self._bits)
        tensors.append(new)
        return len(tensors) - 1

    def _conversion(self, builtin: int, given: int, made: int) -> Any:
        code = operator_code(self._model, builtin, _VERSION)
        return schema.OperatorT(opcodeIndex=code, inputs=[given], outputs=[made])


def _quantization(low: float, high: float, bits: int) -> Any:
    """Return scale and zero point for a range, which is widened to contain zero.

    TFLite wants 16-bit activations symmetric: their zero point is 0.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if bits == 8:
        scale = (high - low) / 255 or 1.0
        zero_point = round(-128 - low / scale)
    else:
        scale, zero_point = max(-low, high) / 32767 or 1.0, 0
    return schema.QuantizationParametersT(scale=[scale], zeroPoint=[zero_point])
