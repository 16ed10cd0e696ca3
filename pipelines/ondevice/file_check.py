"""Check that a .tflite file is sound before LiteRT loads it.

LiteRT checks the offsets in a file but not every index, shape and scale, and a wrong one can crash the
process. Some faults, such as an endless loop, only show when the file runs: `probe` looks for those.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from .flatbuffer_reader import Table, UnsoundError, require, root
from .graph_check import Graph, Tensor, check_depth, check_graph
from .graph_sizes import BITS, Sizes, bytes_of
from .node import Scales, Shape

_I8, _U8, _U32, _I32, _U64 = (struct.Struct(f"<{kind}") for kind in "bBIiQ")
_POINTS = {3: (0, 255), 7: (-(2**15), 2**15 - 1), 9: (-128, 127)}
"""The smallest and largest zero point of uint8, int16 and int8."""
_LEAST_SCALE, _LARGEST_SCALE = 1e-18, 1e18  # the product or quotient of two is then a normal float32
MAX_MEMORY = 2**30
"""The most bytes that the tensors of a file may need, if the caller doesn't say."""
MOST_BYTES = 2**31 - 1
"""The size of the largest file: its offsets have 32 bits."""
_MOST_RANK = 8
_MOST_TABLES = 1_000_000  # a small file can refer to the same table many times


class SoundFile:
    """A .tflite file that was checked.

    Args:
        content: the content of the whole file.
        max_memory: the most bytes that its tensors, without constants, may need.

    Raises:
        UnsoundError: the file is cut short, or LiteRT can't run it safely.
    """

    def __init__(self, content: bytes, max_memory: int) -> None:
        require(len(content) <= MOST_BYTES, f"expected at most {MOST_BYTES} bytes, found {len(content)}")
        model = root(content)
        require(model.number(0, _U32) == 3, "expected version 3 of the format")
        codes = [_code(code) for code in _limited(model.tables(1))]
        tables = list(_limited(model.tables(4)))
        buffers = [_buffer(table) for table in tables]
        for entry in model.tables(6):
            require(entry.number(1, _U32) < len(buffers), "metadata: no such buffer")
        self._graphs = list(_graphs(model, buffers, codes))
        require(bool(self._graphs), "expected a graph, found none")
        steps = [check_graph(i, self._graphs) for i in range(len(self._graphs))]
        calls = [{graph for step in each for graph in step.calls} for each in steps]
        check_depth(calls)
        self._inputs = dict(_check_signature(each, self._graphs) for each in _limited(model.tables(7)))
        self._sizes = Sizes(self._graphs, steps, max_memory)
        for i in sorted(set(range(len(self._graphs))) - set().union(*calls)):
            self._sizes.check(i, [self._graphs[i].tensors[each].shape for each in self._graphs[i].inputs])
        _check_behind(content[max((table.end(0) for table in tables), default=0) :])

    def check_inputs(self, key: str, shapes: Mapping[str, Shape]) -> None:
        """Check a signature of the file for inputs of some shapes.

        Raises:
            UnsoundError: LiteRT can't run the file safely on inputs of these shapes.
        """
        index, names = self._inputs[key]
        by_tensor = {tensor: shapes[name] for name, tensor in names.items()}
        self._sizes.check(index, [by_tensor[tensor] for tensor in self._graphs[index].inputs])


def _limited(tables: Iterable[Table]) -> Iterator[Table]:
    for count, table in enumerate(tables):
        require(count < _MOST_TABLES, f"expected at most {_MOST_TABLES} tables")
        yield table


def _code(code: Table) -> int:
    """Return the number of an operator. Files from before 2020 have it only in the 8-bit field."""
    return max(code.number(0, _I8), code.number(3, _I32))


def _buffer(buffer: Table) -> np.ndarray:
    """Return the bytes of a buffer."""
    require(buffer.number(1, _U64) <= 1, "expected constants inside the file's tables")
    return buffer.array(0, "u1")


def _graphs(model: Table, buffers: list[np.ndarray], codes: list[int]) -> Iterator[Graph]:
    for i, table in enumerate(_limited(model.tables(2))):
        try:
            yield _graph(table, buffers, codes)
        except UnsoundError as problem:
            raise UnsoundError(f"graph {i}: {problem}") from None


def _graph(graph: Table, buffers: list[np.ndarray], codes: list[int]) -> Graph:
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
    return Graph(tensors, inputs, outputs, operators)


