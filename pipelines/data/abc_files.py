"""Convert ABC files, and scores that music21 has parsed, to a grid (see `note_grid`)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..files import read_regular
from .note_grid import Note, from_notes

LARGEST_BYTES = 10_000_000
LATIN_1 = "texts in latin-1"
LEFT_OUT = "tunes that can't be read"
_TUNE = re.compile(r"^X:", re.MULTILINE)


def read_abc(path: Path, steps_per_beat: int, mended: list[str] | None = None) -> list[np.ndarray]:
    """Return the tunes of an ABC file as grids with `steps_per_beat` steps per quarter note.

    Args:
        path: the file, in UTF-8 or latin-1.
        steps_per_beat: the number of steps per quarter note.
        mended: what was wrong in the file is added to this list: `LATIN_1`, `LEFT_OUT`.

    Raises:
        UserError: the file can't be read or holds no tune.
    """
    try:
        data = read_regular(path, LARGEST_BYTES, "an ABC file")
    except OSError as error:
        raise UserError(f"{path}: expected ABC: {error.strerror}") from None
    wrong: list[str] = [] if mended is None else mended
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
        wrong.append(LATIN_1)
    found: list[np.ndarray] = []
    reasons: list[str] = []
    for tune in _tunes(text):
        try:
            found += _grids(tune, steps_per_beat)
        except Exception as error:  # music21 raises many types of error
            reasons.append(" ".join(str(error).split()) or type(error).__name__)
    if not found:
        why = reasons[0] if reasons else "found no tune"
        raise UserError(f"{path}: expected tunes in ABC: {why}")
    wrong += [LEFT_OUT] if reasons else []
    return found


def _tunes(text: str) -> list[str]:
    """Return the tunes of a file one by one, each with the lines before the first one."""
    starts = [found.start() for found in _TUNE.finditer(text)]
    if not starts:
        return [text]
    ends = [*starts[1:], len(text)]
    return [text[: starts[0]] + text[start:end] for start, end in zip(starts, ends, strict=True)]


def _grids(text: str, steps_per_beat: int) -> list[np.ndarray]:
    from music21 import converter, stream

    parsed = converter.parseData(text, format="abc")
    scores = list(parsed.scores) if isinstance(parsed, stream.Opus) else [parsed]
    return [grid for score in scores if (grid := grid_of(score, steps_per_beat)) is not None]


def grid_of(score: Any, steps_per_beat: int) -> np.ndarray | None:
    """Return the grid of a music21 score with one or four parts; None for any other number.

    A chord counts as its highest note. An upbeat gets silence before it, so that the grid begins with a bar.
    """
    parts = list(score.parts) or [score]
    if len(parts) not in (1, 4):
        return None
    found = [note for voice, part in enumerate(parts) for note in _notes_of(part, voice, steps_per_beat)]
    if len({note.voice for note in found}) != len(parts):
        return None
    shift = _steps_before_upbeat(parts[0], steps_per_beat)
    steps = shift + max(note.start + note.length for note in found)
    return from_notes([note._replace(start=note.start + shift) for note in found], len(parts), steps)


def _notes_of(part: Any, voice: int, steps_per_beat: int) -> list[Note]:
    found = []
    for element in part.flatten().stripTies().notes:
        if element.duration.isGrace or not element.pitches:
            continue
        start = round(float(element.offset) * steps_per_beat)
        stop = round(float(element.offset + element.quarterLength) * steps_per_beat)
        pitch = max(pitch.midi for pitch in element.pitches)
        found.append(Note(voice, pitch, start, max(1, stop - start)))
    return found


def _steps_before_upbeat(part: Any, steps_per_beat: int) -> int:
    """Return the number of silent steps that complete the bar of an upbeat; 0 without an upbeat."""
    measure = next(iter(part.getElementsByClass("Measure")), None)
    if measure is None:
        return 0
    whole, present = float(measure.barDuration.quarterLength), float(measure.duration.quarterLength)
    return round((whole - present) * steps_per_beat) if 0 < present < whole else 0
