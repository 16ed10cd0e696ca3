"""What Python composes on the page of a bundle, with given random numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.app import Page
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.step_network import StreamNetwork
from pipelines.page.golden import CASES, Golden
from pipelines.page.replay import Make, of_steps, replayed, with_draws

from .features import representation_of
from .generate import Composer, opening
from .predict import Options
from .tokens import Tokens

_STEPS = 8
_KEYS = (None, "C", "a", "Bb", "f#")


def settings() -> Mapping[str, float]:
    """Return the defaults of composing, which the page has too."""
    options = Options()
    return {name: getattr(options, name) for name in ("temperature", "top_p", "tempo")}


def inputs(bundle: Bundle) -> Sequence[Mapping[str, Any]]:
    """Return for each piece the numbers that draw its tokens, and the key in which it begins, if any.

    Raises:
        UserError: the network composes piano rolls, which the page does not, or none of its files composes.
    """
    network = StreamNetwork.of(bundle, bundle.variants[0]["precision"])
    keys = [_KEYS[seed % len(_KEYS)] for seed in range(CASES)]
    cases = (({"key": key}, _composes(bundle, key, seed)) for seed, key in enumerate(keys))
    return with_draws(network, settings(), cases)


def answers(bundle: Bundle, network: StreamNetwork, given: Sequence[Mapping[str, Any]]) -> Iterator[Golden]:
    """Yield each piece as a grid, and the probabilities of all its tokens."""
    for each in given:
        piece, outputs = replayed(_composes(bundle, each["key"], 0), network, settings(), each["draws"])
        yield Golden(answer=piece.tolist(), outputs=outputs)


def _composes(bundle: Bundle, key: str | None, seed: int) -> Make:
    """Return what composes a piece, which begins in a key if one is given."""
    representation = representation_of(bundle.preprocessing)
    if not isinstance(representation, Tokens):
        raise UserError(f"{bundle.folder}: the page composes voices, got {bundle.preprocessing['kind']}")
    primer = None if key is None else opening(key, representation)
    steps = _STEPS + (primer is not None)
    return lambda network, sampler: Composer(network, representation, sampler, seed).compose(
        steps, primer=primer
    )


PAGE = Page("pieces", inputs, of_steps(answers), settings())
