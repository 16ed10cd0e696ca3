"""Pieces out of music21: its corpus, and ABC files. No TensorFlow here: other processes import this."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.errors import UserError

from .pieces import Note, from_notes, notes

STEPS_PER_BEAT = 4
_HELD_OUT = {"test": 10, "validation": 20}
"""Splits by the percentage of melodies up to which they go; the rest is train."""


def chorales() -> list[str]:
    """Return the names of Bach's chorales in music21's corpus."""
    from music21.corpus.chorales import Iterator

    return sorted(set(Iterator(returnType="filename")))


def folk_tunes() -> list[str]:
    """Return the names of the fiddle tunes in music21's corpus."""
    from music21 import corpus

    return sorted(f"ryansMammoth/{Path(path).name}" for path in corpus.getComposer("ryansMammoth"))


def parse(name: str) -> np.ndarray | None:
    """Return a piece of the corpus, or None where it isn't for four voices or one."""
    from music21 import corpus

    return grid_of(corpus.parse(name, forceSource=True), STEPS_PER_BEAT)


def parse_abc(path: Path, steps_per_beat: int) -> list[np.ndarray]:
    """Return the tunes of an ABC file.

    Raises:
        UserError: one line, for what can't be read.
    """
    from music21 import converter, stream

    try:
        parsed = converter.parse(path, format="abc", forceSource=True)
        scores = list(parsed.scores) if isinstance(parsed, stream.Opus) else [parsed]
        grids = [grid_of(score, steps_per_beat) for score in scores]
    except Exception as error:  # music21 raises whatever the line that it could not read makes it raise
        raise UserError(f"{path}: expected ABC: {' '.join(str(error).split())}") from None
    found = [grid for grid in grids if grid is not None]
    if not found:
        raise UserError(f"{path}: expected tunes in ABC, found none")
    return found


def grid_of(score: Any, steps_per_beat: int) -> np.ndarray | None:
    """Return the piece of a music21 score of one part or four, else None; of chords the highest notes."""
    parts = list(score.parts) or [score]
    if len(parts) not in (1, 4):
        return None
    some = [note for voice, part in enumerate(parts) for note in _notes_of(part, voice, steps_per_beat)]
    if len({note.voice for note in some}) != len(parts):
        return None
    shift = _upbeat(parts[0], steps_per_beat)
    steps = shift + max(note.start + note.length for note in some)
    return from_notes([note._replace(start=note.start + shift) for note in some], len(parts), steps)


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


def _upbeat(part: Any, steps_per_beat: int) -> int:
    """Return the steps of silence that make a whole bar of an upbeat."""
    measure = next(iter(part.getElementsByClass("Measure")), None)
    if measure is None:
        return 0
    whole, there = float(measure.barDuration.quarterLength), float(measure.duration.quarterLength)
    return round((whole - there) * steps_per_beat) if 0 < there < whole else 0


def split_by_melody(pieces: Mapping[str, np.ndarray]) -> dict[str, list[str]]:
    """Return names by split; melodies that begin alike are in one, copies are left out."""
    splits: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    seen: set[bytes] = set()
    by_melody: dict[bytes, list[str]] = {}
    for name, piece in pieces.items():
        if piece.tobytes() not in seen:
            seen.add(piece.tobytes())
            by_melody.setdefault(_beginning(piece), []).append(name)
    ranked = sorted(by_melody, key=lambda melody: hashlib.sha256(melody).digest())
    for rank, melody in enumerate(ranked):
        place = 100 * rank / len(ranked)
        split = next((split for split, end in _HELD_OUT.items() if place < end), "train")
        splits[split] += by_melody[melody]
    return splits


def _beginning(piece: np.ndarray) -> bytes:
    pitches = [note.pitch for note in notes(piece[:, :1])[:9]]
    return np.diff(pitches).astype(np.int16).tobytes()