def _tensor(table: Table, buffers: list[np.ndarray]) -> Tensor:
    kind, buffer = table.number(1, _I8), table.number(2, _U32)
    require(kind in BITS, f"type {kind} is not a number type")
    require(buffer < len(buffers), f"buffer {buffer}: expected one of {len(buffers)}")
    require(table.table(6) is None, "sparse constants are not supported")
    require(not any(True for _ in table.tables(9)), "variants are not supported")
    shape, dynamic = _shape(table)
    size, data = bytes_of(kind, shape), buffers[buffer]
    require(size <= MOST_BYTES, f"expected at most {MOST_BYTES} bytes, found {size}")
    require(not len(data) or len(data) >= size, f"expected {size} bytes, found {len(data)}")
    variable = bool(table.number(5, _U8))
    require(not (len(data) and variable), "expected a variable or a constant, found both")
    return Tensor(kind, shape, dynamic, data, variable, _check_scales(table.table(4), kind, shape))


def _shape(table: Table) -> tuple[Shape, Shape]:
    """Return the shape of a tensor, and the one in which -1 stands for open sizes; () if there are none."""
    shape, dynamic = tuple(table.whole(0)), tuple(table.whole(7))
    require(len(shape) <= _MOST_RANK, f"expected a rank of at most {_MOST_RANK}, found {len(shape)}")
    require(min(shape, default=0) >= 0, f"negative size in shape {shape}")
    if dynamic:
        agree = len(dynamic) == len(shape) and all(
            wanted in (size, -1) for size, wanted in zip(shape, dynamic, strict=True)
        )
        require(agree, f"shape {shape} isn't one of {dynamic}")
    return shape, dynamic if -1 in dynamic else ()


def _check_scales(quantization: Table | None, kind: int, shape: Shape) -> Scales | None:
    """Check that a tensor's scales and zero points fit its type and shape; return the scales, if any."""
    if quantization is None:
        return None
    scales, points = quantization.array(2, "<f4"), quantization.array(3, "<i8")
    if not len(scales):
        return None
    axis = quantization.number(6, _I32)
    many = shape[axis] if 0 <= axis < len(shape) else 1
    require(len(scales) in (1, many), f"expected 1 or {many} scales, found {len(scales)}")
    require(len(points) in (0, len(scales)), f"expected {len(scales)} zero points, found {len(points)}")
    least, most = _range(scales)
    if not _LEAST_SCALE <= least <= most <= _LARGEST_SCALE:  # NaN isn't, either
        raise UnsoundError(f"expected scales of {_LEAST_SCALE:g} to {_LARGEST_SCALE:g}")
    low, high = _POINTS.get(kind, (-(2**31), 2**31 - 1))
    if len(points) and not low <= _range(points)[0] <= _range(points)[1] <= high:
        raise UnsoundError(f"expected zero points of {low} to {high}")
    return Scales(len(scales), least, most)


def _range(numbers: np.ndarray) -> tuple[float, float]:
    """Return the smallest and the largest number; NaN if one is NaN."""
    if len(numbers) == 1:  # most tensors have one scale
        return (number := numbers.item()), number
    return numbers.min().item(), numbers.max().item()


def _check_signature(signature: Table, graphs: list[Graph]) -> tuple[str, tuple[int, dict[str, int]]]:
    """Check a signature; return its name, its graph, and the tensors of its inputs by name."""
    name, index = signature.text(2), signature.number(4, _U32)
    require(index < len(graphs), f"signature {name!r}: graph {index} of {len(graphs)}")
    given: dict[str, int] = {}
    for field, tensors in ((1, graphs[index].outputs), (0, graphs[index].inputs)):
        entries = [(entry.text(0), entry.number(1, _U32)) for entry in _limited(signature.tables(field))]
        given = dict(entries)
        sound = set(given.values()) == set(tensors) and len(given) == len(entries)
        require(sound, f"signature {name!r}: expected a name for each of {tensors}, found {entries[:8]}")
    return name, (index, given)


def _check_behind(tail: bytes) -> None:
    """Refuse a file if the zip of associated files after its last constant is cut short."""
    if b"PK\3\4" not in tail:
        return
    end = tail.rfind(b"PK\5\6")  # a zip ends with a record of 22 bytes and a comment
    comment = int.from_bytes(tail[end + 20 : end + 22], "little")
    require(
        end >= 0 and len(tail) == end + 22 + comment, "the zip of associated files at its end is cut short"
    )
