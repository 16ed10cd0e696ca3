"""What Python answers to the texts that the page of a bundle carries."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.app import Page
from pipelines.ondevice.bundle import Bundle
from pipelines.page.golden import CASES, Golden

from .features import encode, reads_end
from .predict import Options, Translator

_OPTIONS = Options(alternatives=3)
_TEXTS = (
    "And God said, Let there be light: and there was light.",
    "In the beginning God created the heaven and the earth.",
    "And the earth was without form, and void.",
    "The LORD is my shepherd; I shall not want.",
    "Jesus wept.",
    "And he said unto him, What is thy name?",
    "Then said the king unto the woman, Fear not.",
    "A soft answer turneth away wrath.",
    "And Moses spake so unto the children of Israel.",
    "And they did eat, and were filled.",
    "And the child grew, and the LORD blessed him.",
    "Thou shalt not steal.",
    "What shall we say then?",
    "And it came to pass in those days.",
    "Two dogs run through the snow.",
    "A man in a red shirt rides a bicycle.",
    "He sailed to Reykjav\u00edk\nand came back in May 1987.",
    "caf\u00e9 \U0001f600 \u6f22\u5b57 \u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
    "And they went up, and came to the house, and sat down there; and the men of the city said unto them, "
    "Whence come ye? And they answered and said, We are come from a far country, because of the name of the "
    "LORD thy God: for we have heard the fame of him, and all that he did in the land, and all that he did "
    "to the two kings.",
    "",
)
_PEOPLE, _THINGS = ("Mary", "John", "Sandra", "Daniel"), ("football", "apple", "milk")
_PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")


def settings() -> Mapping[str, Any]:
    """Return the settings of the search, which the page has too."""
    names = ("alternatives", "beams", "length_penalty", "no_repeat_ngram")
    return {name: getattr(_OPTIONS, name) for name in names}


def inputs(bundle: Bundle) -> Sequence[str]:
    """Return sentences, some odd and one long; for a network that is asked about lines, stories."""
    return [_story(seed) for seed in range(CASES)] if reads_end(bundle) else _TEXTS


def _story(seed: int) -> str:
    """Return lines on who went where with what, the last one a question about them."""
    rng = random.Random(seed)
    lines = []
    for _ in range(rng.randint(3, 8)):
        person = rng.choice(_PEOPLE)
        lines.append(f"{person} went to the {rng.choice(_PLACES)}.")
        lines += [f"{person} got the {rng.choice(_THINGS)} there."] * rng.randint(0, 1)
    questions = f"Where is the {rng.choice(_THINGS)}?", f"Is {person} in the {rng.choice(_PLACES)}?"
    return "\n".join([*lines, questions[seed % 2]])


def answers(bundle: Bundle, file: str, texts: Sequence[str]) -> Iterator[Golden]:
    """Yield for each text the best answer, its log-probability a piece and the attention of its pieces.

    Not the sum, in which what integers round differently in the browser adds up.
    """
    translator = Translator(bundle, bundle.variant(file)["precision"], _OPTIONS)
    for text in texts:
        best = translator(text)[0]
        outputs = np.concatenate([[best.hypothesis.score(length_penalty=1)], best.attention.ravel()])
        yield Golden(answer=best.text, outputs=outputs, inputs={"source": encode(bundle, [text])})


PAGE = Page("answers", inputs, answers, settings())
