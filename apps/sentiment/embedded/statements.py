"""Composes short everyday statements: plain facts, opinions, feelings, good and bad news.

The words and the sentence patterns are in statements_neutral.txt and statements_polar.txt; the slots {rated},
{rated_ed}, {rated_ing} and {rated_ly} take rated words of VADER's lexicon.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.tasks import vader

from .grammar import LABELS, normalize

SIZES = {"train": 18_000, "validation": 600}
"""The number of statements by split."""
SEED = 20_261
LEAST_RATING = 1.5
"""Words of VADER's lexicon with ratings nearer to 0 are not used: in a statement they may mean anything."""
_ENDINGS = {"rated_ed": "ed", "rated_ing": "ing", "rated_ly": "ly"}
_EVERY = 12  # every twelfth pattern is validation's own, the others are train's
_ORDER = ("negative", "positive", "neutral", "negative", "positive", "negative", "neutral", "positive")
_SLOT = re.compile(r"{(\w+)([+-]?)}")


@dataclass(frozen=True)
class Pattern:
    """A sentence with slots. `mark` is "0", "+", "-", "x" (the sign of its words) or "!x" (the opposite)."""

    mark: str
    template: str

    def label(self, sign: int) -> str:
        """Return the label of the sentence if its words have this sign, 1 or -1."""
        return LABELS[1 + {"0": 0, "+": 1, "-": -1, "x": sign, "!x": -sign}[self.mark]]

    @property
    def signs(self) -> tuple[int, ...]:
        """The signs that its words may have."""
        return {"-": (-1,), "x": (1, -1), "!x": (1, -1)}.get(self.mark, (1,))


@functools.cache
def material() -> tuple[Mapping[str, tuple[str, ...]], tuple[Pattern, ...]]:
    """Return the words by slot ("adjective+" and "adjective-" where the sign matters), and the patterns."""
    words: dict[str, tuple[str, ...]] = {}
    patterns: list[Pattern] = []
    for file, marked in (("statements_neutral.txt", False), ("statements_polar.txt", True)):
        for line in Path(__file__).with_name(file).read_text(encoding="utf-8").splitlines():
            if slot := re.fullmatch(r"(\w+[+-]?): (.*)", line):
                words[slot[1]] = tuple(slot[2].split(", "))
            elif line and not line.startswith("#"):
                mark, template = line.split(" ", 1) if marked else ("0", line)
                patterns.append(Pattern(mark, template))
    return words | _rated_words(), tuple(patterns)


def _rated_words() -> dict[str, tuple[str, ...]]:
    """Return the words of VADER's lexicon by slot, which is named after their ending, with their sign."""
    words: dict[str, list[str]] = {}
    for word, rating in vader.lexicon().items():
        if abs(rating) >= LEAST_RATING:
            slot = next((slot for slot, ending in _ENDINGS.items() if word.endswith(ending)), "rated")
            words.setdefault(slot + ("+" if rating > 0 else "-"), []).append(word)
    return {slot: tuple(of_slot) for slot, of_slot in words.items()}


def patterns(split: str) -> list[Pattern]:
    """Return the patterns of `train` or `validation`; no pattern is in both."""
    chosen = split == "validation"
    return [each for index, each in enumerate(material()[1]) if (index % _EVERY == 0) == chosen]


def statements(split: str) -> Iterator[tuple[str, str]]:
    """Yield the (text, label) of every statement of a split (a key of SIZES), the same on every machine.

    A quarter of them are neutral.
    """
    rng = random.Random(f"{SEED} {split}")
    ways = [(pattern, sign) for pattern in patterns(split) for sign in pattern.signs]
    by_label = {name: [way for way in ways if way[0].label(way[1]) == name] for name in LABELS}
    seen: set[str] = set()
    while len(seen) < SIZES[split]:
        label = _ORDER[len(seen) % len(_ORDER)]
        pattern, sign = rng.choice(by_label[label])
        text = write(pattern.template, sign, rng)
        if normalize(text) not in seen:
            seen.add(normalize(text))
            yield text, label


def write(template: str, sign: int, rng: random.Random) -> str:
    """Return the sentence with words of this sign in the slots, and an ending as people type it."""
    words = material()[0]

    def word(slot: re.Match[str]) -> str:
        signed = slot[1] + (slot[2] or ("+" if sign > 0 else "-"))
        return rng.choice(words.get(signed) or words[slot[1]])

    text = template
    while "{" in text:
        text = _SLOT.sub(word, text)
    text = re.sub(r"\ba (?=[aeiou])", "an ", text)
    ending = rng.random()
    if text.endswith(".") and ending < 0.3:
        text = text[:-1] + ("" if ending < 0.2 else "!")
    return text[0].upper() + text[1:] if rng.random() < 0.8 else text
