"""A TFDS builder of verses: the King James Bible as the source, the Bible in Basic English as the target."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from pipelines.data.bible import verses
from pipelines.data.embedded import LocalInfo

_DESCRIPTION = """\
Verses of the King James Bible (1769) and of the Bible in Basic English (1965). Chapters are split: those
whose number ends in 8 are the validation, in 9 the test. Left out: chapters that the two number differently,
and verses of which one is at least twice as long as the other. `short` has verses of at most 30 words and
signs, `small` of at most 12; `longer` has those of `short` to validate and test, of at most 60 to train."""
_MOST_TOKENS = {"full": (1_000, 1_000), "longer": (60, 30), "short": (30, 30), "small": (12, 12)}
"""The words and signs of the longest verse to train on, and of the longest to validate and test with."""
_SAME_UNTIL_THE_END = {
    *(1042, 3005, 4029, 9020, 9023, 11022, 18038, 21004, 27005, 28011, 28013, 29002, 32001, 33004, 34001),
    *(38001, 66012),
}
"""Chapters with verses at the end that the other version counts to the next chapter, or that it joins. Their
other verses have the same numbers. Of all other chapters with different numbers, verses are shifted."""
_TOKEN = re.compile(r"\w+|[^\w\s]")
_SPLITS = {8: "validation", 9: "test"}


class TwoBibles(tfds.core.GeneratorBasedBuilder):
    """The features `source` and `target`, a verse in each version."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 - TFDS wants this attribute as it is
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in _MOST_TOKENS]  # noqa: RUF012

    def _info(self) -> tfds.core.DatasetInfo:
        return LocalInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {"source": tfds.features.Text(), "target": tfds.features.Text()}
            ),
            license="Texts: public domain (KJV: in the UK under letters patent). Packages: MIT.",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        found = pairs(self.builder_config.name)
        return {split: self._generate_examples(some) for split, some in found.items()}

    def _generate_examples(self, some: dict[int, tuple[str, str]]) -> Iterator[tuple[int, dict[str, str]]]:
        for number, (source, target) in some.items():
            yield number, {"source": source, "target": target}


def pairs(config: str) -> dict[str, dict[int, tuple[str, str]]]:
    """Return (source, target) by the verse's number, by split.

    Raises:
        UserError: a package with one of the texts isn't installed.
    """
    source, target = verses("kjv", "translation"), verses("bbe", "translation")
    counts = [Counter(number // 1000 for number in each) for each in (source, target)]
    most_to_train, most_to_score = _MOST_TOKENS[config]
    found: dict[str, dict[int, tuple[str, str]]] = {"train": {}, "validation": {}, "test": {}}
    for number in sorted(source.keys() & target.keys()):
        chapter = number // 1000
        shifted = counts[0][chapter] != counts[1][chapter] and chapter not in _SAME_UNTIL_THE_END
        lengths = len(source[number]), len(target[number])
        # Words that the translators supplied stand in [brackets].
        pair = source[number].translate({ord("["): None, ord("]"): None}), target[number]
        split = _SPLITS.get(chapter % 10, "train")
        most = most_to_train if split == "train" else most_to_score
        fits = max(len(_TOKEN.findall(each)) for each in pair) <= most
        if not shifted and max(lengths) < 2 * min(lengths) and fits:
            found[split][number] = pair
    return found
