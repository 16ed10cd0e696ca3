"""Writes and reads the parts of the ModelMetadata flatbuffer (schema 1.5.0) that are used here.

Metadata are plain dictionaries. A slot is the position of a field in a table of the published schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flatbuffers
from flatbuffers import encode, number_types
from flatbuffers.table import Table

IDENTIFIER = b"M001"
FILE_TYPES = (
    "UNKNOWN",
    "DESCRIPTIONS",
    "TENSOR_AXIS_LABELS",
    "TENSOR_VALUE_LABELS",
    "TENSOR_AXIS_SCORE_CALIBRATION",
    "VOCABULARY",
    "SCANN_INDEX_FILE",
)
"""The names of the schema's AssociatedFileType, in the order of its numbers."""

_MODEL_SLOTS = 8
_MODEL_TEXTS = {"name": 0, "description": 1, "version": 2, "author": 4, "license": 5, "min_parser_version": 7}
_MODEL_SUBGRAPHS, _MODEL_FILES = 3, 6
_SUBGRAPH_SLOTS = 10
_SUBGRAPH_TENSORS = {"inputs": 2, "outputs": 3}
_TENSOR_SLOTS = 7
_TENSOR_NAME, _TENSOR_FILES = 0, 6
_FILE_SLOTS = 5
_FILE_NAME, _FILE_TYPE = 0, 2

_MAX_LENGTH = 10_000  # a longer vector is damaged


def write(metadata: Mapping[str, Any]) -> bytes:
    """Return metadata as a flatbuffer.

    Args:
        metadata: texts by name (`_MODEL_TEXTS`); `files`, a list of files with `name` and `type`; `inputs`
            and `outputs`, lists of tensors with `name` and `files`.
    """
    builder = flatbuffers.Builder(256)
    tensors = {
        slot: _vector(builder, [_tensor(builder, tensor) for tensor in metadata[kind]])
        for kind, slot in _SUBGRAPH_TENSORS.items()
    }
    subgraph = _table(builder, _SUBGRAPH_SLOTS, tensors)
    fields = {
        slot: builder.CreateString(metadata[key]) for key, slot in _MODEL_TEXTS.items() if metadata.get(key)
    }
    fields[_MODEL_SUBGRAPHS] = _vector(builder, [subgraph])
    fields[_MODEL_FILES] = _files(builder, metadata["files"])
    builder.Finish(_table(builder, _MODEL_SLOTS, fields), IDENTIFIER)
    return bytes(builder.Output())


def read(content: bytes) -> dict[str, Any]:
    """Return the metadata in a flatbuffer; fields that `write` does not know are ignored.

    Raises:
        ValueError: `content` is no ModelMetadata. Damaged offsets may raise any other exception.
    """
    if content[4:8] != IDENTIFIER:
        raise ValueError(f"expected {IDENTIFIER!r} at byte 4, got {content[4:8]!r}")
    model = Table(content, encode.Get(number_types.UOffsetTFlags.packer_type, content, 0))
    texts = {key: _text(model, slot) for key, slot in _MODEL_TEXTS.items()}
    metadata: dict[str, Any] = {key: text for key, text in texts.items() if text}
    metadata["files"] = _tables(model, _MODEL_FILES, _read_file)
    for subgraph in _tables(model, _MODEL_SUBGRAPHS, lambda table: table)[:1]:
        for kind, slot in _SUBGRAPH_TENSORS.items():
            metadata[kind] = _tables(subgraph, slot, _read_tensor)
    return metadata


def _tensor(builder: flatbuffers.Builder, tensor: Mapping[str, Any]) -> int:
    fields = {_TENSOR_NAME: builder.CreateString(tensor["name"])}
    if tensor["files"]:
        fields[_TENSOR_FILES] = _files(builder, tensor["files"])
    return _table(builder, _TENSOR_SLOTS, fields)


def _files(builder: flatbuffers.Builder, files: Sequence[Mapping[str, str]]) -> int:
    return _vector(builder, [_file(builder, file) for file in files])


def _file(builder: flatbuffers.Builder, file: Mapping[str, str]) -> int:
    name = builder.CreateString(file["name"])
    builder.StartObject(_FILE_SLOTS)
    builder.PrependUOffsetTRelativeSlot(_FILE_NAME, name, 0)
    builder.PrependInt8Slot(_FILE_TYPE, FILE_TYPES.index(file["type"]), 0)
    return builder.EndObject()


def _table(builder: flatbuffers.Builder, slots: int, offsets: Mapping[int, int]) -> int:
    builder.StartObject(slots)
    for slot, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    return builder.EndObject()


def _vector(builder: flatbuffers.Builder, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return builder.EndVector()


def _read_tensor(table: Table) -> dict[str, Any]:
    return {"name": _text(table, _TENSOR_NAME), "files": _tables(table, _TENSOR_FILES, _read_file)}


def _read_file(table: Table) -> dict[str, str]:
    offset = _offset(table, _FILE_TYPE)
    number = table.Get(number_types.Int8Flags, table.Pos + offset) if offset else 0
    return {
        "name": _text(table, _FILE_NAME),
        "type": FILE_TYPES[number] if 0 <= number < len(FILE_TYPES) else "UNKNOWN",
    }


def _text(table: Table, slot: int) -> str:
    offset = _offset(table, slot)
    return table.String(table.Pos + offset).decode() if offset else ""


def _tables(table: Table, slot: int, read: Callable[[Table], Any]) -> list[Any]:
    offset = _offset(table, slot)
    if not offset:
        return []
    length, start = table.VectorLen(offset), table.Vector(offset)
    if length > _MAX_LENGTH:
        raise ValueError(f"expected at most {_MAX_LENGTH} tables, got {length}")
    return [read(Table(table.Bytes, table.Indirect(start + 4 * i))) for i in range(length)]


def _offset(table: Table, slot: int) -> int:
    return table.Offset(4 + 2 * slot)
