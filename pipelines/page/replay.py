"""Draw with given numbers, so that Python and the browser make the same of a network that samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ondevice.bundle import Bundle
from ..ondevice.sampling import Sampler
from ..ondevice.step_network import Outputs, State, StreamNetwork
from .golden import Golden

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


Make = Callable[[Remembering, Sampler], Any]
"""make(network, sampler) -> what is written or composed."""


def with_draws(
    network: StreamNetwork,
    settings: Mapping[str, Any],
    cases: Iterable[tuple[Mapping[str, Any], Make | None]],
) -> list[Mapping[str, Any]]:
    """Return cases with the numbers that draw them, each number in the middle of what leads to its token.

    Args:
        network: it runs step by step.
        settings: of the page, with the `temperature` and `top_p` to draw with.
        cases: each with what makes it; without that its `draws` are empty.
    """
    found: list[Mapping[str, Any]] = []
    for case, make in cases:
        sampler = Central(**_sampling(settings))
        if make:
            make(Remembering(network), sampler)
        found.append({**case, "draws": np.array(sampler.middles)})
    return found


def replayed(
    make: Make, network: StreamNetwork, settings: Mapping[str, Any], draws: np.ndarray
) -> tuple[Any, np.ndarray]:
    """Return what `make` makes with the numbers of `with_draws`, and all that the network answered."""
    seen = Remembering(network)
    made = make(seen, Replaying(**_sampling(settings), numbers=Numbers(draws.tolist())))
    return made, np.concatenate(seen.seen)


def of_steps(
    answers: Callable[[Bundle, StreamNetwork, Sequence[Any]], Iterable[Golden]],
) -> Callable[[Bundle, str, Sequence[Any]], Iterator[Golden]]:
    """Return the answers of a page's `step` files. Others can't draw, and the page leaves them out."""

    def of_file(bundle: Bundle, file: str, given: Sequence[Any]) -> Iterator[Golden]:
        if bundle.variant(file)["execution"] == "step":
            yield from answers(bundle, StreamNetwork.of(bundle, file), given)

    return of_file


def _sampling(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: settings[name] for name in ("temperature", "top_p")}
