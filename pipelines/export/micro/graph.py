"""Makes the .tflite file that TFLite Micro runs: one subgraph and those that it calls.

TFLite Micro runs the first subgraph of a file and ignores signatures. Each op must be registered. All memory
is planned before the first call, so that shapes must be fixed. Weights are read in place, so that they must
be aligned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from ...errors import ExportError, UserError
from ..tflite.audit import list_ops
from ..tflite.flatbuffer import opcode, parse
from ..tflite.passes.extract_subgraph import extract_subgraph
from .rewrite import rewrite

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
# Ops whose registration method is not named by the op's words, each with a capital letter.
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
"""By op that TFLite Micro has: the method of MicroMutableOpResolver that registers it."""

_MEMORY_PLAN = b"OfflineMemoryAllocation"  # the one metadata entry that TFLite Micro reads
_Type = schema.TensorType
_UNSUPPORTED_TYPES = {
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


def micro_model(content: bytes, signature: str | None, *, allow_float: bool) -> Any:
    """Return the parsed model of one signature's subgraph and those that it calls, for TFLite Micro.

    Args:
        content: a .tflite file.
        signature: the name of the signature; None means `step` if there is one, else the first subgraph.
        allow_float: accept a model that computes in float32.

    Raises:
        UserError: there is no such signature.
        ExportError: the model has ops, types or shapes that TFLite Micro lacks, or computes in float32
            though `allow_float` is false.
    """
    list_ops(content)
    model = parse(content)
    model.metadata = [each for each in model.metadata or () if each.name == _MEMORY_PLAN]
    model = extract_subgraph(model, _main_subgraph(model, signature))
    model.signatureDefs = model.signatureDefs[:1]
    rewrite(model)
    for check in (_check_ops, _check_shapes, _check_types):
        check(model)
    _check_precision(model, allow_float=allow_float)
    _remove_inner_names(model)
    return model


def used_ops(model: Any) -> list[str]:
    """Return the names of the ops in all subgraphs of a parsed model, each once, sorted."""
    return sorted({name for name, _, _ in _operators(model)})


def _main_subgraph(model: Any, signature: str | None) -> int:
    graphs = {each.signatureKey.decode(): each.subgraphIndex for each in model.signatureDefs or ()}
    if signature is None:
        return graphs.get("step", 0)
    if signature not in graphs:
        raise UserError(f"signature: expected one of {sorted(graphs)}, got {signature!r}")
    return graphs[signature]


def _operators(model: Any) -> Iterator[tuple[str, list[Any], list[Any]]]:
    """Yield each op's name, input tensors and output tensors, without optional inputs that are missing."""
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    for graph in model.subgraphs:
        for op in graph.operators or ():
            tensors = ([graph.tensors[i] for i in ends if i >= 0] for ends in (op.inputs, op.outputs))
            yield names[opcode(model, op)], *tensors


def _check_ops(model: Any) -> None:
    if missing := [name for name in used_ops(model) if name not in REGISTRATIONS]:
        raise ExportError(f"not among the ops of TFLite Micro: {', '.join(missing)}")


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
    if missing := sorted(_UNSUPPORTED_TYPES[number] for number in types if number in _UNSUPPORTED_TYPES):
        raise ExportError(f"TFLite Micro has no tensors of {', '.join(missing)}")


def _check_precision(model: Any, *, allow_float: bool) -> None:
    """Refuse 8-bit weights with float32 activations, and all of float32 unless `allow_float`."""
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


def _remove_inner_names(model: Any) -> None:
    """Remove all tensor names except those of the main inputs and outputs: they would take flash memory."""
    kept = {*model.subgraphs[0].inputs, *model.subgraphs[0].outputs}
    for i, graph in enumerate(model.subgraphs):
        for j, tensor in enumerate(graph.tensors):
            if i > 0 or j not in kept:
                tensor.name = None
