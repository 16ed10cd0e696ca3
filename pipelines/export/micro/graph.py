"""A .tflite file as TFLite Micro wants it: one graph and what it calls, weights aligned, nothing else.

TFLite Micro runs the first graph of a file, whatever its signatures say, registers ops one by one, plans all
memory before the first answer and reads weights where they lie.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from ...errors import ExportError, UserError
from ..tflite.audit import list_ops
from ..tflite.flatbuffer import opcode, pack, parse

_OPS = """
    ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND
    BROADCAST_ARGS BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS CUMSUM DEPTHWISE_CONV_2D
    DEPTH_TO_SPACE DEQUANTIZE DIV DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL EXP EXPAND_DIMS FILL
    FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND GREATER GREATER_EQUAL HARD_SWISH IF
    L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR
    LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2
    PRELU QUANTIZE READ_VARIABLE REDUCE_ALL REDUCE_MAX REDUCE_MIN RELU RELU6 RESHAPE RESIZE_BILINEAR
    RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX SPACE_TO_BATCH_ND
    SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM SVDF TANH
    TRANSPOSE TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK VAR_HANDLE WHILE ZEROS_LIKE
"""
# Where the name of the registration is not the words of the op's own, each with a capital.
_IRREGULAR = {
    "BATCH_MATMUL": "BatchMatMul",
    "CUMSUM": "CumSum",
    "PADV2": "PadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
}


def _registration(op: str) -> str:
    words = (word if word[:1].isdigit() else word.capitalize() for word in op.split("_"))
    return "Add" + _IRREGULAR.get(op, "".join(words))


REGISTRATIONS = {op: _registration(op) for op in _OPS.split()}
"""The method of MicroMutableOpResolver that registers each op that TFLite Micro has."""

# Where an op that calls graphs says which.
_CALLED = (
    "condSubgraphIndex",
    "bodySubgraphIndex",
    "thenSubgraphIndex",
    "elseSubgraphIndex",
    "initSubgraphIndex",
)
_PLANNED_OFFLINE = b"OfflineMemoryAllocation"  # TFLite Micro reads this one entry of the metadata
_Type = schema.TensorType
_FOREIGN_TYPES = {
    number: name.lower()
    for name, number in vars(_Type).items()
    if isinstance(number, int)
    and name in ("FLOAT16", "FLOAT64", "STRING", "COMPLEX64", "COMPLEX128", "BFLOAT16")
}
_INTEGERS = (_Type.INT8, _Type.INT16)
_PRODUCTS = (
    "BATCH_MATMUL",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "SVDF",
    "TRANSPOSE_CONV",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
)


def micro_model(content: bytes, signature: str | None, allow_float: bool) -> bytes:
    """Return the file of one signature's graph and what it calls, for TFLite Micro.

    Args:
        content: a .tflite file.
        signature: which one; None means `step` where there is one, else the first graph.
        allow_float: whether matrix products in float32 are wanted.

    Raises:
        UserError: no such signature.
        ExportError: ops, types or shapes that TFLite Micro does not have, or float32 that wasn't asked for.
    """
    list_ops(content)
    model = parse(content)
    _lift(model, _main_graph(model, signature))
    for check in (_check_ops, _check_shapes, _check_types):
        check(model)
    _check_precision(model, allow_float)
    _drop_names(model)
    return pack(model)


def used_ops(model: Any) -> list[str]:
    """Return the names of the ops in a model's graphs, each once, sorted."""
    return sorted({name for name, _, _ in _operators(model)})


def _main_graph(model: Any, signature: str | None) -> int:
    graphs = {each.signatureKey.decode(): each.subgraphIndex for each in model.signatureDefs or ()}
    if signature is None:
        return graphs.get("step", 0)
    if signature not in graphs:
        raise UserError(f"signature: expected one of {sorted(graphs)}, got {signature!r}")
    return graphs[signature]


def _lift(model: Any, main: int) -> None:
    """Leave graph `main`, as the first, and those that it calls; and of the buffers what these use."""
    order = [main]
    for index in order:
        order += [called for called in _calls(model.subgraphs[index]) if called not in order]
    place = {old: new for new, old in enumerate(order)}
    model.subgraphs = [model.subgraphs[old] for old in order]
    for graph in model.subgraphs:
        for op in graph.operators or ():
            for field in _CALLED:
                if hasattr(op.builtinOptions, field):
                    setattr(op.builtinOptions, field, place[getattr(op.builtinOptions, field)])
    model.signatureDefs = [each for each in model.signatureDefs or () if each.subgraphIndex == main][:1]
    for each in model.signatureDefs:
        each.subgraphIndex = 0
    model.metadata = [each for each in model.metadata or () if each.name == _PLANNED_OFFLINE]
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    used |= {each.buffer for each in model.metadata}
    for index, buffer in enumerate(model.buffers):
        if index not in used:
            buffer.data = None


def _calls(graph: Any) -> Iterator[int]:
    for op in graph.operators or ():
        for field in _CALLED:
            if hasattr(op.builtinOptions, field):
                yield getattr(op.builtinOptions, field)


def _operators(model: Any) -> Iterator[tuple[str, list[Any], list[Any]]]:
    """Go through all ops: name, input tensors and output tensors, without those left out."""
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    for graph in model.subgraphs:
        for op in graph.operators or ():
            tensors = ([graph.tensors[i] for i in ends if i >= 0] for ends in (op.inputs, op.outputs))
            yield names[opcode(model, op)], *tensors


def _check_ops(model: Any) -> None:
    if foreign := [name for name in used_ops(model) if name not in REGISTRATIONS]:
        raise ExportError(f"not among the ops of TFLite Micro: {', '.join(foreign)}")


def _check_shapes(model: Any) -> None:
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            for shape in (tensor.shape, tensor.shapeSignature):
                if shape is not None and any(size < 0 for size in shape):
                    name = (tensor.name or b"without a name").decode()
                    sizes = [int(size) for size in shape]
                    raise ExportError(f"TFLite Micro has no dynamic shapes: tensor {name} is {sizes}")


def _check_types(model: Any) -> None:
    types = {tensor.type for graph in model.subgraphs for tensor in graph.tensors}
    if foreign := sorted(_FOREIGN_TYPES[number] for number in types if number in _FOREIGN_TYPES):
        raise ExportError(f"TFLite Micro has no tensors of {', '.join(foreign)}")


def _check_precision(model: Any, allow_float: bool) -> None:
    """Refuse 8-bit weights with float32 activations, and float32 altogether where it isn't asked for."""
    products, integer = set(), False
    for name, given, made in _operators(model):
        integer |= any(tensor.type in _INTEGERS for tensor in made)
        if name in _PRODUCTS and made[0].type == _Type.FLOAT32:
            products.add(name)
            if any(tensor.type == _Type.INT8 for tensor in given):
                raise ExportError(f"TFLite Micro does not mix 8-bit weights with float32 activations: {name}")
    if not allow_float and (products or not integer):
        found = f": {', '.join(sorted(products))}" if products else ""
        raise ExportError(f"expected an int8 or int16x8 model, got one that computes in float32{found}")


def _drop_names(model: Any) -> None:
    """Drop names but of the main graph's inputs and outputs: the device would carry them for nothing."""
    kept = {*model.subgraphs[0].inputs, *model.subgraphs[0].outputs}
    for i, graph in enumerate(model.subgraphs):
        for j, tensor in enumerate(graph.tensors):
            if i > 0 or j not in kept:
                tensor.name = None
