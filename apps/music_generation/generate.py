"""Composes step by step with a step network, on the device or in Keras. numpy only."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from pipelines.data.note_grid import KEYS, NAMES, from_roll, roll
from pipelines.errors import UserError
from pipelines.ondevice.sampling import Sampler
from pipelines.ondevice.step_network import State, StepNetwork

from .pianoroll import PianoRoll
from .tokens import HOLD, SILENT, START, Tokens

_FREE = -1
_TONICS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class Composer:
    """Composes pieces.

    Args:
        network: a step of inputs (features,) -> probabilities (..., classes), its only output.
        representation: the meaning of the network's inputs and classes.
        sampler: temperature, top-k and top-p of the draws.
        seed: the same seed leads to the same piece.
    """

    network: StepNetwork
    representation: PianoRoll | Tokens
    sampler: Sampler
    seed: int

    def compose(
        self, steps: int, *, primer: np.ndarray | None = None, melody: np.ndarray | None = None
    ) -> np.ndarray:
        """Return a piece of this many steps.

        Args:
            steps: length of the piece.
            primer: the piece begins with this one, cut at `steps`.
            melody: a piece whose first voice becomes the first voice of the result; for tokens only.
        """
        rng = np.random.default_rng(self.seed)
        if isinstance(self.representation, PianoRoll):
            return self._frames(self.representation, steps, primer, rng)
        forced = np.full((steps, self.representation.voices), _FREE)
        if primer is not None:
            forced[: len(primer)] = self.representation.tokens_of(primer)[:steps]
        if melody is not None:
            forced[: len(melody), 0] = self.representation.tokens_of(melody)[:steps, 0]
        return self._tokens(self.representation, forced, rng)

    def _step(self, inputs: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        outputs, state = self.network(inputs, state)
        (probabilities,) = outputs.values()
        return probabilities, state

    def _tokens(self, representation: Tokens, forced: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        tokens = np.empty_like(forced)
        sounding = np.full(representation.voices, SILENT)
        previous, state = START, self.network.initial_state()
        for t, row in enumerate(forced.tolist()):
            a_step_ago = sounding.copy()
            for voice, token in enumerate(row):
                around = representation.around(a_step_ago[None], sounding[None], t)[0, voice]
                probabilities, state = self._step(np.array([previous, *around], np.int32), state)
                if token == _FREE:
                    if sounding[voice] == SILENT:
                        probabilities[HOLD] = 0  # a silent voice has no note to hold
                    token = self.sampler.draw(probabilities, rng)
                if token != HOLD:
                    sounding[voice] = token if token < KEYS else SILENT
                tokens[t, voice] = previous = token
        return representation.piece_of(tokens)

    def _frames(
        self, representation: PianoRoll, steps: int, primer: np.ndarray | None, rng: np.random.Generator
    ) -> np.ndarray:
        frames = np.zeros((steps + 1, KEYS), np.float32)
        known = 0 if primer is None else min(len(primer), steps)
        if primer is not None:
            frames[1 : known + 1] = roll(primer)[:known]
        halves = 2 if representation.autoregressive else 1
        state = self.network.initial_state()
        for t in range(steps):
            before, now = frames[t], frames[t + 1]
            start = state
            probabilities, state = self._step(np.concatenate([before, now][:halves]), start)
            lowest = KEYS if t < known else 0
            while (key := _next_key(probabilities, lowest, self.sampler, rng)) < KEYS:
                now[key], lowest = 1, key + 1
                if representation.autoregressive:
                    probabilities, state = self._step(np.concatenate([before, now]), start)
        return from_roll(frames[1:] > 0)


def _next_key(probabilities: np.ndarray, lowest: int, sampler: Sampler, rng: np.random.Generator) -> int:
    """Draw the next key that sounds, from `lowest` upwards; 88 if none does.

    Key k is next with the probability that all keys below it are off, times the probability that k is on.
    """
    if lowest >= KEYS:
        return KEYS
    off, on = probabilities[lowest:].astype(np.float64).T
    none_yet = np.cumprod(off)
    first = np.append(on, 1.0) * np.concatenate([[1.0], none_yet])
    return lowest + sampler.draw(first, rng)


def opening(key: str, representation: PianoRoll | Tokens) -> np.ndarray:
    """Return a piece of one step: the tonic chord of a key, or only the tonic for a melody.

    Args:
        key: a letter, upper case for major and lower case for minor, then # or b if needed: C, f#, Bb.
        representation: tells whether the piece is a melody.

    Raises:
        UserError: `key` is not the name of a key.
    """
    if not re.fullmatch("[A-Ga-g][#b]?", key):
        raise UserError(f"--key: expected a key such as C (major), c (minor), f# or Bb, got {key!r}")
    tonic = (_TONICS[key[0].upper()] + {"#": 1, "b": -1, "": 0}[key[1:]]) % 12
    soprano, bass = 64 + (tonic - 64) % 12, 43 + (tonic - 43) % 12
    third = 8 if key[0].isupper() else 9  # below the tonic
    chord = np.array([[soprano, soprano - 5, soprano - third, bass]], np.int16)
    melodic = isinstance(representation, Tokens) and representation.voices == 1
    return chord[:, :1] if melodic else chord


def key_of(piece: np.ndarray) -> str:
    """Return the most likely key of a piece, in the notation of `opening`; C for silence.

    Of 24 key profiles, its profile correlates best with the durations of the pitch classes. Source:
    C. Krumhansl, Cognitive foundations of musical pitch, 1990.
    """
    profiles = {
        True: [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
        False: [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
    }
    sounding = np.abs(piece[piece != 0])
    counts = np.bincount(sounding % 12, minlength=12)
    if counts.std() == 0:
        return "C"
    scores = {
        (tonic, major): np.corrcoef(np.roll(profile, tonic), counts)[0, 1]
        for major, profile in profiles.items()
        for tonic in range(12)
    }
    tonic, major = max(scores, key=lambda each: scores[each])
    return NAMES[tonic] if major else NAMES[tonic][0].lower() + NAMES[tonic][1:]
