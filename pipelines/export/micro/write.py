"""Writes a quantised .tflite model as C source for TFLite Micro."""

from __future__ import annotations

import itertools
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from ...errors import ExportError, UserError
from ...ondevice.quantized_io import Quantization
from ..bundle_writing import write_files
from ..tflite.flatbuffer import pack
from .arena import measure_arena, plan_arena
from .code import CSource, Port
from .graph import micro_model, used_ops

_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
_DTYPES = {
    number: name.lower() for name, number in vars(schema.TensorType).items() if isinstance(number, int)
}


@dataclass(frozen=True)
class Micro:
    """The C source that was written, and the memory and ops that it needs on the device."""

    folder: Path
    content: bytes
    """The .tflite file in the C array."""
    ops: tuple[str, ...]
    """Names of the ops to register."""
    tensors_bytes: int
    """Planned memory of the activations alone (see `plan_arena`)."""
    arena_bytes: int | None
    """The smallest arena with which TFLite Micro ran the file; None if `tflite-micro` is not installed."""


def write_micro(
    content: bytes, folder: Path, name: str, signature: str | None = None, *, allow_float: bool = False
) -> Micro:
    """Write the folder `folder/name` with NAME.h, NAME.c, NAME_ops.h, NAME_ops.txt and NAME.tflite.

    The folder is written completely or not at all. NAME.tflite is the model in the array of NAME.c. It has
    the subgraph of one signature and those that it calls. Its weights are aligned to 16 bytes. It has no
    metadata, attached files or names of inner tensors.

    Args:
        content: a .tflite file, `step` or `unrolled`; `loop` works if TFLite Micro has all its ops.
        folder: created if missing.
        name: lower-case letters, digits and underscores; the prefix of everything in the C source.
        signature: which one to run; None means `step` if there is one, else the first subgraph.
        allow_float: accept a model that computes in float32.

    Raises:
        UserError: the name or signature is invalid, or the folder can't be written to or holds other files.
        ExportError: the model needs ops, types or shapes that TFLite Micro lacks, or computes in float32
            though `allow_float` is false; the message names them.
    """
    if not _NAME.fullmatch(name):
        raise UserError(f"name: expected lower-case letters, digits and underscores, got {name!r}")
    model = micro_model(content, signature, allow_float=allow_float)
    micro = pack(model)
    identifiers = _identifiers([name for kind in ("inputs", "outputs") for name, _ in _named(model, kind)])
    inputs, outputs = (_ports(model, kind, identifiers) for kind in ("inputs", "outputs"))
    ops = used_ops(model)
    source = CSource(
        name=name,
        content=micro,
        inputs=inputs,
        outputs=outputs,
        ops=ops,
        initial=_initial_states(content, inputs, outputs, identifiers),
        tensors_bytes=plan_arena(model),
        arena_bytes=measure_arena(micro),
    )
    _write_whole(folder / name, source.files())
    return Micro(folder / name, micro, tuple(ops), source.tensors_bytes, source.arena_bytes)


def _ports(model: Any, kind: str, identifiers: Mapping[str, str]) -> list[Port]:
    """Return the inputs or outputs of the main subgraph.

    One tensor may be several outputs, such as an answer that is also the next state.
    """
    graph = model.subgraphs[0]
    places: dict[int, list[int]] = {}
    for index, tensor in enumerate(getattr(graph, kind)):
        places.setdefault(tensor, []).append(index)
    ports = []
    for name, tensor in _named(model, kind):
        index = places[tensor].pop(0) if len(places[tensor]) > 1 else places[tensor][0]
        ports.append(_port(graph.tensors[tensor], identifiers[name], index))
    return sorted(ports, key=lambda port: port.index)


def _named(model: Any, kind: str) -> list[tuple[str, int]]:
    """Return the name and the tensor of each input or output, as the signature names them."""
    graph = model.subgraphs[0]
    named = [
        (each.name.decode(), each.tensorIndex)
        for signature in model.signatureDefs
        for each in getattr(signature, kind) or ()
    ]
    known = {tensor for _, tensor in named}
    others = [tensor for tensor in getattr(graph, kind) if tensor not in known]
    return named + [((graph.tensors[tensor].name or b"").decode(), tensor) for tensor in others]


def _identifiers(names: Sequence[str]) -> dict[str, str]:
    """Return a C identifier for each name; names that would have the same one get numbers."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        plain = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") or "UNNAMED"
        numbered = (plain if number == 1 else f"{plain}_{number}" for number in itertools.count(1))
        found[name] = next(each for each in numbered if each not in found.values())
    return found


def _port(tensor: Any, identifier: str, index: int) -> Port:
    shape = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
    scale, zero_point = None, None
    quantization = tensor.quantization
    if quantization is not None and quantization.scale is not None and len(quantization.scale) > 0:
        scale = float(quantization.scale[0])
        zero_point = 0 if quantization.zeroPoint is None else int(quantization.zeroPoint[0])
    return Port(identifier, index, shape, _DTYPES[tensor.type], scale, zero_point)


def _initial_states(
    content: bytes, inputs: Sequence[Port], outputs: Sequence[Port], identifiers: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Return the initial value of each state from the signature `init`, in the type of the model's input."""
    interpreter = Interpreter(model_content=content)
    if "init" not in interpreter.get_signature_list():
        return {}
    runner = interpreter.get_signature_runner("init")
    details = runner.get_output_details()
    input_of = {port.identifier: port for port in inputs}
    known = {port.identifier for port in outputs} & set(input_of)
    values = {}
    for state, value in runner().items():
        identifier = identifiers.get(state, "")
        if identifier not in known:
            raise ExportError(f"state {state}: expected an input and an output of this name")
        scale, zero_point = details[state]["quantization"]
        plain = Quantization(scale, zero_point).dequantize(value) if scale else value
        values[identifier] = _as_input(plain, input_of[identifier])
    return values


def _as_input(value: np.ndarray, port: Port) -> np.ndarray:
    if port.scale is None:
        return value.astype(port.dtype)
    return Quantization(port.scale, port.zero_point or 0).quantize(value, np.dtype(port.dtype))


def _write_whole(target: Path, files: Mapping[str, bytes]) -> None:
    """Write the files to a hidden folder, then rename it to `target`; an older `target` is replaced."""
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
