"""Stores labels, vocabulary and settings inside the .tflite file, in TFLite's metadata format.

The metadata is a flatbuffer `ModelMetadata` (file identifier M001) in a buffer of the model, listed in the
model's metadata as TFLITE_METADATA. The files that it names follow the model as an uncompressed zip. Any zip
tool opens them; an interpreter ignores them. This module needs no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ...errors import UserError
from . import flatbuffer, metadata_schema
from .metadata_files import append_zip, check_names, read_zip

METADATA = "TFLITE_METADATA"


@dataclass(frozen=True)
class Description:
    """The texts of the metadata, and which file belongs to which input or output."""

    name: str
    description: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    vocabulary: Mapping[str, str] = field(default_factory=dict)
    """By input name: the name of the file with its words, one per line."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """By output name: the name of the file with its labels, one per line, in the order of the last axis."""


class Sizes(NamedTuple):
    """The size of a .tflite file in bytes, without and with its metadata and files."""

    without: int
    with_metadata: int


def pack(content: bytes, description: Description, files: Mapping[str, bytes]) -> bytes:
    """Return the .tflite file with `description` and `files` in it; they replace earlier metadata and files.

    Args:
        content: a .tflite file.
        description: texts of the metadata; the vocabularies and labels that it names must be in `files`.
        files: content by plain file name.

    The format describes only the tensors of the main subgraph. A vocabulary or labels file of a tensor in
    another signature's subgraph is therefore attached to the model as a whole.

    Raises:
        UserError: `content` is no .tflite file, a file name is not plain, there are too many files, or
            `description` names a file, an input or an output that does not exist.
    """
    _check_files(description, files)
    model = _without_metadata(content)
    names = _signature_names(model)
    tensors = {kind: names[0][kind] for kind in ("inputs", "outputs")}
    _check_tensors(description, names)
    written = metadata_schema.write(_as_dictionary(description, files, tensors))
    model.buffers.append(schema.BufferT(data=np.frombuffer(written, np.uint8)))
    entry = schema.MetadataT()
    entry.name, entry.buffer = METADATA, len(model.buffers) - 1
    model.metadata = [*(model.metadata or ()), entry]
    return append_zip(flatbuffer.pack(model), files)


def unpack(content: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the metadata of a .tflite file, and its files by name; both are empty if it has none.

    The metadata has the keys `name`, `description`, `version`, `author`, `license` and `min_parser_version`
    if they are set, `files` (those of the model), and `inputs` and `outputs`: lists of tensors, each with
    `name` and `files`. A file has a `name` and a `type` (see `metadata_schema.FILE_TYPES`).

    Raises:
        UserError: `content` is no .tflite file, its metadata is damaged, or its zip is one that `pack` would
            not write.
    """
    model = _parsed(content)
    for entry in model.metadata or ():
        if entry.name == METADATA.encode():
            try:
                metadata = metadata_schema.read(model.buffers[entry.buffer].data.tobytes())
            except Exception as error:  # a damaged offset may raise anything
                raise UserError(f"{METADATA}: expected a ModelMetadata, found damaged data") from error
            files = read_zip(content)
            _check_complete(metadata, files)
            return metadata, files
    return {}, {}


def strip(content: bytes) -> bytes:
    """Return the .tflite file without metadata and files."""
    return flatbuffer.pack(_without_metadata(content))


def sizes(content: bytes) -> Sizes:
    """Return the size of a .tflite file in bytes, without and with its metadata and files."""
    return Sizes(len(strip(content)), len(content))


def _parsed(content: bytes) -> Any:
    if content[4:8] != flatbuffer.IDENTIFIER:
        raise UserError(
            f"model: not a .tflite file: expected {flatbuffer.IDENTIFIER!r} at byte 4, found {content[4:8]!r}"
        )
    try:
        return schema.ModelT.InitFromPackedBuf(content, 0)
    except Exception as error:  # a damaged offset may raise anything
        raise UserError("model: expected a .tflite file, found one that is cut short or damaged") from error


def _without_metadata(content: bytes) -> Any:
    """Return the parsed model without its TFLITE_METADATA entry and the buffer of that entry."""
    model = _parsed(content)
    if any(buffer.offset > 1 for buffer in model.buffers):
        raise UserError("model: expected weights in the flatbuffer, found some after it (a file above 2 GB)")
    for entry in [entry for entry in model.metadata or () if entry.name == METADATA.encode()]:
        model.metadata.remove(entry)
        model.buffers[entry.buffer].data = None
        if entry.buffer == len(model.buffers) - 1:
            model.buffers.pop()
    return model


def _signature_names(model: Any) -> dict[int, dict[str, list[str]]]:
    """Return the names of inputs and outputs by subgraph index, in order; signatures' names come first."""
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
        raise UserError(f"files of the model: {missing} are named but missing: the file is cut short")


def _as_dictionary(
    description: Description, files: Mapping[str, bytes], tensors: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return the metadata with the keys that `unpack` lists."""
    types = dict.fromkeys(description.vocabulary.values(), "VOCABULARY")
    types |= dict.fromkeys(description.labels.values(), "TENSOR_AXIS_LABELS")
    attached = {"inputs": description.vocabulary, "outputs": description.labels}
    metadata: dict[str, Any] = {
        key: getattr(description, key) for key in ("name", "description", "version", "author", "license")
    }
    # The oldest version of the format that has all of these fields; vocabularies came with 1.0.1.
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
