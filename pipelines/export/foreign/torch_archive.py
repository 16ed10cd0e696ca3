"""Reads the files of torch.export.save without unpickling anything.

Such a file is a zip archive: the graph is in JSON, and each weight is a file of its raw bytes.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...archives import MOST_BYTES, check_archive
from ...errors import UserError
from ...files import read_file

EXPECTED = "expected a file of torch.export.save(torch.export.export(module.eval(), (x,)), FILE)"
_TYPES = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    12: "bool",
    13: "bfloat16",
}
"""Names of torch's types by their number in the file."""


@dataclass(frozen=True)
class Name:
    """A name of a result in the graph."""

    name: str


@dataclass(frozen=True)
class Input:
    """An input of the graph. A size is a number, or the name of a size that is open."""

    name: str
    type: str
    sizes: tuple[int | str, ...]


@dataclass(frozen=True)
class Node:
    """One operation of the graph."""

    target: str
    """Such as "torch.ops.aten.relu.default"."""
    arguments: Mapping[str, Any]
    """By name: numbers, `Name`s of results, and lists of both. Those with a default value may be missing."""
    outputs: tuple[str | None, ...]
    """The names of its results; None for one that nobody reads."""
    where: str
    """The module that it belongs to, such as "encoder.lstm (LSTM)"."""
    path: str
    """The attributes of the module alone, "encoder.lstm"; "" for the outermost."""


@dataclass(frozen=True)
class Graph:
    """A network as torch.export writes it."""

    inputs: tuple[Input, ...]
    constants: Mapping[str, Any]
    """torch tensors of weights, buffers and constants, by their name in the graph."""
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]


def kind_of(content: bytes) -> str:
    """Return what a file of PyTorch holds: "export", "older export", "jit", "pickle" or ""."""
    if content[:1] == b"\x80":
        return "pickle"
    try:
        names = {name.partition("/")[2] or name for name in zipfile.ZipFile(io.BytesIO(content)).namelist()}
    except zipfile.BadZipFile:
        return ""
    if any(name.startswith("models/") and name.endswith(".json") for name in names):
        return "export"
    if any(name.endswith("serialized_exported_program.json") for name in names):
        return "older export"
    if "constants.pkl" in names:
        return "jit"
    return "pickle" if "data.pkl" in names else ""


def read_archive(path: Path) -> Graph:
    """Read a file of torch.export.save, by its content and not by its name.

    Raises:
        UserError: the file is damaged, or holds something else. A pickle is never opened.
    """
    content = read_file(path, MOST_BYTES, "a file of PyTorch")
    found = {
        "jit": "found TorchScript (torch.jit)",
        "pickle": "found a pickle (torch.save), which could run any code",
        "older export": "found a file of torch before 2.8: save it again",
        "": "it is damaged, or no file of PyTorch",
    }
    kind = kind_of(content)
    if kind != "export":
        raise UserError(f"{path}: {EXPECTED}: {found[kind]}")
    try:
        return read_graph(content)
    except Exception as error:  # damaged files raise many types
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path}: {EXPECTED}: {reason}") from None


def read_graph(content: bytes) -> Graph:
    """Read the content of a file of torch.export.save.

    Raises:
        Exception: the file is not as expected; of many types.
    """
    check_archive(io.BytesIO(content))
    archive = zipfile.ZipFile(io.BytesIO(content))
    models = [name for name in archive.namelist() if re.fullmatch(r"[^/]+/models/[^/]+\.json", name)]
    if len(models) != 1:
        raise ValueError(f"expected one network in the file, found {len(models)}")
    top, _, file = models[0].partition("/models/")
    stem = file.removesuffix(".json")
    program = json.loads(archive.read(models[0]))["graph_module"]
    graph, types = program["graph"], program["graph"]["tensor_values"]
    tensors = {
        kind: _tensors(archive, f"{top}/data/{kind}", f"{stem}_{kind}_config.json")
        for kind in ("weights", "constants")
    }
    stored = {**tensors["weights"], **tensors["constants"]}
    inputs, constants = [], {}
    for spec in program["signature"]["input_specs"]:
        ((kind, entry),) = spec.items()
        argument = entry["arg"]
        if kind == "user_input":
            name = argument["as_tensor"]["name"]
            inputs.append(Input(name, _TYPES.get(types[name]["dtype"], "another type"), _sizes(types[name])))
        else:
            constants[argument["name"]] = stored[entry.get(f"{kind}_name") or entry["tensor_constant_name"]]
    nodes = tuple(_node(node) for node in graph["nodes"])
    outputs = []
    for spec in program["signature"]["output_specs"]:
        if "user_output" not in spec:
            raise ValueError(f"the network changes its own variables ({', '.join(spec)})")
        outputs.append(spec["user_output"]["arg"]["as_tensor"]["name"])
    return Graph(tuple(inputs), constants, nodes, tuple(outputs))


