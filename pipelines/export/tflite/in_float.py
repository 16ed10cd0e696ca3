"""What stays in float32 in files of any precision: spectrograms, whose values span ten powers of ten.

Layers compute it in the name scope `layers.IN_FLOAT`, which the converter leaves in the names of tensors.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ..._layers import layers
from .flatbuffer import pack, parse

_FEW = 16  # numbers in a constant that aren't worth an op
_SCOPE = f"/{layers.IN_FLOAT}/".encode()


def stays_in_float(content: bytes) -> bool:
    """Say whether any of a file, as the converter wrote it, is to stay in float32."""
    return _SCOPE in content


def ops_in_float(graph: Any) -> Iterator[Any]:
    """Yield the ops of a graph that are to stay in float32.

    An output of the graph has a name from outside: it counts if what it is computed from does.
    """
    made: set[int] = set()
    for op in graph.operators:
        names = [graph.tensors[tensor].name for tensor in op.outputs]
        last = not made.isdisjoint(op.inputs) and not set(graph.outputs).isdisjoint(op.outputs)
        if last or any(_SCOPE in name for name in names):
            made.update(op.outputs)
            yield op


def halved(content: bytes) -> bytes:
    """Return a float32 file in float16: constants in half the bytes, but for those of ops in float32.

    The converter's own float16 halves all of them, offsets and filters included.
    """
    model: Any = parse(content)
    model.operatorCodes.append(_dequantize())
    for graph in model.subgraphs:
        whole = {tensor for op in ops_in_float(graph) for tensor in op.inputs}
        read = {tensor for op in graph.operators for tensor in op.inputs} - whole
        for number in sorted(read):
            tensor = graph.tensors[number]
            data = model.buffers[tensor.buffer].data
            if number < 0 or data is None or tensor.type != schema.TensorType.FLOAT32 or len(data) < 4 * _FEW:
                continue
            half = np.asarray(data).view(np.float32).astype(np.float16)
            model.buffers.append(schema.BufferT(data=half.view(np.uint8)))
            graph.tensors.append(copy.copy(tensor))
            graph.tensors[-1].type = schema.TensorType.FLOAT16
            graph.tensors[-1].buffer, tensor.buffer = len(model.buffers) - 1, 0
            op = schema.OperatorT(
                opcodeIndex=len(model.operatorCodes) - 1, inputs=[len(graph.tensors) - 1], outputs=[number]
            )
            graph.operators.insert(0, op)
    return pack(model)


def _dequantize() -> Any:
    """Return the code of the op that makes float32 of float16."""
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 3  # the first that does
    return code
