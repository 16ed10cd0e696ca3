"""Piano rolls: frames of 88 keys that are on or off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pipelines.data.note_grid import KEYS, roll


@dataclass(frozen=True)
class PianoRoll:
    """The inputs and outputs of a network of frames.

    The input at step t is the previous frame, (88,). An autoregressive network also gets the present frame,
    (176,), and predicts each key given the lower keys of that frame. The output holds the probabilities that
    each key is off and on, (88, 2).

    Args:
        autoregressive: predict each key given the lower keys; otherwise keys are independent.
        steps_per_beat: steps in a quarter note.
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
        """Return targets as (steps, places), with one place for each key."""
        return targets

    def span(self, targets: np.ndarray) -> tuple[int, int] | None:
        """Return the lowest and the highest key that sounds, from 0; None for silence."""
        keys = np.flatnonzero((targets > 0).any(axis=0))
        return (int(keys[0]), int(keys[-1])) if keys.size else None

    def transpose(self, inputs: np.ndarray, targets: np.ndarray, semitones: int) -> None:
        """Transpose one example in place; all notes must stay on the keyboard."""
        halves = inputs.reshape(len(inputs), -1, KEYS)
        halves[:] = np.roll(halves, semitones, axis=2)
        targets[:] = np.roll(targets, semitones, axis=1)
