"""Marks spans in texts on the device: numpy and LiteRT only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model
from pipelines.ondevice.tag_decoding import chain_of, span_probabilities, spans_of, viterbi
from pipelines.ondevice.tagged_words import FILE, WordReader
from pipelines.ondevice.word_offsets import Word, read
from pipelines.tasks.tagged_text import coloured, page
from pipelines.tasks.tagging import types_of

from .features import in_pieces


@dataclass(frozen=True)
class Options:
    """Options of `predict`."""

    html: Path | None = None
    """Write a page with the spans coloured by type to this file."""


def predict(
    bundle: Bundle,
    texts: Sequence[str | Sequence[str]],
    variant: str | None = None,
    options: Options | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield for each text its spans: type, text, places of characters, and probability.

    Args:
        bundle: a bundle of this app.
        texts: the texts, or sequences of words.
        variant: a file of the bundle, or a precision; None for float32.
        options: whether to write a page.
    """
    tagger, answers = _Tagger(bundle, variant), []
    for given in texts:
        text, words = read(given)
        pieces = in_pieces([words], tagger.steps)
        spans = [span for piece in pieces for span in tagger.spans(text, piece)]
        answers.append({"text": text, "spans": spans, "words": len(words)})
        yield answers[-1]
    if options and options.html:
        page(answers, options.html)


class _Tagger:
    """The network of a bundle, with what it needs to read words."""

    def __init__(self, bundle: Bundle, variant: str | None) -> None:
        self.steps = bundle.preprocessing["max_length"]
        self._types = types_of(bundle.labels)
        self._reader = WordReader.from_json(bundle.asset(FILE))
        self._model = Model(bundle.variant_path(variant))

    def spans(self, text: str, words: Sequence[Word]) -> list[dict[str, Any]]:
        """Return the spans among words of a text that the network reads at once."""
        output = self._model.predict(self._reader.encode([word.text for word in words], self.steps)[None])[0]
        chain = chain_of(output, np.arange(self.steps) < len(words))
        spans, found = spans_of(viterbi(chain)), []
        for span, probability in zip(spans, span_probabilities(chain, spans), strict=True):
            start, end = words[span.start].start, words[span.end - 1].end
            found.append(
                {
                    "label": self._types[span.kind],
                    "text": text[start:end],
                    "start": start,
                    "end": end,
                    "probability": round(probability, 4),
                }
            )
        return found


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the text with its spans marked, and the probability of each in the same order."""
    sure = ", ".join(f"{each['label']} {each['probability']:.2f}" for each in answer["spans"])
    return " ".join(f"{coloured(answer)}  ({sure or 'no spans'})".split("\n"))
