"""Read labelled clips from the user's own files: one folder per label, or a CSV that lists the files."""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from ..errors import UserError
from ..ondevice.audio import SUFFIXES, loudest, read_sound, to_int16
from .speakers import Clip, speaker_of
from .tables import DELIMITERS
from .text_files import SPLIT_NAMES

BACKGROUND = "_background_noise_"
"""The folder of Speech Commands with long recordings of noise; it is not a label."""
_OTHER = (".m4a", ".mp4", ".aac", ".webm", ".opus", ".wma", ".amr", ".3gp", ".mka", ".aif", ".aiff", ".caf")
"""Suffixes of sound that is not read."""
_SPLITS_FILE = "splits.csv"
_NAMED = 3  # the number of broken files that a note names


class Recordings(NamedTuple):
    """The clips that could be read."""

    clips: list[Clip]
    samples: list[np.ndarray]
    """16-bit samples of each clip, all of the same length."""
    notes: list[str]
    """Messages for the user about clips that were left out or cut."""


def find_clips(path: Path, least_labels: int = 2) -> list[Clip]:
    """Return the clips that a CSV, a TSV or a folder lists.

    A CSV has the columns file and label, and may have speaker and split; its files are relative to it. A
    folder is read by its splits.csv, if it has one. Otherwise each folder in it is a label, with audio files
    anywhere below; or each is a split (train or training, validation, test or testing) with such folders. If
    there is no column for it, the speaker is taken from file names like those of Speech Commands.

    Raises:
        UserError: a line of the CSV is malformed, there are no clips, or there are fewer labels.
    """
    if path.is_dir():
        listed = path / _SPLITS_FILE
        clips = _rows(listed) if listed.is_file() else _in_folders(path)
    elif path.suffix.lower() in DELIMITERS:
        clips = _rows(path)
    else:
        raise UserError(f"{path}: expected a folder with one folder per label, or a CSV; got another file")
    if not clips:
        kinds, more = ", ".join(SUFFIXES), "".join(f"; {note}" for note in skipped(path))
        raise UserError(f"{path}: found no audio: expected one folder per label, with files of {kinds}{more}")
    _require_labels(path, clips, least_labels)
    return clips


def skipped(path: Path) -> list[str]:
    """Return a list with a note about files in a folder that hold sound of other kinds; empty without any."""
    if not path.is_dir() or (path / _SPLITS_FILE).is_file():
        return []
    kinds = Counter(file.suffix.lower() for file in _files(path, _OTHER))
    counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    return [f"{path.name}: sound of other kinds left out: {counts}: convert it to WAV"] if kinds else []


def read_clips(
    clips: Sequence[Clip], samples: int, rate: int, source: str, *, least_labels: int = 2
) -> Recordings:
    """Read the 16-bit samples of clips. Files that can't be read are left out, with a note.

    Args:
        clips: the files and their labels.
        samples: the length of a clip in samples. Longer clips are cut to their loudest part, shorter ones are
            padded.
        rate: samples per second; clips with another rate are resampled.
        source: the name of the data set in messages.
        least_labels: the number of labels that the clips must have.

    Raises:
        UserError: no clip can be read, or the readable clips have fewer labels.
    """
    read = Recordings([], [], [])
    broken, longer, faults = [], 0, dict[str, list[str]]()
    for clip in tqdm(clips, "reading clips", unit="file", leave=False, disable=None):
        try:
            heard, found = read_sound(clip.file, rate)
        except UserError as error:
            broken.append(str(error))
            continue
        for fault in found:
            faults.setdefault(fault, []).append(clip.file.name)
        longer += len(heard) > samples
        read.clips.append(clip)
        read.samples.append(to_int16(loudest(heard, samples)))
    if not read.clips:
        raise UserError(f"{source}: can't read any of {len(clips):,} files: {broken[0]}")
    left_out = f"{len(broken):,} files left out that can't be read: {_some(broken)}" if broken else ""
    _require_labels(source, read.clips, least_labels, left_out)
    if broken:
        read.notes.append(f"{source}: {left_out}")
    read.notes.extend(
        f"{source}: {len(names):,} clips: {fault}: {_some(names)}" for fault, names in faults.items()
    )
    read.notes.extend(longer_note(source, longer, samples / rate))
    return read