def _tensors(archive: zipfile.ZipFile, folder: str, config: str) -> dict[str, Any]:
    import torch

    made = {}
    for name, entry in json.loads(archive.read(f"{folder}/{config}"))["config"].items():
        if entry["use_pickle"] or not entry.get("tensor_meta"):
            raise ValueError(f"{name} is stored as a pickle, which could run any code")
        meta = entry["tensor_meta"]
        kind = getattr(torch, _TYPES[meta["dtype"]])
        content = bytearray(archive.read(f"{folder}/{entry['path_name']}"))
        flat = torch.frombuffer(content, dtype=kind) if content else torch.empty(0, dtype=kind)
        sizes, strides = ([size["as_int"] for size in meta[key]] for key in ("sizes", "strides"))
        made[name] = torch.as_strided(flat, sizes, strides, meta["storage_offset"]["as_int"]).contiguous()
    return made


def _sizes(meta: Mapping[str, Any]) -> tuple[int | str, ...]:
    sizes: list[int | str] = []
    for size in meta["sizes"]:
        if "as_int" in size:
            sizes.append(size["as_int"])
        elif found := re.fullmatch(r"(?:Symbol\('(\w+)'.*\))|(\w+)", size["as_expr"]["expr_str"]):
            sizes.append(found[1] or found[2])
        else:
            raise ValueError(f"expected sizes that are independent, found {size['as_expr']['expr_str']}")
    return tuple(sizes)


def _node(node: Mapping[str, Any]) -> Node:
    stack = [entry.split(",") for entry in node["metadata"].get("nn_module_stack", "").split(";")]
    entries = [entry for entry in stack if len(entry) == 3 and "." in entry[2]]
    path, module = (entries[-1][1], entries[-1][2].rpartition(".")[2]) if entries else ("", "")
    arguments = {given["name"]: _argument(given["arg"]) for given in node["inputs"]}
    outputs = tuple(name for each in node["outputs"] for name in _names(each))
    return Node(node["target"], arguments, outputs, f"{path} ({module})" if path else module, path)


def _names(output: Mapping[str, Any]) -> list[str | None]:
    """Return the names of one result, which may be a list."""
    ((kind, entry),) = output.items()
    if kind == "as_tensors":
        return [each["name"] for each in entry]
    if kind in ("as_sym_int", "as_sym_bool", "as_sym_float"):
        return [entry["as_name"]]
    return [entry["name"] if kind == "as_tensor" else None]


def _argument(argument: Mapping[str, Any]) -> Any:
    ((kind, entry),) = argument.items()
    match kind:
        case "as_none":
            return None
        case "as_tensor":
            return Name(entry["name"])
        case "as_tensors":
            return [Name(each["name"]) for each in entry]
        case "as_optional_tensors" | "as_sym_ints" | "as_sym_floats" | "as_sym_bools":
            return [_argument(each) for each in entry]
        case "as_sym_int" | "as_sym_float" | "as_sym_bool":
            return _argument(entry)
        case "as_name":
            return Name(entry)
        case "as_scalar_type":
            return _TYPES[entry]
    return entry  # numbers, texts, and lists of them
