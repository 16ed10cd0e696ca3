"""Names, parses and splits the pieces of music21's corpus.

This module must not import TensorFlow: the worker processes that parse the corpus import it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipelines.data.abc_files import grid_of
from pipelines.data.note_grid import notes

STEPS_PER_BEAT = 4
_HELD_OUT = {"test": 10, "validation": 20}
"""The percentage of melodies at which each held-out split ends; the rest is train."""


def chorales() -> list[str]:
    """Return the names of Bach's chorales in music21's corpus."""
    from music21.corpus.chorales import Iterator

    return sorted(set(Iterator(returnType="filename")))


def folk_tunes() -> list[str]:
    """Return the names of the fiddle tunes in music21's corpus."""
    from music21 import corpus

    return sorted(f"ryansMammoth/{Path(path).name}" for path in corpus.getComposer("ryansMammoth"))


def parse(name: str) -> np.ndarray | None:
    """Return a piece of the corpus; None if it has neither one voice nor four."""
    from music21 import corpus

    return grid_of(corpus.parse(name, forceSource=True), STEPS_PER_BEAT)


def split_by_melody(pieces: Mapping[str, np.ndarray]) -> dict[str, list[str]]:
    """Return names by split. Melodies that begin alike share a split; copies are left out."""
    splits: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    seen: set[bytes] = set()
    by_melody: dict[bytes, list[str]] = {}
    for name, piece in pieces.items():
        if piece.tobytes() not in seen:
            seen.add(piece.tobytes())
            by_melody.setdefault(_first_intervals(piece), []).append(name)
    ranked = sorted(by_melody, key=lambda melody: hashlib.sha256(melody).digest())
    for rank, melody in enumerate(ranked):
        percentage = 100 * rank / len(ranked)
        split = next((split for split, end in _HELD_OUT.items() if percentage < end), "train")
        splits[split] += by_melody[melody]
    return splits


def _first_intervals(piece: np.ndarray) -> bytes:
    """Return the first eight intervals of the highest voice, which transposing does not change."""
    pitches = [note.pitch for note in notes(piece[:, :1])[:9]]
    return np.diff(pitches).astype(np.int16).tobytes()