def _some(names: Sequence[str]) -> str:
    return "; ".join(names[:_NAMED]) + ("; ..." if len(names) > _NAMED else "")


def longer_note(source: str, longer: int, seconds: float) -> list[str]:
    """Return a list with a note that `longer` clips were cut to `seconds`; an empty list if none was."""
    return [f"{source}: {longer:,} clips are cut to their loudest {seconds:g} s"] if longer else []


def audio_files(folder: Path) -> list[Path]:
    """Return the audio files in a folder and its subfolders, sorted, without hidden files."""
    return _files(folder, SUFFIXES)


def _files(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in suffixes and not any(p[0] == "." for p in file.relative_to(folder).parts)
    )


def _in_folders(folder: Path) -> list[Clip]:
    splits = _split_folders(folder)
    if not splits:
        return _labelled(folder)
    return [clip._replace(split=split) for inner, split in splits.items() for clip in _labelled(inner)]


def _split_folders(folder: Path) -> dict[Path, str]:
    """Return the splits by folder; nothing unless all folders with audio are splits with folders inside."""
    found = {
        inner: SPLIT_NAMES.get(inner.name.lower(), "") for inner in _folders(folder) if audio_files(inner)
    }
    directly = any(file.parent in found for inner in found for file in audio_files(inner))
    return {} if "" in found.values() or directly else found


def _labelled(folder: Path) -> list[Clip]:
    # File systems encode accented letters differently; normalising gives each label one spelling.
    return [
        Clip(file, unicodedata.normalize("NFC", label.name), speaker_of(file.name))
        for label in _folders(folder)
        for file in audio_files(label)
    ]


def _folders(folder: Path) -> list[Path]:
    """Return the folders in a folder that aren't hidden and don't hold noise, sorted."""
    inside = sorted(each for each in folder.iterdir() if each.is_dir())
    return [each for each in inside if each.name != BACKGROUND and not each.name.startswith(".")]


def _rows(path: Path) -> list[Clip]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, delimiter=DELIMITERS[path.suffix.lower()], strict=True)
            return list(_clips_of(path, reader))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: expected UTF-8 text: {error.reason}") from None
    except csv.Error as error:
        raise UserError(f"{path}: {error}") from None


def _clips_of(path: Path, reader: csv.DictReader) -> Iterator[Clip]:
    columns = reader.fieldnames or []
    for column in ("file", "label"):
        if column not in columns:
            found = ", ".join(map(repr, columns)) or "none"
            raise UserError(f"{path}:1: expected a column {column!r}, the columns are {found}")
    for row in reader:
        where = f"{path}:{reader.line_num}"
        if None in row or None in row.values():
            raise UserError(f"{where}: expected {len(columns)} fields, got a different number")
        name, label = row["file"].strip(), row["label"].strip()
        if not name or not label:
            raise UserError(f"{where}: expected a file and a label, got {name!r} and {label!r}")
        split = row.get("split", "").strip().lower()
        if "split" in columns and split not in SPLIT_NAMES:
            raise UserError(f"{where}: expected a split of {', '.join(SPLIT_NAMES)}, got {split!r}")
        file = path.parent / name
        speaker = row["speaker"].strip() if "speaker" in columns else speaker_of(file.name)
        yield Clip(file, unicodedata.normalize("NFC", label), speaker, SPLIT_NAMES[split] if split else "")


def _require_labels(where: Path | str, clips: Sequence[Clip], least: int, why: str = "") -> None:
    labels = {clip.label for clip in clips}
    if len(labels) < least:
        more = f"; {why}" if why else ""
        raise UserError(f"{where}: expected clips of at least two labels, got only {labels.pop()!r}{more}")
