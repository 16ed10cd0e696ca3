"""Read music from the user's files: MIDI, ABC, chords in .json, piano rolls in .npz and .mat."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..archives import check_archive
from ..errors import UserError
from ..files import require_regular
from .midi_files import read_midi
from .note_grid import KEYS, LOWEST, from_chords, from_roll, held

MIDI = (".mid", ".midi")
ABC = (".abc",)
WITH_SPLITS = (".json", ".npz", ".mat")
SPLITS = {"train": "train", "valid": "validation", "validation": "validation", "test": "test"}
"""Maps the names of splits in files to this project's names."""
Splits = dict[str, list[np.ndarray]]
_MOST_BYTES = 2**28
"""Of a file and of what it unpacks to. Notes read from JSON take ten times as much memory."""
_COMPRESSED = 15
"""The type of an element of a .mat file that zlib has compressed."""


def read_piece(path: Path, steps_per_beat: int) -> np.ndarray:
    """Return the piece of a MIDI file, or the first tune of an ABC file, as a grid.

    Raises:
        UserError: the file can't be read.
    """
    if path.suffix.lower() in ABC:
        from .abc_files import read_abc

        return read_abc(path, steps_per_beat)[0]
    return read_midi(path, steps_per_beat).piece


def read_splits(path: Path) -> Splits:
    """Return the pieces of a file that holds splits, by split.

    `.json`: {"train": [piece, ...], "valid": ..., "test": ...}, where a piece is a list of lists of MIDI
    numbers. `.npz`: arrays whose names begin with the name of a split. `.mat`: cells `traindata`,
    `validdata`, `testdata`. Arrays are piano rolls (steps, 88), or MIDI numbers (steps, voices) with -1 for
    silence.

    Raises:
        UserError: the content of the file is different.
    """
    readers: Mapping[str, Callable[[Path], Splits]] = {".json": _json, ".npz": _npz, ".mat": _mat}
    try:
        require_regular(path, _MOST_BYTES, "music")
        splits = readers[path.suffix.lower()](path)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    if not any(splits.values()):
        raise UserError(f"{path}: expected pieces of splits called train, validation or test, found none")
    return splits


def _json(path: Path) -> Splits:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: expected JSON: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected an object of splits, got {type(content).__name__}")
    splits: Splits = {}
    for name, pieces in content.items():
        if split := _split(name):
            if not isinstance(pieces, list):
                raise UserError(f"{path}: {name}: expected a list of pieces, got {type(pieces).__name__}")
            splits[split] = [_from_list(piece, f"{path}: {name}[{i}]") for i, piece in enumerate(pieces)]
    return splits


def _from_list(piece: Any, where: str) -> np.ndarray:
    if not isinstance(piece, list) or not piece or not all(isinstance(chord, list) for chord in piece):
        raise UserError(f"{where}: expected a list of MIDI numbers for each step")
    return from_chords(piece, where)


def _npz(path: Path) -> Splits:
    splits: Splits = {}
    if path.exists() and not zipfile.is_zipfile(path):
        raise UserError(f"{path}: expected an .npz file")
    try:
        check_archive(path, _MOST_BYTES)
        with np.load(path, allow_pickle=False) as file:
            for name in sorted(file.files):
                if split := _split(name):
                    splits.setdefault(split, []).append(_from_array(file[name], f"{path}: {name}"))
    except (ValueError, EOFError, KeyError) as error:
        raise UserError(f"{path}: expected arrays of numbers: {' '.join(str(error).split())}") from None
    except Exception as error:  # types of zipfile and zlib
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: expected an .npz file: {error}") from None
    return splits


def _mat(path: Path) -> Splits:
    import scipy.io

    try:
        _check_unpacked(path.read_bytes())
        content = scipy.io.loadmat(path)
    except OSError:
        raise
    except Exception as error:  # scipy raises many types
        raise UserError(f"{path}: expected a .mat file: {' '.join(str(error).split())}") from None
    return {
        split: [_from_array(np.asarray(piece), f"{path}: {name}") for piece in np.ravel(cells)]
        for name, cells in content.items()
        if (split := _split(name))
    }


def _check_unpacked(content: bytes) -> None:
    """Raise a ValueError where the compressed elements of a .mat file unpack to too much."""
    order, at, size = "<" if content[126:128] == b"IM" else ">", 128, 0
    while at + 8 <= len(content):
        kind, length = struct.unpack_from(f"{order}II", content, at)
        element = content[at + 8 : at + 8 + length] if kind == _COMPRESSED else b""
        unpacker = zlib.decompressobj()
        while element and size <= _MOST_BYTES:
            size += len(unpacker.decompress(element, 2**20))
            element = unpacker.unconsumed_tail
        at += 8 + length
    if size > _MOST_BYTES:
        raise ValueError(f"expected at most {_MOST_BYTES:,} bytes when unpacked, found more")


def _from_array(array: np.ndarray, where: str) -> np.ndarray:
    if array.ndim != 2 or not len(array) or array.dtype.kind not in "biuf":
        raise UserError(f"{where}: expected numbers (steps, 88) or (steps, voices), got {array.shape}")
    if array.shape[1] == KEYS:
        return from_roll(array > 0)
    return held(np.nan_to_num(array, nan=LOWEST - 1).astype(np.int64))


def _split(name: str) -> str | None:
    word = next((word for word in ("train", "validation", "valid", "test") if name.startswith(word)), None)
    return None if word is None else SPLITS[word]
