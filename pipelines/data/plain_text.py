"""Read plain text of any kind as one long string: files, folders of files, TFDS sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from .examples import Data, Examples
from .tables import read_text
from .tfds_sets import choose_feature, open_split

_LEAST = 3


def text_of(path: Path, encoding: str = "utf-8") -> tuple[str, list[str]]:
    """Return the text of a file, or of all text files in a folder and its folders, and notes.

    Files whose name ends in .gz are unpacked. The files of a folder are read in the order of their names and
    joined by an empty line; hidden files, empty files and files that are no text are left out, with a note.

    Raises:
        UserError: the file is no text, or the folder holds none.
    """
    if not path.is_dir():
        return read_text(path, encoding), []
    parts, others = [], []
    for file in sorted(path.rglob("*")):
        if not file.is_file() or any(part.startswith(".") for part in file.relative_to(path).parts):
            continue
        try:
            parts.append(read_text(file, encoding))
        except UserError:
            others.append(file.name)
    kept = [part for part in parts if part.strip()]
    if not kept:
        raise UserError(f"{path}: expected text files, found none")
    names = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
    notes = (
        [f"{path}: {len(others):,} files left out that are no {encoding} text ({names})"] if others else []
    )
    return "\n\n".join(kept), notes


def text_from_builder(builder: Any, wanted: str | None = None) -> dict[str, str]:
    """Return the text of each split of a TFDS set; the examples of a split are joined by line breaks."""
    feature = choose_feature(
        builder.info.full_name, builder.info.features, _text_feature(), what="text", wanted=wanted
    )
    return {
        split: "\n".join(row[feature].decode() for row in open_split(builder, split).as_numpy_iterator())
        for split in builder.info.splits
    }


def _text_feature() -> type:
    import tensorflow_datasets as tfds

    return tfds.features.Text


def cut_in_order(
    text: str, source: str, notes: list[str], *, held_out: tuple[float, float], most: int, window: int
) -> Data:
    """Cut a text into train, validation and test, in this order; see `as_splits`.

    Args:
        text: the whole text.
        source: the name of the data set.
        notes: messages for the user.
        held_out: the shares of the text, at its end, that are validation and test.
        most: the largest number of characters of each held-out split.
        window: characters of a passage.
    """
    validation, test = held_out
    first, last = round(len(text) * (1 - validation - test)), round(len(text) * (1 - test))
    texts = {"train": text[:first], "validation": text[first:last], "test": text[last:]}
    return as_splits(texts, source, notes, most=most, window=window)


def as_splits(texts: dict[str, str], source: str, notes: list[str], *, most: int, window: int) -> Data:
    """Return texts as data: `train` is one example, the held-out splits are `passages`.

    Args:
        texts: the text of each split.
        source: the name of the data set.
        notes: messages for the user.
        most: the largest number of characters of each held-out split; the rest of it is left out.
        window: characters of a passage.

    Raises:
        UserError: a split holds fewer than 3 characters, or the training text has only one character.
    """
    notes, splits = list(notes), {}
    for name, text in texts.items():
        if len(text) < _LEAST:
            expected = f"expected {_LEAST} characters or more for {name}"
            raise UserError(f"{source}: too little text: {expected}, got {len(text)}")
        if name == "train":
            splits[name] = Examples([text], np.zeros(1, int))
            continue
        if len(text) > most:
            notes.append(f"{source}: of {name} the first {most:,} of {len(text):,} characters are used")
        splits[name] = passages(text[:most], window)
    if len(set(texts["train"])) < 2:
        raise UserError(
            f"{source}: expected two or more different characters, got {texts['train'][0]!r} only"
        )
    return Data(splits, labels=(), source=source, notes=tuple(notes))


def passages(text: str, window: int) -> Examples:
    """Cut a text into overlapping passages of `window` + 1 characters, to score it piece by piece.

    The target of a passage is the number of its characters that are context: they are read, but whether the
    network predicts them isn't scored, since the passage before has scored them. It is half the window, and
    0 for the first passage.
    """
    context = window // 2
    starts = range(0, max(1, len(text) - 1 - context), window - context)
    inputs = [text[start : start + window + 1] for start in starts]
    return Examples(inputs, np.array([context if start else 0 for start in starts]))


def joined(examples: Examples) -> str:
    """Return the text that `passages` cut."""
    return "".join(
        passage[context + 1 :] if context else passage
        for passage, context in zip(examples.inputs, examples.targets.tolist(), strict=True)
    )
