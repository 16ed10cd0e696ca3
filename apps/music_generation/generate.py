"""Compose step by step with whatever answers one step and has a state to come back to. numpy only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from pipelines.errors import UserError
from pipelines.ondevice.model import Stream
from pipelines.ondevice.sampling import Sampler

from .pianoroll import PianoRoll
from .pieces import KEYS, NAMES, from_roll, roll
from .tokens import HOLD, SILENT, START, Tokens

_FREE = -1
_TONICS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


class Network(Protocol):
    """A streaming network, on the device or in Keras."""

    state: Mapping[str, Any]

    def __call__(self, step: np.ndarray, /) -> np.ndarray:
        """Answer one input step (features,) with probabilities (..., classes), and move the state on."""


class OnDevice:
    """A `step` file of a bundle."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        (self._input,), (self._output,) = stream.inputs, stream.outputs

    def __call__(self, step: np.ndarray, /) -> np.ndarray:
        """See `Network`."""
        return self._stream(**{self._input: step[None, None]})[self._output][0, 0]

    @property
    def state(self) -> Mapping[str, Any]:
        """What the next step starts from."""
        return self._stream.state

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        self._stream.state = state


def compose(
    network: Network,
    representation: PianoRoll | Tokens,
    steps: int,
    sampler: Sampler,
    rng: np.random.Generator,
    primer: np.ndarray | None = None,
    melody: np.ndarray | None = None,
) -> np.ndarray:
    """Return a piece of so many steps, from the network's state as it is.

    Args:
        primer: a piece that it begins with, cut at `steps`; what comes after goes on from it.
        melody: a piece whose first voice is the first voice of this one, all along; tokens only.
    """
    if isinstance(representation, PianoRoll):
        return _frames(network, representation, steps, sampler, rng, primer)
    forced = np.full((steps, representation.voices), _FREE)
    if primer is not None:
        forced[: len(primer)] = representation.tokens_of(primer)[:steps]
    if melody is not None:
        forced[: len(melody), 0] = representation.tokens_of(melody)[:steps, 0]
    return _tokens(network, representation, forced, sampler, rng)


def _tokens(
    network: Network,
    representation: Tokens,
    forced: np.ndarray,
    sampler: Sampler,
    rng: np.random.Generator,
) -> np.ndarray:
    tokens = np.empty_like(forced)
    sounding = np.full(representation.voices, SILENT)
    before = START
    for t, row in enumerate(forced.tolist()):
        a_step_ago = sounding.copy()
        for voice, token in enumerate(row):
            around = representation.around(a_step_ago[None], sounding[None], t)[0, voice]
            probabilities = network(np.array([before, *around], np.int32))
            if token == _FREE:
                if sounding[voice] == SILENT:
                    probabilities[HOLD] = 0  # silence is no note to hold
                token = sampler.draw(probabilities, rng)
            if token != HOLD:
                sounding[voice] = token if token < KEYS else SILENT
            tokens[t, voice] = before = token
    return representation.piece_of(tokens)


def _frames(
    network: Network,
    representation: PianoRoll,
    steps: int,
    sampler: Sampler,
    rng: np.random.Generator,
    primer: np.ndarray | None,
) -> np.ndarray:
    frames = np.zeros((steps + 1, KEYS), np.float32)
    known = 0 if primer is None else min(len(primer), steps)
    if primer is not None:
        frames[1 : known + 1] = roll(primer)[:known]
    halves = 2 if representation.autoregressive else 1
    for t in range(steps):
        before, now = frames[t], frames[t + 1]
        start = network.state
        probabilities = network(np.concatenate([before, now][:halves]))
        lowest = KEYS if t < known else 0
        while (key := _next_key(probabilities, lowest, sampler, rng)) < KEYS:
            now[key], lowest = 1, key + 1
            if representation.autoregressive:
                network.state = start
                probabilities = network(np.concatenate([before, now]))
    return from_roll(frames[1:] > 0)


def _next_key(probabilities: np.ndarray, lowest: int, sampler: Sampler, rng: np.random.Generator) -> int:
    """Draw the next key up from `lowest` that sounds, 88 for none: each is the first after others are off."""
    if lowest >= KEYS:
        return KEYS
    off, on = probabilities[lowest:].astype(np.float64).T
    none_yet = np.cumprod(off)
    first = np.append(on, 1.0) * np.concatenate([[1.0], none_yet])
    return lowest + sampler.draw(first, rng)


def opening(key: str, representation: PianoRoll | Tokens) -> np.ndarray:
    """Return one step: the tonic chord of a key, or for a melody the tonic.

    A key is a letter, large for major and small for minor, with # or b behind: C, f#, Bb.

    Raises:
        UserError: it isn't.
    """
    if not re.fullmatch("[A-Ga-g][#b]?", key):
        raise UserError(f"--key: expected a letter, large for major, small for minor, # or b, got {key!r}")
    tonic = (_TONICS[key[0].upper()] + {"#": 1, "b": -1, "": 0}[key[1:]]) % 12
    soprano, bass = 64 + (tonic - 64) % 12, 43 + (tonic - 43) % 12
    third = 8 if key[0].isupper() else 9  # below the tonic
    chord = np.array([[soprano, soprano - 5, soprano - third, bass]], np.int16)
    melodic = isinstance(representation, Tokens) and representation.voices == 1
    return chord[:, :1] if melodic else chord


def key_of(piece: np.ndarray) -> str:
    """Return the key that the pitch classes speak for, as `opening` takes it.

    The profile, of the 24 rotated ones, that correlates most with how long each pitch class sounds.
    Reference: C. Krumhansl, Cognitive foundations of musical pitch, 1990.
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
