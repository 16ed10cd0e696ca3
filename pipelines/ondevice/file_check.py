"""Check that a .tflite file is sound before LiteRT loads it.

LiteRT checks the offsets in a file but not every index, shape and scale, and a wrong one can crash the
process. Some faults, such as an endless loop, only show when the file runs: `probe` finds those.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator

import numpy as np

from .flatbuffer_reader import Table, UnsoundError, require, root
from .graph_check import BOOL, Graph, Tensor, check_depth, check_graph
from .operators import UNSUPPORTED, op_name

_I8, _U8, _U32, _I32, _U64 = (struct.Struct(f"<{kind}") for kind in "bBIiQ")
_BITS = {
    0: 32, 1: 16, 2: 32, 3: 8, 4: 64, BOOL: 8, 7: 16, 8: 64, 9: 8, 10: 64, 11: 128, 12: 64, 15: 32, 16: 16,
    17: 4, 18: 16, 19: 2, 20: 4,
}  # fmt: skip
"""Bits per element for each type of tensor. Strings and resource handles are not supported on devices."""
_POINTS = {3: (0, 255), 7: (-(2**15), 2**15 - 1), 9: (-128, 127)}
"""The smallest and largest zero point of uint8, int16 and int8."""
_LEAST_SCALE, _LARGEST_SCALE = 1e-18, 1e18  # the product or quotient of two is then a normal float32
_MOST_BYTES = 2**31 - 1  # offsets in a file have 32 bits
_MOST_RANK = 8
_MOST_TABLES = 1_000_000  # a small file can refer to the same table many times


def check_content(content: bytes) -> None:
    """Check the content of a whole file.

    Raises:
        UnsoundError: the file is cut short, or LiteRT can't run it safely.
    """
    require(len(content) <= _MOST_BYTES, f"expected at most {_MOST_BYTES} bytes, found {len(content)}")
    model = root(content)
    require(model.number(0, _U32) == 3, "expected version 3 of the format")
    codes = [_code(code) for code in _limited(model.tables(1))]
    tables = list(_limited(model.tables(4)))
    buffers = [_buffer(table) for table in tables]
    for entry in model.tables(6):
        require(entry.number(1, _U32) < len(buffers), "metadata: no such buffer")
    graphs = []
    for i, table in enumerate(_limited(model.tables(2))):
        try:
            graphs.append(_graph(table, buffers, codes))
        except UnsoundError as problem:
            raise UnsoundError(f"graph {i}: {problem}") from None
    require(bool(graphs), "expected a graph, found none")
    check_depth([check_graph(i, graphs) for i in range(len(graphs))])
    for signature in _limited(model.tables(7)):
        _check_signature(signature, graphs)
    _check_behind(content[max((table.end(0) for table in tables), default=0) :])


def _limited(tables: Iterable[Table]) -> Iterator[Table]:
    for count, table in enumerate(tables):
        require(count < _MOST_TABLES, f"expected at most {_MOST_TABLES} tables")
        yield table


def _code(code: Table) -> int:
    """Return the number of an operator. Files from before 2020 have it only in the 8-bit field."""
    number = max(code.number(0, _I8), code.number(3, _I32))
    require(number not in UNSUPPORTED, f"{op_name(number)} calls graphs in a way that can't be checked")
    return number


def _buffer(buffer: Table) -> int:
    """Return the size of a buffer in bytes."""
    require(buffer.number(1, _U64) <= 1, "expected constants inside the file's tables")
    return len(buffer.array(0, "u1"))


def _graph(graph: Table, buffers: list[int], codes: list[int]) -> Graph:
    tensors = []
    for i, table in enumerate(_limited(graph.tables(0))):
        try:
            tensors.append(_tensor(table, buffers))
        except UnsoundError as problem:
            raise UnsoundError(f"tensor {i}: {problem}") from None
    inputs, outputs = graph.whole(1), graph.whole(2)
    require(all(i in range(len(tensors)) for i in (*inputs, *outputs)), "inputs, outputs: no such tensor")
    operators = []
    for table in _limited(graph.tables(3)):
        index = table.number(0, _U32)
        require(index < len(codes), f"operator code {index}: expected one of {len(codes)}")
        operators.append((codes[index], table))
    total = sum(_bytes(tensor.type, tensor.shape) for tensor in tensors)
    require(total <= _MOST_BYTES, f"expected tensors of at most {_MOST_BYTES} bytes, found {total}")
    return Graph(tensors, inputs, outputs, operators)


def _tensor(table: Table, buffers: list[int]) -> Tensor:
    kind, buffer = table.number(1, _I8), table.number(2, _U32)
    require(kind in _BITS, f"type {kind} is not a number type")
    require(buffer < len(buffers), f"buffer {buffer}: expected one of {len(buffers)}")
    require(table.table(6) is None, "sparse constants are not supported")
    require(not any(True for _ in table.tables(9)), "variants are not supported")
    shape = _shape(table)
    size = _bytes(kind, shape)
    require(size <= _MOST_BYTES, f"expected at most {_MOST_BYTES} bytes, found {size}")
    constant = buffers[buffer] > 0
    require(not constant or buffers[buffer] >= size, f"expected {size} bytes, found {buffers[buffer]}")
    variable = bool(table.number(5, _U8))
    require(not (constant and variable), "expected a variable or a constant, found both")
    return Tensor(kind, shape, constant, variable, _check_scales(table.table(4), kind, shape))


def _shape(table: Table) -> tuple[int, ...]:
    shape, dynamic = tuple(table.whole(0)), tuple(table.whole(7))
    require(len(shape) <= _MOST_RANK, f"expected a rank of at most {_MOST_RANK}, found {len(shape)}")
    require(min(shape, default=0) >= 0, f"negative size in shape {shape}")
    if dynamic:
        agree = len(dynamic) == len(shape) and all(
            wanted in (size, -1) for size, wanted in zip(shape, dynamic, strict=True)
        )
        require(agree, f"shape {shape} isn't one of {dynamic}")
    return shape


def _bytes(kind: int, shape: tuple[int, ...]) -> int:
    return -(-math.prod(shape) * _BITS[kind] // 8)


def _check_scales(quantization: Table | None, kind: int, shape: tuple[int, ...]) -> int:
    """Check that a tensor's scales and zero points fit its type and shape; return the number of scales."""
    if quantization is None:
        return 0
    scales, points = quantization.array(2, "<f4"), quantization.array(3, "<i8")
    if not len(scales):
        return 0
    axis = quantization.number(6, _I32)
    many = shape[axis] if 0 <= axis < len(shape) else 1
    require(len(scales) in (1, many), f"expected 1 or {many} scales, found {len(scales)}")
    require(len(points) in (0, len(scales)), f"expected {len(scales)} zero points, found {len(points)}")
    sound = (scales >= _LEAST_SCALE) & (scales <= _LARGEST_SCALE)  # false for NaN
    require(bool(sound.all()), f"expected scales of {_LEAST_SCALE:g} to {_LARGEST_SCALE:g}")
    low, high = _POINTS.get(kind, (-(2**31), 2**31 - 1))
    require(bool(np.all((points >= low) & (points <= high))), f"expected zero points of {low} to {high}")
    return len(scales)


def _check_signature(signature: Table, graphs: list[Graph]) -> None:
    name, index = signature.text(2), signature.number(4, _U32)
    require(index < len(graphs), f"signature {name!r}: graph {index} of {len(graphs)}")
    for field, tensors in ((0, graphs[index].inputs), (1, graphs[index].outputs)):
        entries = [(entry.text(0), entry.number(1, _U32)) for entry in _limited(signature.tables(field))]
        names, named = {text for text, _ in entries}, {tensor for _, tensor in entries}
        sound = named == set(tensors) and len(names) == len(entries)
        require(sound, f"signature {name!r}: expected a name for each of {tensors}, found {entries[:8]}")


def _check_behind(tail: bytes) -> None:
    """Refuse a file if the zip of associated files after its last constant is cut short."""
    if b"PK\3\4" not in tail:
        return
    end = tail.rfind(b"PK\5\6")  # a zip ends with a record of 22 bytes and a comment
    comment = int.from_bytes(tail[end + 20 : end + 22], "little")
    require(
        end >= 0 and len(tail) == end + 22 + comment, "the zip of associated files at its end is cut short"
    )
