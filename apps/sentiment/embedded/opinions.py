"""The data set of the sentiment app's default: rated sentences, composed reviews and everyday statements."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from pipelines.data.embedded import LocalInfo

from . import rated_sentences, sampling, statements
from .grammar import LABELS, normalize

_DESCRIPTION = """\
English sentences in three classes. Test has only sentences that people wrote, with the mean rating of twenty
raters as label: from product reviews, film reviews, newspapers and tweets (C. Hutto and E. Gilbert, 2014).
Each source is also a split of its own. No document is in two splits.

Train and validation also have generated sentences: compositional_reviews, which teach negation and contrast,
and everyday statements. Sentences rated near a margin are in train with both labels. `order` is the split of
compositional_reviews of that name. `everyday` has short statements that were written by hand before any
pattern of the generated ones was, and `everyday_2` others, written without a look at the patterns. `origin`
is one of the four sources, reviews, statements or everyday."""
Row = tuple[str, str, str]
"""Text, label, origin."""
EVERYDAY = ("everyday", "everyday_2")
"""Splits with handwritten statements; the file of that name has one in each line, after its label."""
REVIEWS_IN_VALIDATION = 600


class Opinions(tfds.core.GeneratorBasedBuilder):
    """Splits `train`, `validation`, `test` and seven further test splits; features text, label, origin."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 - TFDS wants this attribute as it is

    def _info(self) -> tfds.core.DatasetInfo:
        return LocalInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "text": tfds.features.Text(),
                    "label": tfds.features.ClassLabel(names=list(LABELS)),
                    "origin": tfds.features.Text(),
                }
            ),
            supervised_keys=("text", "label"),
            license="MIT (rated sentences), Apache-2.0 (all others)",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        splits = examples(list(rated_sentences.sentences()))
        return {name: self._generate_examples(rows) for name, rows in splits.items()}

    def _generate_examples(self, rows: list[Row]) -> Iterator[tuple[int, dict[str, Any]]]:
        for key, (text, label, origin) in enumerate(rows):
            yield key, {"text": text, "label": label, "origin": origin}


def examples(rated: list[rated_sentences.Rated]) -> dict[str, list[Row]]:
    """Return the rows of every split. A generated sentence is in one split, and nobody wrote the same."""
    by_hand = {split: everyday(split) for split in EVERYDAY}
    known = {normalize(each.text) for each in rated}
    known |= {normalize(text) for rows in by_hand.values() for text, *_ in rows}
    rows = {
        split: [(each.text, each.label, each.source) for each in rated if each.split == split]
        for split in ("validation", "test")
    }
    train = [
        (each.text, label, each.source) for each in rated if each.split == "train" for label in each.labels
    ]
    train += _new(_reviews("train") + _statements("train"), known)
    known |= {normalize(text) for text, *_ in train}
    some = _reviews("validation")[:REVIEWS_IN_VALIDATION]
    return {
        "train": train,
        "validation": rows["validation"] + _new(some + _statements("validation"), known),
        "test": rows["test"],
        **{source: [row for row in rows["test"] if row[2] == source] for source in rated_sentences.SOURCES},
        "order": _reviews("order"),
        **by_hand,
    }


def _new(rows: list[Row], known: set[str]) -> list[Row]:
    return [row for row in rows if normalize(row[0]) not in known]


def everyday(split: str) -> list[Row]:
    """Return the rows of the split `everyday` or `everyday_2`."""
    lines = Path(__file__).with_name(f"{split}.txt").read_text(encoding="utf-8").splitlines()
    return [(text, label, "everyday") for label, text in (line.split(" ", 1) for line in lines)]


def _reviews(split: str) -> list[Row]:
    return [(review.text, review.label, "reviews") for review in sampling.reviews(split)]


def _statements(split: str) -> list[Row]:
    return [(text, label, "statements") for text, label in statements.statements(split)]
