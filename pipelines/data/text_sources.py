"""Load labelled text from a TFDS set or from files, with the splits that every app needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .example_store import store_for
from .examples import Data, Examples
from .record_files import read_records
from .splits import complete, select
from .text_files import read_splits
from .tfds_sets import choose_feature, files_of, open_split


def text_from_files(path: Path, *, seed: int | None = 0, **reading: Any) -> Data:
    """Return the labelled text of the user's files. The labels are sorted by name.

    Args:
        path: a file or a folder; see `text_files.read_splits` for the formats.
        seed: selects the examples of a split that the files lack; None if the splits stay as they are given.
        **reading: further arguments of `text_files.read_labelled_text`, such as the names of the columns.

    Raises:
        UserError: a file is malformed. The message is one line with file and line number.
    """
    rows, notes = read_splits(path.expanduser(), for_training=seed is not None, **reading)
    labels = tuple(sorted({row.label for split in rows.values() for row in split}))
    ids = {label: index for index, label in enumerate(labels)}
    splits = {
        name: Examples([row.text for row in split], np.array([ids[row.label] for row in split], np.int64))
        for name, split in rows.items()
    }
    return complete(Data(splits, labels, path.name, tuple(notes)), seed)


def text_from_builder(
    builder: Any,
    text_feature: str | None = None,
    label_feature: str | None = None,
    *,
    scored: Sequence[str] = (),
    seed: int | None = 0,
    memory_gb: float | None = None,
) -> Data:
    """Return the labelled text of a prepared TFDS builder. Empty texts and unlabelled splits are left out.

    The set is read piece by piece. If it is too large for the memory, its texts stay on disk.

    Args:
        builder: a builder from `tfds_sets.prepare`.
        text_feature, label_feature: the names of the features. Default: the only feature of the right kind.
        scored: further splits to score, in addition to `test`.
        seed: selects the examples of a split that the set lacks; None if the splits stay as they are given.
        memory_gb: the memory that the texts may take, in GB; None for half of what is free.

    Raises:
        UserError: the set has no such feature, or it has several and none is named; or its texts can't be
            kept on disk.
    """
    import tensorflow_datasets as tfds

    source = builder.info.full_name
    features = builder.info.features
    text = choose_feature(source, features, tfds.features.Text, what="text", wanted=text_feature)
    label = choose_feature(source, features, tfds.features.ClassLabel, what="label", wanted=label_feature)
    names = [name for name in ("train", "validation", "test", *scored) if name in builder.info.splits]
    with store_for(source, files_of(builder), [text, label, names], memory_gb) as store:
        read = {name: store.keep(name, _pairs(builder, name, text, label)) for name in names}
    return _usable(read, tuple(features[label].names), source, seed)


def text_from_records(
    folder: Path, names: tuple[str, str], *, seed: int | None = 0, memory_gb: float | None = None
) -> Data:
    """Return the labelled text of a folder of TFRecord files, which is read piece by piece.

    Args:
        folder: see `record_files.read_records`.
        names: the names of the features of the text, which is bytes in UTF-8, and of the label.
        seed: selects the examples of a split that the set lacks; None if the splits stay as they are given.
        memory_gb: the memory that the texts may take, in GB; None for half of what is free.

    Raises:
        UserError: see `record_files.read_records`.
    """

    def decode(kind: str, values: Any) -> str:
        if kind != "bytes":
            raise ValueError(f"{names[0]!r}: expected bytes, found {kind}")
        return values[0].decode()

    read, labels = read_records(folder, names, decode, memory_gb=memory_gb)
    return _usable(read, labels, folder.name, seed)


def _usable(read: Mapping[str, Examples], labels: tuple[str, ...], source: str, seed: int | None) -> Data:
    """Return the data of splits as they were read, without empty texts and splits whose labels are hidden."""
    splits, notes = {}, []
    for name, examples in read.items():
        split, empty = _without_empty(examples)
        if empty:
            notes.append(f"{source}: {empty:,} empty texts of {name} left out")
        if (split.targets >= 0).all():
            splits[name] = split
        else:
            notes.append(f"{source}: {name} is not used, its labels are hidden (-1)")
    return complete(Data(splits, labels, source, tuple(notes)), seed)


def _pairs(builder: Any, split: str, text: str, label: str) -> Iterator[tuple[str, int]]:
    import tensorflow_datasets as tfds

    pairs = open_split(builder, split).map(lambda example: (example[text], example[label])).batch(1024)
    for texts, targets in tfds.as_numpy(pairs):
        for value, target in zip(texts, targets.tolist(), strict=True):
            yield value.decode("utf-8", errors="replace"), target


def _without_empty(examples: Examples) -> tuple[Examples, int]:
    """Return the examples with text other than spaces, and the number of the others."""
    kept = select(examples, [bool(text.strip()) for text in examples.inputs])
    return kept, len(examples) - len(kept)
