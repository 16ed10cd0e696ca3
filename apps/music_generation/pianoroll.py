"""Frames of 88 keys: the next one from those before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .pieces import KEYS, roll


@dataclass(frozen=True)
class PianoRoll:
    """What a network of frames takes and gives.

    Input step t is the frame before, (88,); an autoregressive network also takes the present one, (176,),
    and answers for each key given the lower keys of it. The output has for each key the probabilities of
    being off and on.
    """

    autoregressive: bool
    steps_per_beat: int
    classes: ClassVar[int] = 2
    tokens: ClassVar[bool] = False

    def encode(self, piece: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs (steps, 88 or 176) float32 and targets (steps, 88) int8, 1 where a key sounds."""
        frames = roll(piece)
        before = np.vstack([np.zeros_like(frames[:1]), frames[:-1]])
        inputs = np.hstack([before, frames]) if self.autoregressive else before
        return inputs.astype(np.float32), frames.astype(np.int8)

    def by_place(self, targets: np.ndarray) -> np.ndarray:
        """Return targets as (steps, places): one a key."""
        return targets

    def span(self, targets: np.ndarray) -> tuple[int, int] | None:
        """Return the lowest and the highest key that sounds, from 0; None for silence."""
        keys = np.flatnonzero((targets > 0).any(axis=0))
        return (int(keys[0]), int(keys[-1])) if keys.size else None

    def transpose(self, inputs: np.ndarray, targets: np.ndarray, semitones: int) -> None:
        """Move one example by so many keys, in place; none may fall off."""
        halves = inputs.reshape(len(inputs), -1, KEYS)
        halves[:] = np.roll(halves, semitones, axis=2)
        targets[:] = np.roll(targets, semitones, axis=1)
