"""Marks spans in texts on the device: numpy and LiteRT only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.files import require_place
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model
from pipelines.ondevice.tag_decoding import Span, chain_of, span_probabilities, spans_of, viterbi
from pipelines.ondevice.tagged_words import FILE, WordReader
from pipelines.ondevice.word_offsets import read
from pipelines.tasks.tagged_text import coloured, page
from pipelines.tasks.tagging import types_of

from .features import Window
from .word_stream import WordStream

Tagger = Callable[[Sequence[str]], Iterable[tuple[Span, float]]]
"""Finds the spans of a sentence, each with its probability."""


@dataclass(frozen=True)
class Options:
    """Options of `predict`."""

    html: Path | None = None
    """Write a page with the spans coloured by type to this file."""


def predict(
    bundle: Bundle,
    texts: Iterable[str | Sequence[str]],
    variant: str | None = None,
    options: Options | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield for each text its spans: type, text, places of characters, and probability.

    Args:
        bundle: a bundle of this app.
        texts: the texts, or sequences of words.
        variant: a file of the bundle, or a precision; None for float32. A file that runs word by word decides
            each tag without the words behind the look-ahead.
        options: whether to write a page.
    """
    if options and options.html:
        require_place("--html", options.html)
    streams = bundle.variant(variant)["execution"] == "step"
    tagger, types, answers = (
        (_by_word if streams else _by_piece)(bundle, variant),
        types_of(bundle.labels),
        [],
    )
    for given in texts:
        text, words = read(given)
        spans = [
            {
                "label": types[span.kind],
                "text": text[words[span.start].start : words[span.end - 1].end],
                "start": words[span.start].start,
                "end": words[span.end - 1].end,
                "probability": round(probability, 4),
            }
            for span, probability in tagger([word.text for word in words])
        ]
        answers.append({"text": text, "spans": spans, "words": len(words), "labels": types})
        yield answers[-1]
    if options and options.html:
        page(answers, options.html)


def _by_piece(bundle: Bundle, variant: str | None) -> Tagger:
    """Return a function that finds the spans of a sentence, as many words at once as the network reads."""
    window, reader = Window.of(bundle), WordReader.from_json(bundle.asset(FILE))
    model = Model(bundle.variant_path(variant))

    def tag(words: Sequence[str]) -> Iterator[tuple[Span, float]]:
        before = 0
        for piece, row in zip(window.pieces([words]), window.encode(reader, [words]), strict=True):
            chain = chain_of(model.predict(row[None])[0], window.answers(len(piece)))
            spans = spans_of(viterbi(chain))
            for span, probability in zip(spans, span_probabilities(chain, spans), strict=True):
                yield Span(before + span.start, before + span.end, span.kind), probability
            before += len(piece)

    return tag


def _by_word(bundle: Bundle, variant: str | None) -> Tagger:
    """Return a function that finds the spans of a sentence of any length word by word."""
    stream = WordStream(bundle, variant)

    def tag(words: Sequence[str]) -> Iterator[tuple[Span, float]]:
        tagged = list(stream.of_all(words))
        spans = spans_of(np.array([each.tag for each in tagged], int))
        outputs = np.array([each.probabilities for each in tagged]).reshape(len(tagged), len(bundle.labels))
        chain = chain_of(outputs, np.full(len(tagged), fill_value=True))
        yield from zip(spans, span_probabilities(chain, spans), strict=True)

    return tag


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the text with its spans marked, and of each its type, characters and probability."""
    sure = ", ".join(
        f"{each['label']} {each['start']}-{each['end']} {each['probability']:.2f}" for each in answer["spans"]
    )
    return " ".join(f"{coloured(answer)}  ({sure or 'no spans'})".split("\n"))
