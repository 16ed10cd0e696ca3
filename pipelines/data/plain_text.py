"""Read plain text of any kind as one long string: files, folders of files, TFDS sets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from .examples import Data, Examples
from .tables import read_text

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
    from .tfds_sets import choose_feature, open_split  # needs what training installs

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


@dataclass(frozen=True)
class Scoring:
    """How much of the held-out text is scored, and in what pieces. All lengths are in characters."""

    window: int
    """Length of a passage."""
    most: int
    """The largest length of the validation text and of the test text; the rest is left out."""
    most_in_passages: int
    """The largest length of what the passages of `test` score together."""


def completed(texts: dict[str, str], held_out: tuple[float, float]) -> dict[str, str]:
    """Return train, validation and test; what is missing is cut from the text that there is.

    Test is its end, since new text goes on where the known one ends, and validation its beginning. With the
    validation text between the two, training would lack what the test text begins in the middle of: in
    tiny_shakespeare the first scenes of the last play, which are worth .17 nats to an n-gram model.

    Args:
        texts: the text of each split. Without a train or a held-out split, all are joined and cut.
        held_out: the shares of the text that are validation and test.
    """
    validation, test = held_out
    found = dict(texts)
    if "train" not in found or not {"validation", "test"} & found.keys():
        text = "\n".join(found.values())
        last = round(len(text) * (1 - test))
        validation, found = validation / (1 - test), {"train": text[:last], "test": text[last:]}
    if "test" not in found:
        found["test"] = found.pop("validation")
    if "validation" not in found:
        train = found["train"]
        first = round(len(train) * validation)
        found |= {"validation": train[:first], "train": train[first:]}
    return found


def as_splits(texts: dict[str, str], source: str, notes: list[str], scoring: Scoring) -> Data:
    """Return texts as data. `train` and `validation` are one example each.

    The test text is there twice: `whole` is one example, and `test` holds passages of it, spread evenly.

    Args:
        texts: the text of train, validation and test.
        source: the name of the data set.
        notes: messages for the user.
        scoring: what is scored.

    Raises:
        UserError: a split holds fewer than 3 characters, or the training text has only one character.
    """
    notes, splits = list(notes), {}
    for name in ("train", "validation", "test"):
        text = texts[name]
        if len(text) < _LEAST:
            expected = f"expected {_LEAST} characters or more for {name}"
            raise UserError(f"{source}: too little text: {expected}, got {len(text)}")
        if name != "train" and len(text) > scoring.most:
            notes.append(
                f"{source}: of {name} the first {scoring.most:,} of {len(text):,} characters are used"
            )
            text = text[: scoring.most]
        splits["whole" if name == "test" else name] = Examples([text], np.zeros(1, int))
    if len(set(texts["train"])) < 2:
        raise UserError(
            f"{source}: expected two or more different characters, got {texts['train'][0]!r} only"
        )
    some = passages(splits["whole"].inputs[0], scoring.window)
    count = max(1, scoring.most_in_passages // (scoring.window - scoring.window // 2))
    rows = np.unique(np.linspace(0, len(some) - 1, min(count, len(some))).astype(int))
    splits["test"] = Examples([some.inputs[row] for row in rows], some.targets[rows])
    return Data(splits, labels=(), source=source, notes=tuple(notes))


def as_given(texts: dict[str, str], source: str, notes: list[str], window: int) -> Data:
    """Return texts as data that is only scored: all passages of each text.

    Raises:
        UserError: there are fewer than 2 characters.
    """
    found = {name: passages(text, window) for name, text in texts.items() if len(text) > 1}
    if not found:
        raise UserError(f"{source}: too little text: expected two characters or more")
    return Data(found, labels=(), source=source, notes=tuple(notes))


def pieces(length: int, window: int) -> list[tuple[int, int]]:
    """Return where the overlapping pieces of a sequence begin, and how much of each is context.

    A piece has up to `window` + 1 symbols. Its context is read, but whether it is predicted isn't scored,
    since the piece before has scored it. It is half the window, and 0 in the first piece.

    Args:
        length: the number of symbols of the sequence.
        window: the number of symbols that a piece predicts, context included.
    """
    context = window // 2
    starts = range(0, max(1, length - 1 - context), window - context)
    return [(start, context if start else 0) for start in starts]


def passages(text: str, window: int) -> Examples:
    """Cut a text into its `pieces`; the target of a passage is the length of its context."""
    found = pieces(len(text), window)
    inputs = [text[start : start + window + 1] for start, _ in found]
    return Examples(inputs, np.array([context for _, context in found]))
