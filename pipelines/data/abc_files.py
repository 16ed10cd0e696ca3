"""Convert ABC files, and scores that music21 has parsed, to a grid (see `note_grid`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from .note_grid import Note, from_notes


def read_abc(path: Path, steps_per_beat: int) -> list[np.ndarray]:
    """Return the tunes of an ABC file as grids with `steps_per_beat` steps per quarter note.

    Raises:
        UserError: the file can't be read or holds no tune.
    """
    from music21 import converter, stream

    try:
        parsed = converter.parse(path, format="abc", forceSource=True)
        scores = list(parsed.scores) if isinstance(parsed, stream.Opus) else [parsed]
        grids = [grid_of(score, steps_per_beat) for score in scores]
    except Exception as error:  # music21 raises many types of error
        raise UserError(f"{path}: expected ABC: {' '.join(str(error).split())}") from None
    found = [grid for grid in grids if grid is not None]
    if not found:
        raise UserError(f"{path}: expected tunes in ABC, found none")
    return found


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
