"""Represent music as a grid with the note of each voice at each time step. Needs numpy only.

A piece is int16 (steps, voices), with the voices from high to low. 72 means that the voice begins the note
with MIDI number 72, -72 that the note continues, 0 that the voice is silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..errors import UserError

LOWEST, KEYS = 21, 88
"""The keys of a piano have the MIDI numbers 21 to 108."""
NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


class Note(NamedTuple):
    """A note. Start and length are in steps."""

    voice: int
    pitch: int
    start: int
    length: int


def notes(piece: np.ndarray) -> list[Note]:
    """Return the notes of a piece, voice by voice, in order of their start."""
    found = []
    for voice, column in enumerate(piece.T.tolist()):
        begins = [t for t, value in enumerate(column) if value > 0]
        for start in begins:
            stop = start + 1
            while stop < len(column) and column[stop] == -column[start]:
                stop += 1
            found.append(Note(voice, column[start], start, stop - start))
    return found


def from_notes(some: Iterable[Note], voices: int, steps: int) -> np.ndarray:
    """Return the piece with these notes. A note ends when the next one begins in the same voice."""
    piece = np.zeros((steps, voices), np.int16)
    lines: list[list[Note]] = [[] for _ in range(voices)]
    for note in sorted(some, key=lambda note: note.start):
        lines[note.voice].append(note)
    for line in lines:
        next_starts = [*(note.start for note in line), steps][1:]
        for (voice, pitch, start, length), next_start in zip(line, next_starts, strict=True):
            piece[start : min(start + length, next_start), voice] = -pitch
            if next_start > start:
                piece[start, voice] = pitch
    return piece


def roll(piece: np.ndarray) -> np.ndarray:
    """Return the piano roll of a piece: which keys sound at each step, (steps, 88) bool."""
    sounding = np.zeros((len(piece), KEYS), bool)
    steps, voices = np.nonzero(piece)
    sounding[steps, np.abs(piece[steps, voices]) - LOWEST] = True
    return sounding


def from_roll(sounding: np.ndarray) -> np.ndarray:
    """Convert a piano roll (steps, 88) to a piece. A key that sounds in successive steps becomes one note.

    The piece has as many voices as keys sound at once. A held key stays in its voice.
    """
    voices = max(1, int(sounding.sum(axis=1).max(initial=0)))
    piece = np.zeros((len(sounding), voices), np.int16)
    before = np.zeros(voices, np.int16)
    for step, row in zip(piece, sounding, strict=True):
        keys = set((np.flatnonzero(row) + LOWEST).tolist())
        held = np.isin(np.abs(before), list(keys)) & (before != 0)
        step[held] = -np.abs(before[held])
        free = np.flatnonzero(~held)
        new = sorted(keys - set(np.abs(before[held]).tolist()), reverse=True)
        step[free[: len(new)]] = new
        before = step
    return piece


def from_chords(chords: Sequence[Sequence[int]], where: str) -> np.ndarray:
    """Convert lists of MIDI numbers, one for each step, to a piece. -1 means silence.

    If all lists have the same length and some hold -1, they are voices from high to low. Notes outside the
    88 keys are left out.

    Args:
        chords: a list of MIDI numbers for each step.
        where: the name of the piece in error messages.

    Raises:
        UserError: an element is not a list of integers.
    """
    sizes = {len(chord) for chord in chords}
    try:
        if len(sizes) == 1 and any(-1 in chord for chord in chords):
            return held(np.array(chords, np.int16))
        sounding = np.zeros((len(chords), KEYS), bool)
        for row, chord in zip(sounding, chords, strict=True):
            keys = np.array(chord, np.int64) - LOWEST
            row[keys[(keys >= 0) & (keys < KEYS)]] = True
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"{where}: expected a list of MIDI numbers for each step") from None
    return from_roll(sounding)


def held(pitches: np.ndarray) -> np.ndarray:
    """Convert MIDI numbers (steps, voices) to a piece. Equal successive numbers become one note.

    Numbers below 21 or above 108 count as silence.
    """
    known = np.where((pitches >= LOWEST) & (pitches < LOWEST + KEYS), pitches, 0).astype(np.int16)
    before = np.vstack([np.zeros_like(known[:1]), known[:-1]])
    return np.where(known == before, -known, known).astype(np.int16)


def outer_voices(piece: np.ndarray) -> np.ndarray:
    """Return the highest note of each step as a piece of one voice, (steps, 1)."""
    at = np.abs(piece).argmax(axis=1)
    line = piece[np.arange(len(piece)), at]
    before = np.concatenate([[0], np.abs(line[:-1])])
    begins = (line < 0) & (np.abs(line) != before)  # before, another voice was above it
    return np.where(begins, -line, line)[:, None].astype(np.int16)


def transposed(piece: np.ndarray, semitones: int) -> np.ndarray:
    """Return the piece moved by this many semitones."""
    return (piece + np.sign(piece) * semitones).astype(np.int16)
