"""Load pairs of texts from files or a TFDS set, with the splits that every app needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from .examples import Data, Examples
from .pair_files import Pair, read_aligned, read_pairs
from .split_names import by_split, split_of
from .splits import complete
from .tables import Form, bare
from .text_files import SPLIT_NAMES, find_splits
from .tfds_sets import open_split

MOST_RATIO = 9
"""A side may be this many times as long as the other, in characters plus ten; see `paired`."""
_BY_NATURE = 0.05  # of the pairs: if more have such lengths, it is what they are for, as answers are
_NAMED = 3
Files = dict[str, tuple[Path, Path | None]]
"""By split, a file of pairs; or a file of sources and one of targets."""


def pairs_from_files(
    path: Path,
    source: str | None = None,
    target: str | None = None,
    *,
    form: Form | None = None,
    seed: int | None = 0,
) -> Data:
    """Return the pairs of the user's files: source texts as inputs, target texts as targets.

    Args:
        path: a file with both sides (see `pair_files.read_pairs`), the file with the sources of two files in
            step, or a folder with a train file, and with those of other splits if there are any.
        source, target: the columns of tables, or languages. For files in step in a folder, the suffixes of
            the two: "en" for train.en. For two files, `target` is the second one, or its suffix.
        form: how a table is written, and the encoding of any file.
        seed: selects the examples of a split that the files lack; None if the splits stay as they are given.

    Raises:
        UserError: a file is malformed, or two files have different numbers of lines. The message is one line.
    """
    form = form or Form()
    path = path.expanduser()
    files, notes = split_files(path, source, target, for_training=seed is not None)
    read = {}
    for name, (first, second) in files.items():
        if second is None:
            read[name], more = read_pairs(first, source, target, form)
            notes += more
        else:
            read[name] = read_aligned(first, second, form.encoding)
    return paired(read, path.name, notes, seed)


def split_files(
    path: Path, source: str | None, target: str | None, *, for_training: bool
) -> tuple[Files, list[str]]:
    """Return the files of each split, and notes about files that are used but not named.

    A file's name begins or ends with that of its split: train.en, test_2016.en, story_train.txt. Of several
    test files the first is the test split, and the others are further ones.

    Raises:
        UserError: the second of two files in step is missing, or there is no train file.
    """
    if path.is_dir():
        ours = [file for file in sorted(path.iterdir()) if source and bare(file).suffix == f".{source}"]
        found = by_split(ours, "")
        if not found:
            files, notes = find_splits(path, for_training=for_training)
            return {name: (file, None) for name, file in files.items()}, notes
        if "train" not in found and for_training:
            raise UserError(
                f"{path}: expected a file train.{source}, found {', '.join(f.name for f in ours)}"
            )
        return {name: (file, _beside(file, target)) for name, file in found.items()}, []
    second = _second(path, target)
    split, rest = split_of(path)
    if split != "train":
        files, notes = (
            find_splits(path, for_training=for_training) if second is None else ({"train": path}, [])
        )
        return {name: (file, second) for name, file in files.items()}, notes
    siblings = [file for file in sorted(path.parent.iterdir()) if bare(file).suffix == bare(path).suffix]
    found = by_split(siblings, rest) | {"train": path}
    others = [file.name for name, file in found.items() if name != "train"]
    notes = [f"{path}: {' and '.join(others)} in the same folder are the held-out splits"] if others else []
    if second is None:
        return {name: (file, None) for name, file in found.items()}, notes
    suffix = bare(second).suffix[1:]
    return {
        name: (file, second if name == "train" else _beside(file, suffix)) for name, file in found.items()
    }, notes


def _second(path: Path, target: str | None) -> Path | None:
    """Return the file of targets that is in step with a file of sources; None if the file has both sides."""
    if target is None:
        return None
    named = Path(target).expanduser()
    if named.is_file():
        return named
    if named.suffix and len(named.parts) > 1:
        raise UserError(f"--target {target}: expected a file, found none")
    return next((file for file in _candidates(path, target) if file.is_file() and file != path), None)


def _beside(file: Path, target: str | None) -> Path:
    found = _second(file, target)
    if found is None:
        wanted = " or ".join(each.name for each in _candidates(file, target or "SUFFIX"))
        raise UserError(f"{file}: expected the other side beside it, {wanted}, named by --target")
    return found


def _candidates(file: Path, suffix: str) -> list[Path]:
    other = bare(file).with_suffix(f".{suffix}") if re.fullmatch(r"[\w-]+", suffix) else file
    return [other, other.with_name(f"{other.name}.gz")]


def pairs_from_builder(
    builder: Any, source: str | None = None, target: str | None = None, *, seed: int | None = 0
) -> Data:
    """Return the pairs of a prepared TFDS builder with a translation or with two texts.

    Args:
        builder: a builder from `tfds_sets.prepare`.
        source, target: the languages, or the names of text features. Default: those that the set itself names
            as input and target, or "source" and "target".
        seed: as for `pairs_from_files`.

    Raises:
        UserError: the set has no such texts.
    """
    import tensorflow_datasets as tfds

    name = builder.info.full_name
    inner, texts = _texts(builder.info.features)
    own = builder.info.supervised_keys
    usual = own if own and len(own) == 2 and set(own) <= set(texts) else ("source", "target")
    names = [wanted or default for wanted, default in zip((source, target), usual, strict=True)]
    for option, wanted in zip(("--source", "--target"), names, strict=True):
        if wanted not in texts:
            listed = ", ".join(texts) or "none"
            raise UserError(
                f"{name}: expected {option} to name one of its texts, got {wanted}; it has {listed}"
            )
    read: dict[str, list[Pair]] = {}
    for split in [each for each in builder.info.splits if each in SPLIT_NAMES]:
        examples = tfds.as_numpy(open_split(builder, split))
        both = (example[inner] if inner else example for example in examples)
        sides = ([each[one].decode("utf-8", "replace") for one in names] for each in both)
        read[SPLIT_NAMES[split]] = [Pair(one, two, line) for line, (one, two) in enumerate(sides, start=1)]
    return paired(read, name, [], seed)


def _texts(features: Any) -> tuple[str | None, list[str]]:
    """Return the names of the texts of a set, and the feature that they are in if it is a translation."""
    import tensorflow_datasets as tfds

    for name, feature in features.items():
        if isinstance(feature, tfds.features.Translation):
            return name, list(feature)
    return None, [name for name, feature in features.items() if isinstance(feature, tfds.features.Text)]


def paired(read: dict[str, list[Pair]], source: str, notes: Sequence[str], seed: int | None) -> Data:
    """Return pairs as data. What is left out is counted in the notes.

    Pairs with an empty side are left out. Training pairs of which one side is more than `MOST_RATIO` times as
    long as the other are left out, unless they are more than a twentieth. Pairs with equal sides stay.
    Training pairs whose source is in a held-out split are left out by `splits.complete`.

    Args:
        read: the pairs by split.
        source: the name of the data.
        notes: messages so far.
        seed: as for `splits.complete`.

    Raises:
        UserError: a split has no pair.
    """
    notes = list(notes)
    splits = {}
    for name, pairs in read.items():
        full = [pair for pair in pairs if pair.source.strip() and pair.target.strip()]
        if not full:
            raise UserError(f"{source}: expected pairs of texts in {name}, found none")
        _note(notes, f"{source}: {{}} pairs of {name} with an empty side left out", set(pairs) - set(full))
        if name == "train" and seed is not None:
            full = _of_usual_lengths(full, source, notes)
        _note(
            notes,
            f"{source}: {{}} pairs of {name} have equal sides",
            [pair for pair in full if pair.source.strip() == pair.target.strip()],
        )
        targets = np.empty(len(full), object)
        targets[:] = [pair.target.strip() for pair in full]
        splits[name] = Examples([pair.source.strip() for pair in full], targets)
    return complete(Data(splits, (), source, tuple(notes)), seed, "pairs")


def _of_usual_lengths(pairs: list[Pair], source: str, notes: list[str]) -> list[Pair]:
    far = [pair for pair in pairs if _ratio(pair) > MOST_RATIO]
    if len(far) > _BY_NATURE * len(pairs):
        notes.append(f"{source}: one side is often much longer than the other, so lengths are not compared")
        return pairs
    _note(notes, f"{source}: {{}} pairs of train left out: one side is over {MOST_RATIO} times as long", far)
    return [pair for pair in pairs if _ratio(pair) <= MOST_RATIO]


def _ratio(pair: Pair) -> float:
    sizes = [len(text.strip()) + 10 for text in (pair.source, pair.target)]
    return max(sizes) / min(sizes)


def _note(notes: list[str], said: str, pairs: Iterable[Pair]) -> None:
    """Add a note with the number of pairs and the first lines, if there are any."""
    lines = sorted(pair.line for pair in pairs)
    if lines:
        some = ", ".join(map(str, lines[:_NAMED])) + (", ..." if len(lines) > _NAMED else "")
        notes.append(f"{said.format(f'{len(lines):,}')} (line {some})")
