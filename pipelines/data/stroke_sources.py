"""Load drawings from files or a TFDS set, with the splits that every app needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from ..errors import UserError
from .examples import Data, Examples
from .split_names import by_split, split_of
from .splits import complete
from .stroke_files import KINDS, SUFFIXES, read_file
from .stroke_mending import mended
from .stroke_reading import Found, Reading
from .stroke_splits import by_writer
from .strokes import Drawing
from .tables import bare
from .text_files import SPLIT_NAMES

_NAMED = 3


class _File(NamedTuple):
    """A file, and what its place tells of its drawings."""

    path: Path
    split: str = ""
    label: str | None = None
    folder: str = ""
    """The folder below the one that is read, for messages."""


def drawings_from_files(path: Path, reading: Reading | None = None, seed: int | None = 0) -> Data:
    """Return the user's drawings: each `Drawing` is an input, its label the target.

    Args:
        path: a file; a train file (`train.npz`, `kanji_train.npz`) with those of other splits beside it; a
            folder with such files; or a folder of any files, also in folders. A folder called as a split
            holds it; another one is the label of the drawings in it that have none.
        reading: the settings.
        seed: selects the drawings of a split that the files lack if their writers are not known; None if the
            splits stay as they are given.

    Raises:
        UserError: the files can't be read, or there are too few drawings. The message is one line.
    """
    path, reading = path.expanduser(), reading or Reading()
    name = path.resolve().name
    files, notes = _files(path, for_training=seed is not None)
    found, broken = list[Found](), list[str]()
    for file in tqdm(files, desc="reading", unit="file", leave=False, disable=None):
        try:
            found += [_placed(each, file) for each in read_file(file.path, reading)]
        except UserError as error:
            if len(files) == 1 or (file.split and not file.folder):
                raise
            broken.append(str(error))
    if broken:
        some = "; ".join(broken[:_NAMED]) + ("; ..." if len(broken) > _NAMED else "")
        notes.append(f"{name}: {len(broken):,} of {len(files):,} files left out: {some}")
    return drawn(found, name, notes, reading=reading, seed=seed)


def drawings_from_builder(builder: Any, reading: Reading | None = None, seed: int | None = 0) -> Data:
    """Return the drawings of a prepared TFDS builder; see `drawings_from_files`.

    Args:
        builder: a builder from `tfds_sets.prepare`, stored as `stroke_sets.StrokeSet` stores it.
        reading: the settings.
        seed: as for `drawings_from_files`.

    Raises:
        UserError: the set is stored otherwise.
    """
    from .stroke_sets import drawings_from_set

    sets = drawings_from_set(builder)
    found = [Found(each, split=SPLIT_NAMES.get(name, name)) for name, some in sets.items() for each in some]
    return drawn(found, builder.info.full_name, [], reading=reading or Reading(), seed=seed)


def drawn(
    found: Sequence[Found], source: str, notes: Sequence[str], *, reading: Reading, seed: int | None
) -> Data:
    """Return drawings as data with all splits: sound ones, writers apart, copies of held-out ones left out.

    The targets are the labels as texts, "" for none. If `reading.targets` is "labels", they are numbers, the
    names are `Data.labels` in their order, and drawings without a label are left out.

    Args:
        found: the drawings. Those without a split are of `train`.
        source: the name of the data.
        notes: messages so far.
        reading: the settings.
        seed: as for `drawings_from_files`.

    Raises:
        UserError: there are too few drawings, or a label is not in `train`.
    """
    kept, more = mended(found, source, reading)
    notes = [*notes, *more]
    if reading.targets == "labels":
        labelled = [each for each in kept if each.drawing.label]
        if len(labelled) < len(kept):
            notes.append(f"{source}: {len(kept) - len(labelled):,} drawings without a label left out")
        kept = labelled
    if not kept:
        why = "".join(f"; {note.removeprefix(f'{source}: ')}" for note in notes)
        raise UserError(f"{source}: expected drawings, found none{why}")
    splits: dict[str, list[Drawing]] = {}
    for each in kept:
        splits.setdefault(each.split or "train", []).append(each.drawing)
    if seed is not None:
        splits, more = by_writer(splits, source)
        notes += more
    labels = _labels(splits, source, required=seed is not None) if reading.targets == "labels" else ()
    ids = {label: number for number, label in enumerate(labels)}
    examples = {name: Examples(some, _targets(some, ids)) for name, some in splits.items()}
    return complete(Data(examples, labels, source, tuple(notes)), seed, "drawings")


def _labels(splits: Mapping[str, Sequence[Drawing]], source: str, *, required: bool) -> tuple[str, ...]:
    trained = {each.label for each in splits.get("train", [])}
    for name, some in splits.items() if required else ():
        for each in some:
            if each.label not in trained:
                raise UserError(
                    f"{source}: {each.where}: expected label {each.label!r} also in train, found it in {name}"
                )
    return tuple(sorted({each.label for some in splits.values() for each in some if each.label}))


def _targets(drawings: Sequence[Drawing], ids: Mapping[str, int]) -> np.ndarray:
    if ids:
        return np.array([ids[each.label or ""] for each in drawings], np.int64)
    texts = np.empty(len(drawings), object)
    texts[:] = [each.label or "" for each in drawings]
    return texts


def _files(path: Path, *, for_training: bool) -> tuple[list[_File], list[str]]:
    """Return the files to read, and notes about those that `path` does not name."""
    if not path.is_dir():
        split, rest = split_of(path)
        if split != "train" or not for_training:
            return [_File(path)], []
        siblings = [each for each in sorted(path.parent.iterdir()) if bare(each).suffix == bare(path).suffix]
        splits = by_split(siblings, rest) | {"train": path}
        others = [file.name for name, file in splits.items() if name != "train"]
        notes = [f"{path.name}: {' and '.join(others)} in the same folder are the held-out splits"]
        files = [_File(file, name) for name, file in splits.items()]
        return (files, notes) if others else ([_File(path)], [])
    inside = sorted(each for each in path.rglob("*") if bare(each).suffix.lower() in SUFFIXES)
    if not inside:
        raise UserError(f"{path}: expected {KINDS}, found none")
    splits = by_split([each for each in inside if each.parent == path], "")
    if splits:
        if "train" not in splits and for_training:
            listed = ", ".join(file.name for file in splits.values())
            raise UserError(f"{path}: expected a train file, found {listed}")
        files = [_File(file, name) for name, file in splits.items()]
        left = len(inside) - len(files)
        return files, [f"{path.name}: {left:,} files that name no split left out"] if left else []
    return [_told(each, path) for each in inside if each.is_file()], []


def _told(file: Path, path: Path) -> _File:
    folders = file.relative_to(path).parts[:-1]
    splits = [SPLIT_NAMES[each.lower()] for each in folders if each.lower() in SPLIT_NAMES]
    labels = [each for each in folders if each.lower() not in SPLIT_NAMES]
    split, label = splits[0] if splits else "", labels[-1] if labels else None
    return _File(file, split, label, "/".join(folders))


def _placed(found: Found, file: _File) -> Found:
    """Return a drawing with what its file's place tells; what the file itself says counts more."""
    drawing = found.drawing
    where = f"{file.folder}/{drawing.where}" if file.folder else drawing.where
    drawing = drawing._replace(where=where, label=drawing.label or file.label)
    return found._replace(drawing=drawing, split=found.split or file.split)
