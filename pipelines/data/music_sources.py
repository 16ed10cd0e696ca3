"""Load pieces of music (see `note_grid`) from a TFDS set or from files, and split them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..errors import UserError
from .abc_files import read_abc
from .examples import Data, Examples
from .midi_files import read_midi
from .music_files import ABC, MIDI, WITH_SPLITS, read_splits
from .splits import HELD_OUT
from .text_files import SPLIT_NAMES
from .tfds_sets import open_split

SPLITS = ("train", "validation", "test")
_NAMED = 5  # the number of unreadable files that a note names
Pieces = dict[str, list[np.ndarray]]


def pieces_from_files(path: Path, steps_per_beat: int) -> tuple[Pieces, list[str]]:
    """Return the pieces of a file or folder by split, and notes about files that were left out.

    Args:
        path: a file with splits (`music_files.read_splits`), a MIDI or ABC file, or a folder of these. Files
            below a folder called as a split (`text_files.SPLIT_NAMES`) belong to it, others to `train`.
        steps_per_beat: the number of steps per quarter note.

    Raises:
        UserError: there is no music.
    """
    if path.suffix.lower() in WITH_SPLITS:
        return read_splits(path), []
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    music = [file for file in files if file.suffix.lower() in (*MIDI, *ABC)]
    if not music:
        raise UserError(f"{path}: expected MIDI or ABC files, found none")
    reader, pieces = _Reader(steps_per_beat), Pieces()
    for file in tqdm(music, desc="reading", unit="file", leave=False, disable=None):
        parents = [part.lower() for part in file.relative_to(path).parts[:-1]]
        splits = [SPLIT_NAMES[name] for name in parents if name in SPLIT_NAMES] or ["train"]
        pieces.setdefault(splits[0], []).extend(reader.read(str(file), file))
    return pieces, reader.notes(path.name)


def pieces_from_builder(builder: Any, steps_per_beat: int) -> tuple[Pieces, list[str]]:
    """Return the pieces of a prepared TFDS builder by split, and notes about files that were left out.

    Args:
        builder: a builder with MIDI files in a feature `midi`. Of a set called `groove`, the drums are read.
        steps_per_beat: the number of steps per quarter note.

    Raises:
        UserError: the set has no feature `midi`.
    """
    source = builder.info.full_name
    if "midi" not in builder.info.features:
        listed = ", ".join(builder.info.features)
        raise UserError(f"{source}: expected a feature midi with MIDI files, found {listed}")
    reader = _Reader(steps_per_beat, drums=source.startswith("groove"))
    pieces = {
        split: [
            piece
            for i, row in enumerate(open_split(builder, split).as_numpy_iterator())
            for piece in reader.read(f"{split}[{i}]", row["midi"])
        ]
        for split in SPLITS
        if split in builder.info.splits
    }
    return pieces, reader.notes(source)


def complete_pieces(
    pieces: Mapping[str, Sequence[np.ndarray]], *, source: str, notes: Sequence[str], seed: int | None
) -> Data:
    """Return the data with all three splits; a split that the source lacks is held out of `train`.

    Training pieces that are copies of each other or of held-out pieces are left out. The target of a piece is
    its number of steps.

    Args:
        pieces: the grids by split.
        source: the name of the data set in messages.
        notes: messages for the user; this function adds more.
        seed: selects the pieces to hold out. None for music that is only scored: its splits and copies stay.

    Raises:
        UserError: a split is empty, or all are. The message has the notes, which tell why pieces were left
            out.
    """
    why = "".join(f"; {note.removeprefix(f'{source}: ')}" for note in notes)
    notes = list(notes)
    kept = {name: list(pieces.get(name, [])) for name in SPLITS}
    if seed is None:
        kept = {name: some for name, some in kept.items() if some}
        if not kept:
            raise UserError(f"{source}: expected at least one piece, got none{why}")
        return _data(kept, source, notes)
    train = _without_copies(kept)
    if copies := len(kept["train"]) - len(train):
        notes.append(f"{source}: {copies:,} training pieces left out: they are copies")
    rng = np.random.default_rng(seed)
    for name in ("test", "validation"):
        if not kept[name]:
            train, kept[name] = _hold_out(train, rng)
            notes.append(
                f"{source}: no {name} split: {len(kept[name]):,} pieces held out of train (seed {seed})"
            )
    kept["train"] = train
    if not all(kept.values()):
        count = sum(map(len, kept.values()))
        raise UserError(
            f"{source}: expected at least one piece for each of {', '.join(SPLITS)}, got {count}{why}"
        )
    return _data(kept, source, notes)


def _data(pieces: Mapping[str, list[np.ndarray]], source: str, notes: Sequence[str]) -> Data:
    splits = {
        name: Examples(some, np.array([len(piece) for piece in some], np.int64))
        for name, some in pieces.items()
    }
    return Data(splits, (), source, tuple(notes))


class _Reader:
    """Reads files, and collects messages about those that can't be read."""

    def __init__(self, steps_per_beat: int, drums: bool = False) -> None:
        self._steps_per_beat, self._drums = steps_per_beat, drums
        self._read, self._outside = 0, 0
        self._failures: list[str] = []
        self._mended: dict[str, list[str]] = {}

    def read(self, name: str, source: Path | bytes) -> Iterable[np.ndarray]:
        """Return the pieces of a file; none if it can't be read."""
        mended: list[str] = []
        try:
            if isinstance(source, Path) and source.suffix.lower() in ABC:
                pieces = read_abc(source, self._steps_per_beat, mended)
            else:
                score = read_midi(source, self._steps_per_beat, self._drums, name)
                pieces = [score.piece]
                self._outside += score.outside
                mended += score.mended
        except UserError as error:
            self._failures.append(str(error))
            return []
        self._read += 1
        for fault in mended:
            self._mended.setdefault(fault, []).append(Path(name).name)
        return pieces

    def notes(self, source: str) -> list[str]:
        notes = []
        if count := len(self._failures):
            named = _some(self._failures)
            notes.append(f"{source}: {count:,} of {self._read + count:,} files left out: {named}")
        for fault, names in self._mended.items():
            notes.append(f"{source}: {len(names):,} files mended: {fault}: {_some(names)}")
        if self._outside:
            notes.append(f"{source}: {self._outside:,} notes outside the 88 keys left out")
        return notes


def _some(names: Sequence[str]) -> str:
    return "; ".join(names[:_NAMED]) + ("; ..." if len(names) > _NAMED else "")


def _without_copies(pieces: Mapping[str, Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Return the training pieces that are in no other split, each once."""
    held_out = {piece.tobytes() for name, some in pieces.items() if name != "train" for piece in some}
    once = {piece.tobytes(): piece for piece in pieces["train"]}
    return [piece for content, piece in once.items() if content not in held_out]


def _hold_out(
    train: Sequence[np.ndarray], rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return (rest, held out). A tenth is held out, and at least one piece."""
    count = max(1, round(HELD_OUT * len(train)))
    chosen = set(rng.permutation(len(train))[:count].tolist())
    rest = [piece for i, piece in enumerate(train) if i not in chosen]
    return rest, [train[i] for i in sorted(chosen)]
