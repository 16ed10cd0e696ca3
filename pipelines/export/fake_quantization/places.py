"""Finds where an integer file rounds, and with which scales: for each of its operations the one in Keras.

Names in a file tell little: the converter joins, renames and drops operations. So the file and the Keras
model are run on the same inputs in float32, and an operation is found by the numbers that it computes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ...errors import ExportError
from ..tflite.flatbuffer import constant, opcode
from .operations import Key

_Op = schema.BuiltinOperator
_BITS = {schema.TensorType.INT8: 8, schema.TensorType.INT16: 16}
_BIAS_BITS = {schema.TensorType.INT32: 32, schema.TensorType.INT64: 32}
_PRODUCTS = (_Op.FULLY_CONNECTED, _Op.BATCH_MATMUL, _Op.CONV_2D, _Op.DEPTHWISE_CONV_2D)
_ADD = ("AddV2", "Add", "BiasAdd")
_POINTWISE = {_Op.ADD: _ADD, _Op.SUB: ("Sub",), _Op.MUL: ("Mul",)}
"""Operations of two tensors, after which the file may compute an activation in the same operation."""
_MULTIPLY = ("MatMul", "BatchMatMul", "BatchMatMulV2", "Conv2D", "DepthwiseConv2dNative")
# These move numbers, and keep their scale: what they read is rounded where it is made or where it is used.
_MOVES = (
    *(_Op.RESHAPE, _Op.TRANSPOSE, _Op.SQUEEZE, _Op.EXPAND_DIMS, _Op.UNPACK, _Op.SLICE, _Op.STRIDED_SLICE),
    *(_Op.SPLIT, _Op.TILE, _Op.BROADCAST_TO, _Op.REVERSE_V2),
)
# These join numbers or look them up. In Keras they have the same names, or are not needed.
_JOINS = {
    _Op.GATHER: ("GatherV2", "ResourceGather"),
    _Op.CONCATENATION: ("ConcatV2",),
    _Op.PACK: ("Pack",),
    _Op.PAD: ("Pad", "PadV2"),
    _Op.PADV2: ("Pad", "PadV2"),
}
_MOVING = frozenset(
    (
        *("Cast", "EnsureShape", "ExpandDims", "Identity", "Reshape", "Squeeze"),
        *("StridedSlice", "Transpose", "Unpack"),
    )
)
_CONVERTS = (_Op.QUANTIZE, _Op.DEQUANTIZE)
_CLOSE = 1e-5
"""Two tensors are the same if no number differs by more, as a share of the largest: float32 knows 6e-8."""


class Steps(NamedTuple):
    """The integers of a tensor: x is stored as q, x = scale * (q - zero point)."""

    scale: tuple[float, ...]
    """One number, or one for each column of a bias; negative if the file holds the negative values."""
    zero_point: int
    bits: int


@dataclass
class Place:
    """How the file rounds what an operation of Keras reads and returns."""

    reads: dict[int, Steps] = field(default_factory=dict)
    """By the number of the input."""
    weights: set[int] = field(default_factory=set)
    """The inputs that are constant weights, in 8 bits with a scale for each filter."""
    returns: Steps | None = None


Places = dict[Key, Place]


@dataclass
class Ran:
    """What one operation of Keras has read and returned, call by call."""

    read: list[list[np.ndarray]] = field(default_factory=list)
    returned: list[np.ndarray] = field(default_factory=list)


class _FileOp(NamedTuple):
    """An operation of the integer file."""

    kind: int
    reads: tuple[str, ...]
    """The names of its inputs in the float32 file."""
    steps: tuple[Steps | None, ...]
    """The integers of each input; None for float32."""
    returns: str
    returned: Steps


class _Read(NamedTuple):
    """What an operation of Keras reads."""

    number: int
    """The number of the input in the file."""
    sign: int
    """-1 if the file reads the negative values: the converter turns -a - (-b) into b - a."""


def find_places(
    exact: Any, quantized: Any, values: Mapping[str, Sequence[np.ndarray]], ran: Mapping[Key, Ran]
) -> Places:
    """Return where and with which scales Keras must round to compute as the file does.

    Args:
        exact: the parsed float32 file, with the names of `unique_names`.
        quantized: the integer file that was made from it, with the same names.
        values: by tensor, what the float32 file computes on some inputs, call by call.
        ran: what the operations of Keras compute on the same inputs.

    Raises:
        ExportError: an operation that computes in integers has no counterpart in Keras.
    """
    known = {**{name: _joined(each) for name, each in values.items()}, **_constants(exact)}
    by_size: dict[int, list[tuple[Key, np.ndarray]]] = {}
    for key, each in ran.items():
        together = _joined(each.returned)
        by_size.setdefault(together.size, []).append((key, together))
    places: Places = {}
    for op in _integer_ops(quantized):
        found = [
            key
            for key, returned in by_size.get(known.get(op.returns, np.zeros(0)).size, ())
            if _may_be(op.kind, key.kind) and _same(returned, known[op.returns])
        ]
        readers = _readers(op, found, known, ran)
        for key in [*filter(readers.__contains__, found), *found][:1]:
            places.setdefault(key, Place()).returns = op.returned
        for key, inputs in readers.items():
            place = places.setdefault(key, Place())
            for number, read in inputs.items():
                _round(place, number, op, read, is_constant=op.reads[read.number] not in values)
        if op.kind not in _JOINS and not (found and readers):
            raise ExportError(f"{_told(op.returns)}: no operation of the layers computes it alone")
    return places


def _round(place: Place, number: int, op: _FileOp, read: _Read, *, is_constant: bool) -> None:
    steps = op.steps[read.number]
    if op.kind in _PRODUCTS and is_constant and read.number == 1:
        place.weights.add(number)
    elif steps is not None:
        place.reads[number] = steps._replace(scale=tuple(read.sign * each for each in steps.scale))


def _readers(
    op: _FileOp, found: Sequence[Key], known: Mapping[str, np.ndarray], ran: Mapping[Key, Ran]
) -> dict[Key, dict[int, _Read]]:
    """Return the operations of Keras that read what `op` reads: for each input, what it is in the file."""
    if op.kind in _JOINS:
        return {}
    if op.kind in _PRODUCTS:
        keys = [key for key in ran if key.kind in _MULTIPLY]
        pairs = {key: _matched(op, ran[key], known, (0, 1)) for key in keys}
        pairs = {key: pair for key, pair in pairs.items() if len(pair) == 2}
        adding = [key for key in ran if key.kind in _ADD] if pairs and len(op.reads) > 2 else []
        biases = {key: _matched(op, ran[key], known, (2,)) for key in adding}
        return pairs | {key: pair for key, pair in biases.items() if pair}
    for key in found:
        if pair := _matched(op, ran[key], known, range(len(op.reads))):
            return {key: pair}
    keys = [key for key in ran if key.kind in _POINTWISE.get(op.kind, ())]
    pairs = {key: _matched(op, ran[key], known, range(2)) for key in keys}
    return {key: pair for key, pair in pairs.items() if len(pair) == 2}


def _matched(
    op: _FileOp, ran: Ran, known: Mapping[str, np.ndarray], wanted: Iterable[int]
) -> dict[int, _Read]:
    """Return for each input of an operation of Keras which of the wanted inputs of `op` it is."""
    left, inputs = [each for each in wanted if op.reads[each] in known], {}
    for number in range(len(ran.read[0])):
        for each in left:
            if sign := _sign(ran, number, known[op.reads[each]]):
                inputs[number] = _Read(each, sign)
                left.remove(each)
                break
    return inputs


def _sign(ran: Ran, number: int, wanted: np.ndarray) -> int:
    """Return 1 if an input of an operation has these values, -1 if it has them negated, else 0."""
    first = ran.read[0][number]
    if first.dtype != np.float32:
        return 0
    if first.size == wanted.size and any(_same(each.ravel(), wanted) for each in _layouts(first)):
        return 1
    values = [each[number] for each in ran.read]
    if sum(each.size for each in values) != wanted.size:
        return 0
    together = _joined(values)
    return 1 if _same(together, wanted) else -1 if _same(-together, wanted) else 0


def _may_be(kind: int, of_keras: str) -> bool:
    return of_keras in _JOINS[kind] if kind in _JOINS else of_keras not in _MOVING


def _layouts(weights: np.ndarray) -> Iterator[np.ndarray]:
    """Yield a constant in the orders of axes in which a file may hold it."""
    yield weights
    if weights.ndim == 2:
        yield weights.T
    if weights.ndim == 4:
        yield weights.transpose(3, 0, 1, 2)


def _integer_ops(model: Any) -> Iterator[_FileOp]:
    """Yield the operations that return integers, except those that only convert or move them."""
    for graph in model.subgraphs:
        for op in graph.operators or ():
            returned = _steps(graph.tensors[op.outputs[0]])
            if returned is None or opcode(model, op) in (*_CONVERTS, *_MOVES):
                continue
            tensors = [graph.tensors[each] for each in op.inputs if each >= 0]
            yield _FileOp(
                opcode(model, op),
                tuple(_plain_name(each) for each in tensors),
                tuple(_steps(each) for each in tensors),
                _plain_name(graph.tensors[op.outputs[0]]),
                returned,
            )


def _steps(tensor: Any) -> Steps | None:
    bits = (_BITS | _BIAS_BITS).get(tensor.type)
    if bits is None or tensor.quantization is None or tensor.quantization.scale is None:
        return None
    return Steps(tuple(map(float, tensor.quantization.scale)), int(tensor.quantization.zeroPoint[0]), bits)


def _plain_name(tensor: Any) -> str:
    return re.sub(r"(_quantized|_dequant)$", "", tensor.name.decode())


def _constants(model: Any) -> dict[str, np.ndarray]:
    return {
        tensor.name.decode(): constant(model, tensor).ravel()
        for graph in model.subgraphs
        for tensor in graph.tensors
        if tensor.type == schema.TensorType.FLOAT32 and model.buffers[tensor.buffer].data is not None
    }


def _joined(values: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([each.ravel() for each in values]) if values else np.zeros(0, np.float32)


def _same(values: np.ndarray, wanted: np.ndarray) -> bool:
    if values.shape != wanted.shape or not values.size:
        return False
    return bool(np.abs(values - wanted).max() <= _CLOSE * max(np.abs(wanted).max(), 1e-3))


def _told(tensor: str) -> str:
    return tensor.split("/", 2)[-1]
