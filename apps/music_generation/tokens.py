"""Voices as tokens: at each step every voice, from the highest, has a pitch, a hold or a rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pipelines.data.note_grid import KEYS, LOWEST

HOLD, REST, START = KEYS, KEYS + 1, KEYS + 2
"""Tokens other than the pitches 0 to 87. START is used only before the first token."""
SILENT = KEYS
"""The sound of a resting voice."""
BEATS_IN_BAR = 4
COLUMNS = 3
"""The first columns of an input: the previous token, the next voice, the place in the bar."""
WIDEST, FARTHEST = 36, 12
"""Largest interval and largest move in semitones; larger ones are clipped."""
INTERVALS, MOVES = 2 * WIDEST + 2, 2 * FARTHEST + 2
"""Numbers of intervals and of moves: 0 for silence, then from the lowest to the highest."""


@dataclass(frozen=True)
class Tokens:
    """The inputs and outputs of a network of tokens, for one voice (a melody) or several.

    Inputs are (steps * voices, `columns`) int32: the previous token, the next voice, the place of the step in
    the bar, and the present sound of each voice (0 to 87, or 88 for silence). With several voices, each voice
    also has the interval to the next voice one step ago, and the move it has made since then: voice leading
    depends on these two. The outputs are the probabilities of the next token: 88 pitches, hold and
    rest.

    Args:
        voices: number of voices.
        steps_per_beat: steps in a quarter note.
    """

    voices: int
    steps_per_beat: int
    classes: ClassVar[int] = KEYS + 2
    tokens: ClassVar[bool] = True

    @property
    def columns(self) -> int:
        """Number of columns of an input."""
        return COLUMNS + self.voices * (3 if self.voices > 1 else 1)

    @property
    def positions(self) -> int:
        """Number of steps in a bar."""
        return BEATS_IN_BAR * self.steps_per_beat

    def tokens_of(self, piece: np.ndarray) -> np.ndarray:
        """Return the tokens (steps, voices) of a piece."""
        return np.where(piece > 0, piece - LOWEST, np.where(piece < 0, HOLD, REST)).astype(np.int32)

    def piece_of(self, tokens: np.ndarray) -> np.ndarray:
        """Return the piece of tokens (steps, voices); a hold after silence is a rest."""
        piece = np.zeros(tokens.shape, np.int16)
        before = np.zeros(tokens.shape[1], np.int16)
        for row, step in zip(piece, tokens, strict=True):
            row[:] = np.where(step < KEYS, step + LOWEST, np.where(step == HOLD, -np.abs(before), 0))
            before = row
        return piece

    def encode(self, piece: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs (steps * voices, columns) and targets (steps * voices,), the tokens, both int32."""
        steps, voices = piece.shape
        tokens = self.tokens_of(piece)
        now = np.where(piece == 0, SILENT, np.abs(piece) - LOWEST)
        before = np.vstack([np.full((1, voices), SILENT), now[:-1]])
        inputs = np.empty((steps, voices, self.columns), np.int32)
        inputs[:, :, 0] = np.concatenate([[START], tokens.ravel()[:-1]]).reshape(steps, voices)
        inputs[:, :, 1:] = self.around(before, now, 0)
        return inputs.reshape(steps * voices, -1), tokens.ravel()

    def around(self, before: np.ndarray, now: np.ndarray, step: int) -> np.ndarray:
        """Return the inputs without the previous token, (steps, voices, columns - 1).

        Args:
            before: the sounds one step before each step, (steps, voices).
            now: the sounds at each step; those of voices that come later in the step are not read.
            step: number of the first step.
        """
        steps, voices = now.shape
        # When voice v is next, the sounds of the voices above it (u < v) are known.
        is_known = np.tri(voices, voices, -1, bool)
        sounding = np.where(is_known, now[:, None], before[:, None])
        place = (step + np.arange(steps)) % self.positions
        turn = np.broadcast_to(np.arange(voices)[:, None], (steps, voices, 1))
        parts = [turn, np.broadcast_to(place[:, None, None], (steps, voices, 1)), sounding]
        if voices > 1:
            parts.append(_difference(before[:, None], before[:, :, None], WIDEST))
            parts.append(_difference(sounding, before[:, None], FARTHEST))
        return np.concatenate(parts, axis=-1)

    def by_place(self, targets: np.ndarray) -> np.ndarray:
        """Return targets as (steps, places), with one place for each voice."""
        return targets.reshape(-1, self.voices)

    def span(self, targets: np.ndarray) -> tuple[int, int] | None:
        """Return the lowest and the highest key at which a note begins, from 0; None for silence."""
        keys = targets[(targets >= 0) & (targets < KEYS)]
        return (int(keys.min()), int(keys.max())) if keys.size else None

    def transpose(self, inputs: np.ndarray, targets: np.ndarray, semitones: int) -> None:
        """Transpose one example in place; all notes must stay on the keyboard."""
        for part in (inputs[:, 0], inputs[:, COLUMNS : COLUMNS + self.voices], targets):
            part[(part >= 0) & (part < KEYS)] += semitones


def _difference(high: np.ndarray, low: np.ndarray, most: int) -> np.ndarray:
    """Return the interval in semitones as 1 for -most, 2 for -most + 1, ...; 0 if either is silent."""
    semitones = np.clip(high - low, -most, most) + most + 1
    return np.where((high == SILENT) | (low == SILENT), 0, semitones)
