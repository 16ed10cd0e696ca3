"""What Python writes and completes on the page of a bundle, with given random numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.app import Page
from pipelines.ondevice.alphabet import Alphabet
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.step_network import StepNetwork, StreamNetwork
from pipelines.page.golden import CASES, Golden
from pipelines.page.replay import Make, of_steps, replayed, with_draws

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
    primers = [_PRIMERS[seed % len(_PRIMERS)] for seed in range(CASES)]
    cases = (
        ({"primer": primer}, _writes(bundle, primer, seed) if seed % _COMPLETED else None)
        for seed, primer in enumerate(primers)
    )
    return with_draws(StreamNetwork.of(bundle, None), settings(), cases)


def answers(bundle: Bundle, network: StreamNetwork, given: Sequence[Mapping[str, Any]]) -> Iterator[Golden]:
    """Yield what follows each beginning with the probabilities of all symbols, or its likeliest word."""
    for each in given:
        primer = each["primer"]
        if len(each["draws"]):
            yield Golden(*replayed(_writes(bundle, primer, 0), network, settings(), each["draws"]))
        else:
            words = _writer(network, bundle).complete(primer, settings()["words"])
            yield Golden(answer=words[0].word, outputs=np.array([word.probability for word in words]))


def _writer(network: StepNetwork, bundle: Bundle) -> Writer:
    return Writer(network, Alphabet.from_settings(bundle.preprocessing))


def _writes(bundle: Bundle, primer: str, seed: int) -> Make:
    """Return what writes a text that begins so."""
    return lambda network, sampler: _writer(network, bundle).write(_LENGTH, sampler, seed, primer=primer)


PAGE = Page("writing", inputs, of_steps(answers), settings())
