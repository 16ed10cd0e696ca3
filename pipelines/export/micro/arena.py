"""Plan and measure how much working memory (arena) a model needs on a microcontroller.

The plan covers the activations only. Each has a place while it is needed. Places are assigned
greedily, the largest tensor first. TFLite Micro also needs memory for its own structures and for the
kernels. The measurement covers everything: TFLite Micro runs the model, if the package `tflite-micro` is
installed.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ...errors import ExportError
from ..tflite.flatbuffer import called_by

ALIGNMENT = 16
_SECONDS = 60
_Type = schema.TensorType
_BYTES = {
    _Type.FLOAT32: 4,
    _Type.INT32: 4,
    _Type.UINT32: 4,
    _Type.UINT8: 1,
    _Type.INT8: 1,
    _Type.BOOL: 1,
    _Type.INT16: 2,
    _Type.UINT16: 2,
    _Type.INT64: 8,
    _Type.UINT64: 8,
    _Type.RESOURCE: 4,
}


class Lifetime(NamedTuple):
    """The size of a tensor in bytes, and the numbers of the first and last op during which it is needed."""

    size: int
    first: int
    last: int


def plan_arena(model: Any) -> int:
    """Return how many bytes the activations of a `schema.ModelT` need, each aligned to 16 bytes."""
    return packed_size(lifetimes(model))


def lifetimes(model: Any) -> list[Lifetime]:
    """Return the lifetime of each activation in a `schema.ModelT`, counted in ops over all subgraphs.

    A subgraph that an op calls runs during that op, so that the tensors of both are needed at the same time.
    """
    found: list[Lifetime] = []
    _walk(model, 0, 0, found=found, seen=set())
    return found


def packed_size(tensors: Sequence[Lifetime]) -> int:
    """Return the bytes of a greedy packing.

    Each tensor, the largest first, takes the lowest free place among the tensors needed at the same time.
    """
    placed: list[tuple[int, Lifetime]] = []
    top = 0
    for tensor in sorted(tensors, key=lambda tensor: (-tensor.size, tensor.first)):
        start = 0
        for other_start, other in sorted(placed):
            if other.last < tensor.first or tensor.last < other.first:
                continue
            if start + tensor.size <= other_start:
                break
            start = max(start, other_start + _rounded(other.size))
        placed.append((start, tensor))
        top = max(top, start + _rounded(tensor.size))
    return top


def measure_arena(content: bytes) -> int | None:
    """Return the smallest arena, in bytes, with which TFLite Micro loads and runs a .tflite file here.

    The result is None if the package `tflite-micro` is not installed. This machine's 64-bit pointers make it
    larger than on a microcontroller; kernels tuned for one processor may need more.

    Raises:
        ExportError: TFLite Micro does not load or run the file with any arena.
    """
    if importlib.util.find_spec("tflite_micro") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.tflite")
        file.write_bytes(content)
        # -P keeps the script's folder off the module path, where its files would shadow other modules.
        command = [sys.executable, "-P", str(Path(__file__).with_name("interpreter.py")), str(file)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise ExportError(f"TFLite Micro: no answer in {_SECONDS} s") from None
    if done.returncode != 0:
        reason = " ".join(done.stderr.decode(errors="replace").split()[:60]) or f"exit code {done.returncode}"
        raise ExportError(f"TFLite Micro does not run it: {reason}")
    return int(json.loads(done.stdout)["arena_bytes"])


def _walk(model: Any, index: int, start: int, *, found: list[Lifetime], seen: set[int]) -> int:
    """Add the lifetimes in subgraph `index`; its ops are numbered from `start`. Return the next number."""
    seen.add(index)
    graph = model.subgraphs[index]
    first = dict.fromkeys(graph.inputs, start)
    last = dict(first)
    now = start
    for op in graph.operators or ():
        begin = now
        for called in called_by(op):
            if called not in seen:
                now = _walk(model, called, now + 1, found=found, seen=seen)
        for tensor in op.outputs:
            first.setdefault(tensor, begin)
            last[tensor] = now
        for tensor in op.inputs:
            last[tensor] = now
        now += 1
    for tensor in graph.outputs:
        first.setdefault(tensor, start)
        last[tensor] = now
    for number, tensor in enumerate(graph.tensors):
        if tensor.isVariable:
            found.append(Lifetime(_size(tensor), 0, sys.maxsize))
        elif number in first and not _is_constant(model, tensor):
            found.append(Lifetime(_size(tensor), first[number], last[number]))
    return now


def _is_constant(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def _size(tensor: Any) -> int:
    shape = () if tensor.shape is None else tensor.shape
    return int(np.prod(shape, dtype=np.int64)) * _BYTES[tensor.type]


def _rounded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
