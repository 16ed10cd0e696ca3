"""What Python composes on the page of a bundle, with given random numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Stream
from pipelines.ondevice.sampling import Sampler
from pipelines.ondevice.step_network import Outputs, State, StreamNetwork
from pipelines.page.golden import CASES, Golden

from .features import representation_of
from .generate import Composer, opening
from .predict import Options
from .tokens import Tokens

_STEPS = 8
_KEYS = (None, "C", "a", "Bb", "f#")
_LIKELY = 0.2
"""Less probable tokens are not drawn on the page: their share may be gone in another precision."""


def settings() -> Mapping[str, float]:
    """Return the defaults of composing, which the page has too."""
    options = Options()
    return {name: getattr(options, name) for name in ("temperature", "top_p", "tempo")}


class _Numbers:
    """Gives numbers where a generator of random ones is expected."""

    def __init__(self, numbers: Iterable[float] = ()) -> None:
        self.random = iter(numbers).__next__


@dataclass(frozen=True)
class _Central(Sampler):
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
class _Replaying(Sampler):
    """Draws with given numbers."""

    numbers: Any = field(default_factory=_Numbers)

    def draw(self, probabilities: np.ndarray, rng: np.random.Generator) -> int:
        """Draw a token with the next number."""
        return super().draw(probabilities, self.numbers)


class _Remembering:
    """A step network that keeps all it has answered."""

    def __init__(self, network: StreamNetwork) -> None:
        self._network = network
        self.initial_state = network.initial_state
        self.seen: list[np.ndarray] = []

    def __call__(self, step: np.ndarray, state: State, /) -> tuple[Outputs, State]:
        outputs, state = self._network(step, state)
        self.seen += [array.copy() for array in outputs.values()]
        return outputs, state


def inputs(bundle: Bundle) -> Sequence[Mapping[str, Any]]:
    """Return for each piece the numbers that draw its tokens, and the key in which it begins, if any.

    Raises:
        UserError: the network composes piano rolls, which the page does not, or none of its files composes.
    """
    file = bundle.with_execution(bundle.variants[0]["precision"], "step")["file"]
    stream, given = Stream(bundle.variant_path(file)), []
    for seed in range(CASES):
        key, sampler = _KEYS[seed % len(_KEYS)], _Central(**_defaults())
        _compose(_Remembering(StreamNetwork(stream)), bundle, sampler, seed=seed, key=key)
        given.append({"draws": np.array(sampler.middles), "key": key})
    return given


def answers(bundle: Bundle, file: str, given: Sequence[Mapping[str, Any]]) -> Iterator[Golden]:
    """Yield each piece as a grid, and the probabilities of all its tokens.

    A file for whole pieces can't compose, so nothing is expected of it.
    """
    if bundle.variant(file)["execution"] != "step":
        return
    stream = Stream(bundle.variant_path(file))
    for each in given:
        network = _Remembering(StreamNetwork(stream))
        sampler = _Replaying(**_defaults(), numbers=_Numbers(each["draws"].tolist()))
        piece = _compose(network, bundle, sampler, seed=0, key=each["key"])
        yield Golden(answer=piece.tolist(), outputs=np.concatenate(network.seen))


def _defaults() -> dict[str, Any]:
    return {"temperature": settings()["temperature"], "top_p": settings()["top_p"]}


def _compose(
    network: _Remembering, bundle: Bundle, sampler: Sampler, *, seed: int, key: str | None
) -> np.ndarray:
    representation = representation_of(bundle.preprocessing)
    if not isinstance(representation, Tokens):
        raise UserError(f"{bundle.folder}: the page composes voices, got {bundle.preprocessing['kind']}")
    primer = None if key is None else opening(key, representation)
    steps = _STEPS + (primer is not None)
    return Composer(network, representation, sampler, seed).compose(steps, primer=primer)
