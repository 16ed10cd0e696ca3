"""What Python writes and completes on the page of a bundle, with given random numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.app import Page
from pipelines.ondevice.alphabet import Alphabet
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Stream
from pipelines.ondevice.sampling import Sampler
from pipelines.ondevice.step_network import StepNetwork, StreamNetwork
from pipelines.page.golden import CASES, Golden
from pipelines.page.replay import Central, Numbers, Remembering, Replaying

from .generate import Writer
from .predict import Options

_LENGTH = 40
_COMPLETED = 4
"""Of every so many texts, the word of one is completed instead."""
_PRIMERS = (
    "In the beginning",
    "And he said unto th",
    "",
    "The king of the nor",
    "Blessed are they th",
    "caf\u00e9 \U0001f600 is",
    "It isn\u2019t",
)


def settings() -> Mapping[str, Any]:
    """Return the defaults of writing, which the page has too."""
    options = Options()
    return {"temperature": options.temperature or 0.0, "top_p": options.top_p, "words": options.words}


def inputs(bundle: Bundle) -> Sequence[Mapping[str, Any]]:
    """Return how texts begin, and the numbers that draw the rest; none if a word is completed."""
    network, given = StreamNetwork(_stream(bundle, None)), []
    for seed in range(CASES):
        primer, sampler = _PRIMERS[seed % len(_PRIMERS)], Central(**_sampling())
        if seed % _COMPLETED:
            _write(Remembering(network), bundle, primer, sampler=sampler, seed=seed)
        given.append({"primer": primer, "draws": np.array(sampler.middles)})
    return given


def answers(bundle: Bundle, file: str, given: Sequence[Mapping[str, Any]]) -> Iterator[Golden]:
    """Yield what follows each beginning with the probabilities of all symbols, or its likeliest word.

    A file for whole texts can't write, so nothing is expected of it.
    """
    if bundle.variant(file)["execution"] != "step":
        return
    network = StreamNetwork(_stream(bundle, file))
    for each in given:
        primer, seen = each["primer"], Remembering(network)
        if len(each["draws"]):
            sampler = Replaying(**_sampling(), numbers=Numbers(each["draws"].tolist()))
            text = _write(seen, bundle, primer, sampler=sampler, seed=0)
            yield Golden(answer=text, outputs=np.concatenate(seen.seen))
        else:
            words = _writer(network, bundle).complete(primer, settings()["words"])
            yield Golden(answer=words[0].word, outputs=np.array([word.probability for word in words]))


def _stream(bundle: Bundle, file: str | None) -> Stream:
    return Stream(bundle.variant_path(bundle.with_execution(file, "step")["file"]))


def _sampling() -> dict[str, Any]:
    return {name: settings()[name] for name in ("temperature", "top_p")}


def _writer(network: StepNetwork, bundle: Bundle) -> Writer:
    return Writer(network, Alphabet.from_settings(bundle.preprocessing))


def _write(network: Remembering, bundle: Bundle, primer: str, *, sampler: Sampler, seed: int) -> str:
    return _writer(network, bundle).write(_LENGTH, sampler, seed, primer=primer)


PAGE = Page("writing", inputs, answers, settings())
