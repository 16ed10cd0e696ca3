"""Labels, vocabulary and settings inside the .tflite file itself, in TFLite's own metadata form.

A flatbuffer `ModelMetadata` (file identifier M001) is a buffer of the model, listed in its metadata as
TFLITE_METADATA. The files that it names are an uncompressed zip behind the model: whatever opens a zip opens
them, and an interpreter never reads that far. Needs no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ...errors import UserError
from . import flatbuffer
from . import metadata_schema as form
from .metadata_files import append_zip, check_names, read_zip

METADATA = "TFLITE_METADATA"

_IDENTIFIER = b"TFL3"


@dataclass(frozen=True)
class Description:
    """What the metadata says beside the files."""

    name: str
    description: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    vocabulary: Mapping[str, str] = field(default_factory=dict)
    """By input name: the file with its words, one a line."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """By output name: the file with its labels, one a line, in the order of the last axis."""


class Sizes(NamedTuple):
    """Of one file, in bytes."""

    without: int
    with_metadata: int


def pack(content: bytes, description: Description, files: Mapping[str, bytes]) -> bytes:
    """Return the .tflite file with `description` and `files` in it, in place of any that it had.

    Args:
        content: a .tflite file.
        description: its labels and vocabularies are names in `files`.
        files: content by plain file name.

    A vocabulary or labels belong to the tensor of that name in the main graph, which is the only one that
    the form describes; those of another signature's tensor belong to the model.

    Raises:
        UserError: not a .tflite file, a name that isn't plain, too many files, or a file that is missing.
    """
    _check_files(description, files)
    model = _without_metadata(content)
    names = _signature_names(model)
    tensors = {kind: names[0][kind] for kind in ("inputs", "outputs")}
    _check_tensors(description, names)
    model.buffers.append(schema.BufferT())
    model.buffers[-1].data = np.frombuffer(form.write(_as_dictionary(description, files, tensors)), np.uint8)
    entry = schema.MetadataT()
    entry.name, entry.buffer = METADATA, len(model.buffers) - 1
    model.metadata = [*(model.metadata or ()), entry]
    return append_zip(flatbuffer.pack(model), files)


def unpack(content: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the metadata of a .tflite file, and its files by name; both are empty where it has none.

    The metadata: `name`, `description`, `version`, `author`, `license` and `min_parser_version`, where they
    are set; `files` of the model; `inputs` and `outputs`, each with its `name` and `files`. A file is its
    `name` and its `type`, as in `metadata_schema.FILE_TYPES`.

    Raises:
        UserError: not a .tflite file, damaged metadata, or a zip that holds what `pack` would not write.
    """
    model = _parsed(content)
    for entry in model.metadata or ():
        if entry.name == METADATA.encode():
            try:
                metadata = form.read(model.buffers[entry.buffer].data.tobytes())
            except Exception as error:  # whatever an offset that leads astray raises
                raise UserError(f"{METADATA}: expected a ModelMetadata, got something damaged") from error
            files = read_zip(content)
            _check_complete(metadata, files)
            return metadata, files
    return {}, {}


def strip(content: bytes) -> bytes:
    """Return the .tflite file without metadata and files."""
    return flatbuffer.pack(_without_metadata(content))


def sizes(content: bytes) -> Sizes:
    """Return what the file takes without its metadata and files, and with them."""
    return Sizes(len(strip(content)), len(content))


def _parsed(content: bytes) -> Any:
    if content[4:8] != _IDENTIFIER:
        raise UserError(
            f"model: not a .tflite file: expected {_IDENTIFIER!r} at byte 4, found {content[4:8]!r}"
        )
    try:
        return schema.ModelT.InitFromPackedBuf(content, 0)
    except Exception as error:  # whatever an offset that leads astray raises
        raise UserError("model: expected a .tflite file, got one that is cut short or damaged") from error


def _without_metadata(content: bytes) -> Any:
    """Return the model without its metadata entry; the last buffer is dropped when it was that."""
    model = _parsed(content)
    if any(buffer.offset > 1 for buffer in model.buffers):
        raise UserError("model: expected weights in the flatbuffer, got some behind it (a file above 2 GB)")
    for entry in [entry for entry in model.metadata or () if entry.name == METADATA.encode()]:
        model.metadata.remove(entry)
        model.buffers[entry.buffer].data = None
        if entry.buffer == len(model.buffers) - 1:
            model.buffers.pop()
    return model


def _signature_names(model: Any) -> dict[int, dict[str, list[str]]]:
    """Return the names of inputs and outputs by graph, in its order; a signature's where it has one."""
    found: dict[int, dict[str, list[str]]] = {}
    for index in {0, *(each.subgraphIndex for each in model.signatureDefs or ())}:
        graph = model.subgraphs[index]
        found[index] = {}
        for kind in ("inputs", "outputs"):
            called = {tensor: graph.tensors[tensor].name or b"" for tensor in getattr(graph, kind)}
            for each in model.signatureDefs or ():
                if each.subgraphIndex == index:
                    called |= {one.tensorIndex: one.name for one in getattr(each, kind) or ()}
            found[index][kind] = [called[tensor].decode() for tensor in getattr(graph, kind)]
    return found


def _check_files(description: Description, files: Mapping[str, bytes]) -> None:
    check_names("files", list(files))
    for name in (*description.vocabulary.values(), *description.labels.values()):
        if name not in files:
            raise UserError(f"description: expected a name among the files {sorted(files)}, got {name!r}")


def _check_tensors(description: Description, names: Mapping[int, Mapping[str, Sequence[str]]]) -> None:
    for kind, given in (("inputs", description.vocabulary), ("outputs", description.labels)):
        known = {name for graph in names.values() for name in graph[kind]}
        for name in given:
            if name not in known:
                raise UserError(
                    f"description: expected a name among the {kind} {sorted(known)}, got {name!r}"
                )


def _check_complete(metadata: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    tables = [metadata, *metadata.get("inputs", ()), *metadata.get("outputs", ())]
    missing = sorted({file["name"] for table in tables for file in table["files"]} - set(files))
    if missing:
        raise UserError(f"files of the model: expected {missing} too: the file is cut short")


def _as_dictionary(
    description: Description, files: Mapping[str, bytes], tensors: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return the metadata in the form in which `unpack` gives it."""
    types = dict.fromkeys(description.vocabulary.values(), "VOCABULARY")
    types |= dict.fromkeys(description.labels.values(), "TENSOR_AXIS_LABELS")
    attached = {"inputs": description.vocabulary, "outputs": description.labels}
    metadata: dict[str, Any] = {
        key: getattr(description, key) for key in ("name", "description", "version", "author", "license")
    }
    # The version of the form that knows all of this: vocabularies came with 1.0.1.
    metadata["min_parser_version"] = "1.0.1" if description.vocabulary else "1.0.0"
    at_tensors = set()
    for kind, names in tensors.items():
        metadata[kind] = [{"name": name, "files": []} for name in names]
        for tensor in metadata[kind]:
            if file := attached[kind].get(tensor["name"]):
                tensor["files"].append({"name": file, "type": types[file]})
                at_tensors.add(file)
    metadata["files"] = [
        {"name": name, "type": types.get(name, "UNKNOWN")} for name in sorted(files) if name not in at_tensors
    ]
    return metadata
