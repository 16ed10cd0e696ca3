"""Draw with given numbers, so that Python and the browser make the same of a network that samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ondevice.sampling import Sampler
from ..ondevice.step_network import Outputs, State, StreamNetwork

_LIKELY = 0.2
"""Less probable tokens are not drawn on the page: their share may be gone in another precision."""


class Numbers:
    """Gives numbers where a generator of random ones is expected."""

    def __init__(self, numbers: Iterable[float] = ()) -> None:
        self.random = iter(numbers).__next__


@dataclass(frozen=True)
class Central(Sampler):
    """Draws likely tokens, and keeps the numbers in the middle of what leads to them.

    A number near the border of two tokens leads to the other one after the smallest difference, and from
    there to another piece.
    """

    middles: list[float] = field(default_factory=list)

    def draw(self, probabilities: np.ndarray, rng: np.random.Generator) -> int:
        """Draw a token, or take the most probable one if it is unlikely."""
        shares = self.distribution(probabilities)
        token = super().draw(probabilities, rng)
        if shares[token] < _LIKELY:
            token = int(shares.argmax())
        self.middles.append(float(shares[:token].sum() + shares[token] / 2))
        return token


@dataclass(frozen=True)
class Replaying(Sampler):
    """Draws with given numbers."""

    numbers: Any = field(default_factory=Numbers)

    def draw(self, probabilities: np.ndarray, rng: np.random.Generator) -> int:
        """Draw a token with the next number."""
        return super().draw(probabilities, self.numbers)


class Remembering:
    """A step network that keeps all it has answered."""

    def __init__(self, network: StreamNetwork) -> None:
        self._network = network
        self.initial_state = network.initial_state
        self.seen: list[np.ndarray] = []

    def __call__(self, step: np.ndarray, state: State, /) -> tuple[Outputs, State]:
        """Return the outputs of one step and the next state."""
        outputs, state = self._network(step, state)
        self.seen += [array.copy() for array in outputs.values()]
        return outputs, state
