"""What Python composes on the page of a bundle, with given random numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.app import Page
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Stream
from pipelines.ondevice.sampling import Sampler
from pipelines.ondevice.step_network import StreamNetwork
from pipelines.page.golden import CASES, Golden
from pipelines.page.replay import Central, Numbers, Remembering, Replaying

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
    file = bundle.with_execution(bundle.variants[0]["precision"], "step")["file"]
    stream, given = Stream(bundle.variant_path(file)), []
    for seed in range(CASES):
        key, sampler = _KEYS[seed % len(_KEYS)], Central(**_defaults())
        _compose(Remembering(StreamNetwork(stream)), bundle, sampler, seed=seed, key=key)
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
        network = Remembering(StreamNetwork(stream))
        sampler = Replaying(**_defaults(), numbers=Numbers(each["draws"].tolist()))
        piece = _compose(network, bundle, sampler, seed=0, key=each["key"])
        yield Golden(answer=piece.tolist(), outputs=np.concatenate(network.seen))


def _defaults() -> dict[str, Any]:
    return {"temperature": settings()["temperature"], "top_p": settings()["top_p"]}


def _compose(
    network: Remembering, bundle: Bundle, sampler: Sampler, *, seed: int, key: str | None
) -> np.ndarray:
    representation = representation_of(bundle.preprocessing)
    if not isinstance(representation, Tokens):
        raise UserError(f"{bundle.folder}: the page composes voices, got {bundle.preprocessing['kind']}")
    primer = None if key is None else opening(key, representation)
    steps = _STEPS + (primer is not None)
    return Composer(network, representation, sampler, seed).compose(steps, primer=primer)


PAGE = Page("pieces", inputs, answers, settings())
