"""Find clips, videos or sequences of joints, in folders: listed in tables, or in a folder for each label."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import UserError
from . import joint_files, video_files
from .frame_folders import IMAGES, natural
from .recording_tables import INTERVALS, TABLE, Told, read_tables
from .text_files import SPLIT_NAMES

Kind = Literal["video", "joints"]
_EXPECTED = {
    "video": f"videos ({', '.join(video_files.SUFFIXES)}) or folders of images",
    "joints": f"joints ({', '.join(joint_files.SUFFIXES)})",
}
_DEPTH = 9  # of folders in folders; a link may lead back


class Clips(NamedTuple):
    """The clips that were found."""

    root: Path
    """The folder that names are relative to."""
    told: dict[str, Told]
    """What is said of each file, or folder of images, by its name."""
    notes: list[str]


def find_clips(path: Path, kind: Kind) -> Clips:
    """Return the clips at a path.

    It is a clip itself; or a folder with `recordings.csv` or `labels.csv` (see `read_tables`); or a folder
    whose folders are labels, with clips anywhere below; or a folder of splits (train or training, validation,
    test or testing) with such folders. Clips beside each other, without a folder of their own, have no
    label from it. A folder with images, and without further folders, is a clip.

    Raises:
        UserError: there is no clip, or a table is malformed or names a file that is not there.
    """
    if _is_clip(path, kind):
        return Clips(path.parent, {path.name: Told()}, [])
    if not path.is_dir():
        what = "another file" if path.exists() else "no such file or folder"
        raise UserError(f"{path}: expected {_EXPECTED[kind]}, or a folder of them, found {what}")
    if (path / TABLE).exists() or (path / INTERVALS).exists():
        told, notes = read_tables(path, partial(_names, kind=kind)), list[str]()
        if missing := [name for name in told if not (path / name).exists()]:
            raise UserError(f"{path / TABLE}: no file {missing[0]!r} in {path}")
    else:
        told, notes = _in_folders(path, kind)
    if not told:
        raise UserError(f"{path}: expected {_EXPECTED[kind]}, in a folder for each label, found none")
    return Clips(path, told, notes)


def _is_clip(path: Path, kind: Kind) -> bool:
    if kind == "joints":
        return joint_files.is_joint_file(path) and path.name not in (TABLE, INTERVALS) and path.is_file()
    if not path.is_dir():
        return path.suffix.lower() in video_files.SUFFIXES and path.is_file()
    found = False
    try:
        with os.scandir(path) as inside:  # it knows folders without asking for each of thousands of images
            for each in inside:
                hidden = each.name.startswith(".")
                if not hidden and each.is_dir():
                    return False
                found |= not hidden and Path(each.name).suffix.lower() in IMAGES
    except OSError as error:
        raise UserError(f"{path}: expected a folder of clips: {error.strerror}") from None
    return found


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder without hidden files, where 9 comes before 10."""
    try:
        inside = [each for each in folder.iterdir() if not each.name.startswith(".")]
    except OSError as error:
        raise UserError(f"{folder}: expected a folder of clips: {error.strerror}") from None
    return sorted(inside, key=lambda each: natural(each.name))


def _below(folder: Path, kind: Kind, depth: int = _DEPTH) -> Iterator[Path]:
    """Yield the clips in a folder and below it."""
    for each in _entries(folder):
        if _is_clip(each, kind):
            yield each
        elif depth and each.is_dir():
            yield from _below(each, kind, depth - 1)


def _names(folder: Path, kind: Kind) -> list[str]:
    return [str(each.relative_to(folder)) for each in _below(folder, kind)]


def _in_folders(folder: Path, kind: Kind) -> tuple[dict[str, Told], list[str]]:
    inside = _entries(folder)
    beside = [each for each in inside if _is_clip(each, kind)]
    folders = {each: clips for each in inside if each.is_dir() and (clips := _labelled(each, kind))}
    if not folders:
        return {each.name: Told() for each in beside}, []
    found: dict[Path, Told] = {}
    if all(each.name.lower() in SPLIT_NAMES for each in folders):
        for each in folders:
            row = {"split": SPLIT_NAMES[each.name.lower()]}
            inner = {clip: Told(row) for clip in _entries(each) if _is_clip(clip, kind)}
            for label in _entries(each):
                inner |= dict.fromkeys(_labelled(label, kind), Told(row, label=_spelt(label.name)))
            found |= inner
    else:
        for each, clips in folders.items():
            found |= dict.fromkeys(clips, Told(label=_spelt(each.name)))
    notes = [f"{folder.name}: {len(beside):,} clips beside the folders are left out"] if beside else []
    return {str(clip.relative_to(folder)): told for clip, told in found.items()}, notes


def _labelled(folder: Path, kind: Kind) -> list[Path]:
    """Return the clips in a folder that is none itself."""
    return list(_below(folder, kind)) if folder.is_dir() and not _is_clip(folder, kind) else []


def _spelt(label: str) -> str:
    # File systems encode accented letters differently; normalising gives each label one spelling.
    return unicodedata.normalize("NFC", label)
