"""The texts that the page of a bundle carries, and the spans that Python finds in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pipelines.app import Page
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.word_offsets import words_of
from pipelines.page.golden import Golden

from .features import encode
from .predict import predict

_TEXTS = (
    "Anna Keller works for Halden Motors in Port Tessow.",
    "Dr Halden left the bank in May 1987.",
    "The train from Berlin to Oslo was late again.",
    "Nothing happened on Monday.",
    "She didn't see Peter, but he'd seen her.",
    "Shares of Nordwind fell by 3.5 percent last week.",
    "It may rain in Lisbon tomorrow, says Maria Santos.",
    "The river is 120 km long.",
    "We flew over Iceland and saw the coast.",
    "Tickets for the concert cost 40 dollars.",
    "Ask Tom\u2019s brother about the United Harbour Company.",
    "",
    "hello",
    "THE COUNCIL OF YORK MET ON FRIDAY",
    "caf\u00e9 cr\u00e8me at 10:30 \U0001f600 with @anna, see https://example.org/a?b=c!",
    "Prices rose by 12,000 euros in 2019.",
    "John Baker and Mary Ann Smith married in Paris in June.",
    "Zo\u00eb Kravitz-O\u2019Neill lives in S\u00e3o Paulo.",
    "In the summer Mr Lang visits Lake Como. " * 9,
    "The head of Baltic Steel, Ivan Petrov, lives in Riga.",
)


def inputs(bundle: Bundle) -> Sequence[str]:
    """Return sentences, one of them longer than the network reads, and some that are odd to cut."""
    return _TEXTS


def answers(bundle: Bundle, file: str, texts: Sequence[str]) -> Iterator[Golden]:
    """Yield for each text its spans with their types, and their probabilities."""
    whole = bundle.variant(file)["execution"] != "step"
    for text, answer in zip(texts, predict(bundle, texts, file), strict=True):
        spans = answer["spans"]
        yield Golden(
            answer=[[span["label"], span["text"]] for span in spans],
            outputs=np.array([span["probability"] for span in spans]),
            inputs={"words": encode(bundle, [text])} if whole and words_of(text) else {},
        )


PAGE = Page("spans", inputs, answers)
