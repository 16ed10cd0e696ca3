"""A TFDS builder of sentences whose names, places, organisations, times and quantities are marked."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow_datasets as tfds

from pipelines.data.embedded import LocalInfo

from . import frames, names

_DESCRIPTION = """\
Sentences from frames. Most surnames, places and firms are drawn from one list of made-up stems and ordinary
words, so the context decides. Stems, first names and frames of the test are not in the training; the ordinary
words, titles, and the words of times and quantities are in all splits."""
TYPES = ("PER", "LOC", "ORG", "TIME", "QTY")
TAGS = ("O", *(f"{letter}-{kind}" for kind in TYPES for letter in "BI"))
POS = ("NOUN", "PROPN", "VERB", "AUX", "DET", "ADP", "CCONJ", "SCONJ", "PRON", "ADV", "ADJ", "NUM", "PUNCT")
_COUNTS = {
    "full": {"train": 4000, "validation": 500, "test": 800},
    "small": {"train": 320, "validation": 60, "test": 60},
}
_LOWER_CASE = 0.1  # of the sentences, as in short messages
_JOINED = 0.4  # of the sentences are two, joined
Words = list[tuple[str, str]]


class Entities(tfds.core.GeneratorBasedBuilder):
    """The features `words`, `entities` (IOB2) and `pos`, one of each for every word."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 - TFDS wants this attribute as it is
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in _COUNTS]  # noqa: RUF012

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "words": tfds.features.Sequence(tfds.features.Text()),
            "entities": tfds.features.Sequence(tfds.features.ClassLabel(names=TAGS)),
            "pos": tfds.features.Sequence(tfds.features.ClassLabel(names=POS)),
        }
        return LocalInfo(
            builder=self, description=_DESCRIPTION, features=tfds.features.FeaturesDict(features)
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        counts = _COUNTS[self.builder_config.name]
        return {split: self._generate_examples(split, count) for split, count in counts.items()}

    def _generate_examples(self, split: str, count: int) -> Iterator[tuple[int, dict[str, Any]]]:
        writer = Writer(split)
        for number in range(count):
            yield number, writer.sentence()


class Writer:
    """Writes the sentences of a split, from its own frames and names.

    Args:
        split: train, validation or test.
    """

    def __init__(self, split: str) -> None:
        place = ("train", "validation", "test").index(split)
        self._rng = random.Random(f"sentences of {split}")
        self._frames = getattr(frames, split.upper()).splitlines()
        all_stems, first = names.stems(1, 900), names.FIRST
        stems, firsts = (0, 600, 700, 900), (0, 48, 56, len(first))
        self._stems = all_stems[stems[place] : stems[place + 1]] + names.WORDS
        self._first = first[firsts[place] : firsts[place + 1]]
        self._fill: dict[str, Callable[[], Words]] = {
            "PER": self._person,
            "LOC": self._location,
            "ORG": self._organisation,
            "TIME": self._time,
            "QTY": self._quantity,
        }

    def sentence(self) -> dict[str, Any]:
        """Return the words of a sentence, with the tag and the part of speech of each."""
        found = self._tagged(self._rng.choice(self._frames))
        if self._rng.random() < _JOINED:
            more = self._tagged(self._rng.choice(self._frames))
            between = self._rng.choice(("and", "but", "while", "because"))
            (word, tag, pos), *rest = more
            word = word.lower() if tag == "O" and word != "I" else word
            found = [*found[:-1], (between, "O", frames.LEXICON[between]), (word, tag, pos), *rest]
        first = found[0][0]
        found[0] = (first[0].upper() + first[1:], *found[0][1:])
        lower = self._rng.random() < _LOWER_CASE
        words = [word.lower() if lower else word for word, _, _ in found]
        return {"words": words, "entities": [tag for _, tag, _ in found], "pos": [pos for _, _, pos in found]}

    def _tagged(self, frame: str) -> list[tuple[str, str, str]]:
        """Return a frame's words with their tags and parts of speech."""
        found: list[tuple[str, str, str]] = []
        for part in frame.split():
            if part.startswith("{"):
                kind = part[1:-1]
                span = self._fill[kind]()
                letters = ["B", *["I"] * (len(span) - 1)]
                found += [
                    (word, f"{letter}-{kind}", pos) for letter, (word, pos) in zip(letters, span, strict=True)
                ]
            else:
                words, _, pos = part.partition("|")
                word = self._rng.choice(words.split("/"))
                found.append((word, "O", pos or frames.LEXICON[word.lower()]))
        return found

    def _name(self) -> tuple[str, str]:
        return self._rng.choice(self._stems), "PROPN"

    def _person(self) -> Words:
        first = (self._rng.choice(self._first), "PROPN")
        title = (self._rng.choice(names.TITLES), "PROPN")
        forms: tuple[Words, ...] = ([first, self._name()], [first], [title, self._name()], [self._name()])
        return self._rng.choices(forms, (5, 2, 2, 3))[0]

    def _location(self) -> Words:
        after = (self._rng.choice(names.PLACE), "PROPN")
        side = (self._rng.choice(("North", "South", "New", "Port")), "PROPN")
        forms: tuple[Words, ...] = ([self._name()], [self._name(), after], [side, self._name()])
        return self._rng.choices(forms, (6, 2, 2))[0]

    def _organisation(self) -> Words:
        firm, institute = (
            (self._rng.choice(names.COMPANY), "PROPN"),
            (self._rng.choice(names.INSTITUTE), "PROPN"),
        )
        forms: tuple[Words, ...] = (
            [self._name()],
            [self._name(), firm],
            [self._name(), ("and", "CCONJ"), self._name()],
            [self._name(), institute],
            [institute, ("of", "ADP"), self._name()],
        )
        return self._rng.choices(forms, (5, 3, 1, 2, 2))[0]

    def _time(self) -> Words:
        day = self._rng.choice(("Monday", "Tuesday", "Friday", "Sunday"))
        month = self._rng.choice(("January", "March", "May", "June", "October"))
        number = str(self._rng.randint(1, 30))
        forms: tuple[Words, ...] = (
            [(self._rng.choice(("yesterday", "today", "tomorrow")), "ADV")],
            [("on", "ADP"), (day, "PROPN")],
            [("in", "ADP"), (month, "PROPN"), (str(self._rng.randint(1950, 2030)), "NUM")],
            [("on", "ADP"), (number, "NUM"), (month, "PROPN")],
            [("at", "ADP"), (f"{self._rng.randint(0, 23)}:{self._rng.randint(10, 59)}", "NUM")],
            [
                (self._rng.choice(("last", "next")), "ADJ"),
                (self._rng.choice(("week", "year", "month")), "NOUN"),
            ],
        )
        return self._rng.choice(forms)

    def _quantity(self) -> Words:
        number = self._rng.choice(
            (str(self._rng.randint(2, 900)), f"{self._rng.randint(1, 90)}.5", "two", "twenty")
        )
        unit = self._rng.choice(("percent", "tons", "miles", "euros", "dollars", "people", "pounds", "hours"))
        more: Words = [(self._rng.choice(("million", "hundred")), "NUM")] if self._rng.random() < 0.3 else []
        about: Words = [("about", "ADP")] if self._rng.random() < 0.2 else []
        return [*about, (number, "NUM"), *more, (unit, "NOUN")]
