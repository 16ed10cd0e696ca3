"""Load labelled text from a TFDS set or from files, with the splits that every app needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .examples import Data, Examples
from .splits import complete, select
from .text_files import read_splits
from .tfds_sets import choose_feature, open_split


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
) -> Data:
    """Return the labelled text of a prepared TFDS builder. Empty texts and unlabelled splits are left out.

    Args:
        builder: a builder from `tfds_sets.prepare`.
        text_feature, label_feature: the names of the features. Default: the only feature of the right kind.
        scored: further splits to score, in addition to `test`.
        seed: selects the examples of a split that the set lacks; None if the splits stay as they are given.

    Raises:
        UserError: the set has no such feature, or it has several and none is named.
    """
    import tensorflow_datasets as tfds

    source = builder.info.full_name
    features = builder.info.features
    text = choose_feature(source, features, tfds.features.Text, what="text", wanted=text_feature)
    label = choose_feature(source, features, tfds.features.ClassLabel, what="label", wanted=label_feature)
    splits, notes = {}, []
    for name in ("train", "validation", "test", *scored):
        if name not in builder.info.splits:
            continue
        split, empty = _without_empty(_read_split(builder, name, text, label))
        if empty:
            notes.append(f"{source}: {empty:,} empty texts of {name} left out")
        if (split.targets >= 0).all():
            splits[name] = split
        else:
            notes.append(f"{source}: {name} is not used, its labels are hidden (-1)")
    return complete(Data(splits, tuple(features[label].names), source, tuple(notes)), seed)


def _read_split(builder: Any, split: str, text: str, label: str) -> Examples:
    import tensorflow_datasets as tfds

    pairs = open_split(builder, split).map(lambda example: (example[text], example[label])).batch(1024)
    texts: list[str] = []
    targets: list[int] = []
    for some_texts, some_targets in tfds.as_numpy(pairs):
        texts += [value.decode("utf-8", errors="replace") for value in some_texts]
        targets += some_targets.tolist()
    return Examples(texts, np.array(targets, np.int64))


def _without_empty(examples: Examples) -> tuple[Examples, int]:
    """Return the examples with text other than spaces, and the number of the others."""
    kept = select(examples, [bool(text.strip()) for text in examples.inputs])
    return kept, len(examples) - len(kept)
