"""A quantized .tflite model as C source for TFLite Micro."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from ...errors import ExportError, UserError
from ...ondevice.quantized_io import Quantization
from ..bundle_writing import write_files
from ..tflite.flatbuffer import parse
from .arena import measure_arena, plan_arena
from .code import Port, c_files
from .graph import micro_model, used_ops

_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
_DTYPES = {
    number: name.lower() for name, number in vars(schema.TensorType).items() if isinstance(number, int)
}


@dataclass(frozen=True)
class Micro:
    """What was written."""

    folder: Path
    content: bytes
    """The .tflite file that the C array holds."""
    ops: tuple[str, ...]
    """To register."""
    tensors_bytes: int
    """Planned: what the activations alone take, greedily packed by when they are needed."""
    arena_bytes: int | None
    """Measured: the least with which TFLite Micro ran the file; None where it isn't installed."""


def write_micro(
    content: bytes, folder: Path, name: str, signature: str | None = None, allow_float: bool = False
) -> Micro:
    """Write `folder/name`, whole or not at all: NAME.h, NAME.c, NAME_ops.h, NAME_ops.txt, NAME.tflite.

    NAME.tflite is what the array in NAME.c holds: the graph of one signature and what it calls, with the
    weights aligned to 16 bytes and without metadata, files and names of inner tensors.

    Args:
        content: a .tflite file, `step` or `unrolled`; loops run too where TFLite Micro has all their ops.
        folder: made where it is missing.
        name: lower-case letters, digits, underscores; everything in the C text begins with it.
        signature: the one to run; None means `step` where there is one, else the first graph.
        allow_float: whether a float32 model is wanted; else it is refused.

    Raises:
        UserError: a bad name or signature, or a folder that can't be written to or holds other files.
        ExportError: the model needs ops, types or shapes that TFLite Micro lacks; the message names them.
    """
    if not _NAME.fullmatch(name):
        raise UserError(f"name: expected lower-case letters, digits and underscores, got {name!r}")
    micro = micro_model(content, signature, allow_float)
    model = parse(micro)
    ports = {kind: _ports(model, kind) for kind in ("inputs", "outputs")}
    ops = used_ops(model)
    planned, measured = plan_arena(model), measure_arena(micro)
    initial = _initial_states(content, ports)
    files = c_files(name, micro, ports, ops, initial, (planned, measured))
    _write_whole(folder / name, files)
    return Micro(folder / name, micro, tuple(ops), planned, measured)


def _ports(model: Any, kind: str) -> list[Port]:
    """Return the inputs or outputs of the main graph, called as its signature calls them."""
    graph = model.subgraphs[0]
    called = {tensor: (graph.tensors[tensor].name or b"") for tensor in getattr(graph, kind)}
    for signature in model.signatureDefs:
        called |= {each.tensorIndex: each.name for each in getattr(signature, kind) or ()}
    ports = [
        _port(graph.tensors[tensor], _identifier(called[tensor].decode()), index)
        for index, tensor in enumerate(getattr(graph, kind))
    ]
    identifiers = [port.identifier for port in ports]
    if len(set(identifiers)) < len(identifiers):
        raise ExportError(f"{kind}: expected names that differ as C identifiers, got {identifiers}")
    return ports


def _port(tensor: Any, identifier: str, index: int) -> Port:
    shape = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
    scale, zero_point = None, None
    quantization = tensor.quantization
    if quantization is not None and quantization.scale is not None and len(quantization.scale) > 0:
        scale = float(quantization.scale[0])
        zero_point = 0 if quantization.zeroPoint is None else int(quantization.zeroPoint[0])
    return Port(identifier, index, shape, _DTYPES[tensor.type], scale, zero_point)


def _identifier(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") or "UNNAMED"


def _initial_states(content: bytes, ports: Mapping[str, list[Port]]) -> dict[str, np.ndarray]:
    """Return what the signature `init` gives for each state, as the model's input holds it."""
    interpreter = Interpreter(model_content=content)
    if "init" not in interpreter.get_signature_list():
        return {}
    runner = interpreter.get_signature_runner("init")
    details = runner.get_output_details()
    inputs = {port.identifier: port for port in ports["inputs"]}
    outputs = {port.identifier for port in ports["outputs"]}
    values = {}
    for state, value in runner().items():
        identifier = _identifier(state)
        if identifier not in inputs or identifier not in outputs:
            raise ExportError(f"state {state}: expected an input and an output of that name")
        scale, zero_point = details[state]["quantization"]
        plain = Quantization(scale, zero_point).dequantize(value) if scale else value
        values[identifier] = _as_input(plain, inputs[identifier])
    return values


def _as_input(value: np.ndarray, port: Port) -> np.ndarray:
    if port.scale is None:
        return value.astype(port.dtype)
    return Quantization(port.scale, port.zero_point or 0).quantize(value, np.dtype(port.dtype))


def _write_whole(target: Path, files: Mapping[str, bytes]) -> None:
    """Write `target` in a hidden folder beside it and rename that; an older one of the same is replaced."""
    new, old = (target.with_name(f".{target.name}.{secrets.token_hex(4)}") for _ in range(2))
    try:
        if target.exists() and (others := {path.name for path in target.iterdir()} - set(files)):
            raise UserError(f"{target}: expected a folder to write to, found other files: {sorted(others)}")
        target.parent.mkdir(parents=True, exist_ok=True)
        write_files(new, files)
        if target.exists():
            target.rename(old)
        new.rename(target)
    except OSError as error:
        if old.exists() and not target.exists():
            old.rename(target)
        raise UserError(f"{error.filename or target}: can't write: {error.strerror}") from error
    finally:
        for folder in (new, old):
            shutil.rmtree(folder, ignore_errors=True)
