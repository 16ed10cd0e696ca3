"""Read labelled examples from a folder of TFRecord files, one after the other."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..devices import import_tensorflow
from ..errors import UserError
from .example_store import store_for
from .examples import Examples
from .text_files import SPLIT_NAMES

_PIECE = 2**20  # bytes
_KINDS = {"bytes_list": "bytes", "int64_list": "int64", "float_list": "float"}


def is_record_folder(path: Path) -> bool:
    """Return whether a path is a folder that holds TFRecord files."""
    return path.is_dir() and any(map(_is_record, path.iterdir()))


def _is_record(file: Path) -> bool:
    return ".tfrecord" in file.name and not file.name.startswith(".") and file.is_file()


def shards_of(folder: Path) -> dict[str, list[Path]]:
    """Return the TFRecord files of each split, sorted by name.

    The name begins with that of the split: train-00000-of-00010.tfrecord, test.tfrecord.gz.

    Raises:
        UserError: a file's name doesn't.
    """
    shards: dict[str, list[Path]] = {}
    for file in sorted(filter(_is_record, folder.iterdir())):
        word = re.split(r"[-_.]", file.name.lower())[0]
        if word not in SPLIT_NAMES:
            raise UserError(f"{file}: expected a name that begins with train, validation or test")
        shards.setdefault(SPLIT_NAMES[word], []).append(file)
    return shards


def read_records(
    folder: Path,
    names: tuple[str, str],
    decode: Callable[[str, Any], Any],
    *,
    reading: Sequence[Any] = (),
    memory_gb: float | None = None,
) -> tuple[dict[str, Examples], tuple[str, ...]]:
    """Read the labelled examples of a folder of TFRecord files of tf.train.Example, also gzipped ones (.gz).

    They are read one by one, and stay on disk if they are too large for the memory.

    Args:
        folder: the folder; see `shards_of`.
        names: the names of the features of the input and of the label. A label is bytes, its name in UTF-8,
            or int64, its number from 0 on; -1 hides it.
        decode: decode(kind, values) -> an input from the values of its feature, whose kind is "bytes",
            "int64" or "float". It raises a ValueError that says what it expected.
        reading: the settings that change what `decode` makes, as values that JSON can hold.
        memory_gb: the memory that the inputs may take, in GB; None for half of what is free.

    Returns:
        The examples by split, and the names of the labels: sorted, or their numbers.

    Raises:
        UserError: a file is broken, a record lacks a feature or has one of another kind, or the inputs can't
            be kept on disk. The message names the file and the record.
    """
    shards = shards_of(folder)
    files = [file for of_split in shards.values() for file in of_split]
    with store_for(folder.name, files, [*names, *reading], memory_gb) as store:
        labels: dict[str, int] = store.told.setdefault("labels", {})
        read = {
            split: store.keep(split, _examples(of_split, names, decode, labels))
            for split, of_split in shards.items()
        }
    for split, examples in read.items():
        if not len(examples):
            raise UserError(f"{folder}: expected records in its {split} files, found none")
    return _in_order(read, labels)


def _in_order(
    read: dict[str, Examples], labels: dict[str, int]
) -> tuple[dict[str, Examples], tuple[str, ...]]:
    """Number labels in the order of their names; those that are numbers already stay as they are."""
    if not labels:
        largest = max(int(examples.targets.max()) for examples in read.values())
        return read, tuple(map(str, range(largest + 1)))
    names = sorted(labels)
    numbers = np.empty(len(names), np.int64)
    numbers[[labels[name] for name in names]] = np.arange(len(names))
    return {split: replace(each, targets=numbers[each.targets]) for split, each in read.items()}, tuple(names)


def _examples(
    files: Sequence[Path],
    names: tuple[str, str],
    decode: Callable[[str, Any], Any],
    labels: dict[str, int],
) -> Iterator[tuple[Any, int]]:
    """Yield inputs and label numbers; names of labels are numbered as they come."""
    for file in files:
        for number, features in enumerate(_records(file), start=1):
            try:
                example = decode(*_values(features, names[0]))
                yield example, _label(*_values(features, names[1]), labels)
            except ValueError as error:
                raise UserError(f"{file}, record {number}: {error}") from None


def _records(file: Path) -> Iterator[Any]:
    """Yield the features of each record by name; TensorFlow reads no more than a buffer at a time."""
    import_tensorflow()
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    compression = "GZIP" if file.suffix == ".gz" else ""
    number = 0
    try:
        if compression:
            _require_whole(file)
        for record in tf.data.TFRecordDataset(str(file), compression).as_numpy_iterator():
            number += 1
            yield tf.train.Example.FromString(record).features.feature
    except DecodeError:
        raise UserError(f"{file}, record {number}: expected a tf.train.Example") from None
    except (tf.errors.OpError, OSError, EOFError, zlib.error) as error:
        why = getattr(error, "message", str(error)).splitlines()[0]
        raise UserError(f"{file}: expected whole TFRecord data after record {number}: {why}") from None


def _require_whole(file: Path) -> None:
    """Raise an error if a gzipped file ends too early, which TensorFlow takes for the end of its records."""
    with gzip.open(file) as content:
        while content.read(_PIECE):
            pass


def _values(features: Any, name: str) -> tuple[str, Any]:
    """Return the kind of a feature, and its values."""
    if name not in features:
        listed = ", ".join(f"{each!r} ({_kind(features[each])})" for each in sorted(features))
        raise ValueError(f"expected a feature {name!r}, found {listed or 'none'}")
    kind = _kind(features[name])
    values = getattr(features[name], f"{kind}_list").value if kind else ()
    if not len(values):
        raise ValueError(f"{name!r}: expected a value, found none")
    return kind, values


def _kind(feature: Any) -> str:
    return _KINDS.get(feature.WhichOneof("kind"), "")


def _label(kind: str, values: Any, labels: dict[str, int]) -> int:
    if kind == "bytes":
        return labels.setdefault(values[0].decode(), len(labels))
    if kind == "int64" and not labels and values[0] >= -1:
        return int(values[0])
    expected = "names, as in the records before" if labels else "bytes, or numbers (int64) from 0 on"
    raise ValueError(f"label: expected {expected}, found {kind} {values[0]}")
