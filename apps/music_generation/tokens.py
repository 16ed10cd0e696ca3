"""Voices as tokens: at each step, voice after voice from the top, a pitch, hold or rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .pieces import KEYS, LOWEST

HOLD, REST, START = KEYS, KEYS + 1, KEYS + 2
"""Tokens beside the pitches 0 to 87; START only ever comes before the first."""
SILENT = KEYS
"""What a voice sounds that rests."""
BEATS_IN_BAR = 4
COLUMNS = 3
"""Of an input, before what each voice does: the token before, the voice to come, the place in the bar."""
WIDEST, FARTHEST = 36, 12
"""Semitones of an interval and of a move; wider ones are told as these."""
INTERVALS, MOVES = 2 * WIDEST + 2, 2 * FARTHEST + 2
"""How many there are: 0 for silence, then from the lowest to the highest."""


@dataclass(frozen=True)
class Tokens:
    """What a network of tokens takes and gives, for one voice (a melody) or several.

    Input (steps * voices, `columns`) int32: the token before, which voice comes next, the step's place in
    the bar, and what each voice sounds now (0 to 87, or 88 for nothing). Of several voices also, for each of
    them, how far above the voice that comes next it was a step ago, and how far it has moved since, if it
    has had its turn: what voice leading is about. The output has the probabilities of the next token: 88
    pitches, hold, rest.
    """

    voices: int
    steps_per_beat: int
    classes: ClassVar[int] = KEYS + 2
    tokens: ClassVar[bool] = True

    @property
    def columns(self) -> int:
        """Size of an input."""
        return COLUMNS + self.voices * (3 if self.voices > 1 else 1)

    @property
    def positions(self) -> int:
        """Steps in a bar."""
        return BEATS_IN_BAR * self.steps_per_beat

    def tokens_of(self, piece: np.ndarray) -> np.ndarray:
        """Return the tokens (steps, voices) of a piece."""
        return np.where(piece > 0, piece - LOWEST, np.where(piece < 0, HOLD, REST)).astype(np.int32)

    def piece_of(self, tokens: np.ndarray) -> np.ndarray:
        """Return the piece of tokens (steps, voices); to hold silence is to rest."""
        piece = np.zeros(tokens.shape, np.int16)
        before = np.zeros(tokens.shape[1], np.int16)
        for row, step in zip(piece, tokens, strict=True):
            row[:] = np.where(step < KEYS, step + LOWEST, np.where(step == HOLD, -np.abs(before), 0))
            before = row
        return piece

    def encode(self, piece: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs, see the class, and targets (steps * voices,) int32: the tokens."""
        steps, voices = piece.shape
        tokens = self.tokens_of(piece)
        now = np.where(piece == 0, SILENT, np.abs(piece) - LOWEST)
        before = np.vstack([np.full((1, voices), SILENT), now[:-1]])
        inputs = np.empty((steps, voices, self.columns), np.int32)
        inputs[:, :, 0] = np.concatenate([[START], tokens.ravel()[:-1]]).reshape(steps, voices)
        inputs[:, :, 1:] = self.around(before, now, 0)
        return inputs.reshape(steps * voices, -1), tokens.ravel()

    def around(self, before: np.ndarray, now: np.ndarray, step: int) -> np.ndarray:
        """Return all of the inputs but the token before: (steps, voices, columns - 1).

        Args:
            before: what the voices sounded a step before each, (steps, voices).
            now: what they sound at it; of a voice whose turn is still to come it doesn't matter.
            step: number of the first of the steps.
        """
        steps, voices = now.shape
        had_its_turn = np.tri(voices, voices, -1, bool)  # at voice v's turn: the voices above, u < v
        sounding = np.where(had_its_turn, now[:, None], before[:, None])
        place = (step + np.arange(steps)) % self.positions
        turn = np.broadcast_to(np.arange(voices)[:, None], (steps, voices, 1))
        parts = [turn, np.broadcast_to(place[:, None, None], (steps, voices, 1)), sounding]
        if voices > 1:
            parts.append(_difference(before[:, None], before[:, :, None], WIDEST))
            parts.append(_difference(sounding, before[:, None], FARTHEST))
        return np.concatenate(parts, axis=-1)

    def by_place(self, targets: np.ndarray) -> np.ndarray:
        """Return targets as (steps, places): one a voice."""
        return targets.reshape(-1, self.voices)

    def span(self, targets: np.ndarray) -> tuple[int, int] | None:
        """Return the lowest and the highest key that is begun, from 0; None for silence."""
        keys = targets[(targets >= 0) & (targets < KEYS)]
        return (int(keys.min()), int(keys.max())) if keys.size else None

    def transpose(self, inputs: np.ndarray, targets: np.ndarray, semitones: int) -> None:
        """Move one example by so many keys, in place; none may fall off."""
        for part in (inputs[:, 0], inputs[:, COLUMNS : COLUMNS + self.voices], targets):
            part[(part >= 0) & (part < KEYS)] += semitones


def _difference(high: np.ndarray, low: np.ndarray, most: int) -> np.ndarray:
    """Return how many semitones one is above the other, counted from 1 for -most; 0 where one is silent."""
    semitones = np.clip(high - low, -most, most) + most + 1
    return np.where((high == SILENT) | (low == SILENT), 0, semitones)
