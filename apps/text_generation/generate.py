"""Writes, completes and scores text with a step network, on the device or in Keras. numpy only."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pipelines.ondevice.alphabet import Alphabet
from pipelines.ondevice.sampling import Sampler
from pipelines.ondevice.step_network import State, StepNetwork
from pipelines.tasks.generation import FLOOR

_BEAMS = 12
_LONGEST_WORD = 24  # symbols that are searched for the end of a word


class Completion(NamedTuple):
    """A word that completes a text, and its probability among all continuations."""

    word: str
    probability: float


class _Beam(NamedTuple):
    log_probability: float
    ending: tuple[int, ...]
    probabilities: np.ndarray
    state: State


@dataclass(frozen=True)
class Writer:
    """Reads and writes text symbol by symbol.

    Args:
        network: a step of a symbol's number () -> probabilities (symbols,), its only output.
        alphabet: the symbols.
    """

    network: StepNetwork
    alphabet: Alphabet

    def write(self, length: int, sampler: Sampler, seed: int, *, primer: str = "", stop: str = "") -> str:
        """Return new text that continues `primer`, without the primer.

        Args:
            length: the number of symbols; less if `stop` is written.
            sampler: temperature, top-k and top-p of the draws.
            seed: the same seed leads to the same text.
            primer: the text to continue; unknown characters in it are skipped.
            stop: end after this text; "" never ends early.
        """
        return "".join(self.written(length, sampler, seed, primer=primer, stop=stop))

    def written(
        self, length: int, sampler: Sampler, seed: int, *, primer: str = "", stop: str = ""
    ) -> Iterator[str]:
        """Yield the text of `write` piece by piece, as it is drawn."""
        rng = np.random.default_rng(seed)
        probabilities, state = self.read(primer)
        decode, end = self.alphabet.reader(), ""
        for _ in range(length):
            symbol = sampler.draw(probabilities, rng)
            text = decode(symbol)
            yield text
            if stop and (end := (end + text)[-len(stop) :]) == stop:
                return
            probabilities, state = self._step(symbol, state)

    def complete(self, text: str, count: int = 3) -> list[Completion]:
        """Return the likeliest words that `text` may go on to, the likeliest first.

        A word ends before the first symbol that is neither a letter nor an apostrophe nor a byte of any other
        character. The search keeps the 12 likeliest beginnings of each length, so a rare word can be missed.
        """
        begun = text[len(text.rstrip(_letters(text))) :] if text else ""
        ends = np.array(
            [not _in_word(self.alphabet.decode(np.array([n]))) for n in range(len(self.alphabet))]
        )
        beams = [_Beam(0.0, (), *self.read(text))]
        found: list[tuple[float, tuple[int, ...]]] = []
        for length in range(_LONGEST_WORD):
            for beam in beams:
                if begun or length:
                    found.append((beam.log_probability + _log(beam.probabilities[ends].sum()), beam.ending))
            longer = [
                (beam.log_probability + _log(beam.probabilities[symbol]), beam, int(symbol))
                for beam in beams
                for symbol in np.flatnonzero(~ends)
            ]
            best = heapq.nlargest(_BEAMS, longer, key=lambda each: each[0])
            beams = [
                _Beam(value, (*beam.ending, symbol), *self._step(symbol, beam.state))
                for value, beam, symbol in best
            ]
        likeliest = heapq.nlargest(count, found)
        return [
            Completion(begun + self.alphabet.decode(np.array(ending, int)), float(np.exp(value)))
            for value, ending in likeliest
        ]

    def surprises(self, text: str) -> np.ndarray:
        """Return - log p of each symbol of a text but the first, given those before it, in nats, (N - 1,)."""
        symbols, state = self.alphabet.encode(text), self.network.initial_state()
        values = np.empty(max(0, len(symbols) - 1))
        for place, (symbol, following) in enumerate(pairwise(symbols)):
            probabilities, state = self._step(int(symbol), state)
            values[place] = -_log(probabilities[following])
        return values

    def read(self, text: str) -> tuple[np.ndarray, State]:
        """Return the probabilities of the symbol after a text, and the state there.

        An empty text, or one of unknown characters only, stands for a new line.
        """
        symbols = self.alphabet.encode(text)
        if not len(symbols):
            symbols = self.alphabet.encode("\n")
        state = self.network.initial_state()
        for symbol in symbols if len(symbols) else (0,):
            probabilities, state = self._step(int(symbol), state)
        return probabilities, state

    def _step(self, symbol: int, state: State) -> tuple[np.ndarray, State]:
        outputs, state = self.network(np.array(symbol, np.int32), state)
        (probabilities,) = outputs.values()
        return probabilities, state


def _log(probability: float) -> float:
    return float(np.log(max(float(probability), FLOOR)))


def _in_word(symbol: str) -> bool:
    return symbol.isalpha() or symbol in "'\u2019\ufffd"  # the last one is a byte of another character


def _letters(text: str) -> str:
    """Return the symbols of words that occur in a text."""
    return "".join({each for each in text if _in_word(each)})
