"""Read pairs of texts from translation memories (TMX). No entity is expanded and nothing is loaded."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ..errors import UserError
from .safe_xml import SafeXml

TMX = (".tmx",)
_CODES = {"bpt", "ept", "it", "ph", "ut"}
"""Elements whose text is markup of the original document."""
_NAMED = 5

Unit = tuple[dict[str, str], int]
"""The texts of a translation unit by language in lower case, and its line."""


def read_tmx(
    path: Path, source: str | None = None, target: str | None = None
) -> tuple[list[tuple[str, str, int]], list[str]]:
    """Return (source, target, line) of each unit that has both languages, and notes.

    Args:
        path: the file, also gzipped.
        source, target: languages as the file names them, or their first part: "en" is also "en-US". Default:
            the file's source language, and the only other one.

    Raises:
        UserError: the file is no TMX, declares entities, or does not have these two languages.
    """
    reader = _Reader(path)
    counts = Counter(language for texts, _ in reader.units for language in texts)
    first = _chosen(path, "--source", source or _own(reader.language, counts), counts)
    others = Counter({name: count for name, count in counts.items() if name != first})
    second = _chosen(path, "--target", target, others)
    found = [
        (texts[first], texts[second], line)
        for texts, line in reader.units
        if first in texts and second in texts
    ]
    missing = len(reader.units) - len(found)
    return found, [f"{path}: {missing:,} units without {first} or {second} left out"] if missing else []


def _own(language: str, counts: Counter[str]) -> str | None:
    """Return the file's source language if it names one; in some files it is "*all*"."""
    return language if any(_matches(name, language) for name in counts) else next(iter(counts), None)


def _matches(name: str, wanted: str) -> bool:
    return name == wanted.lower() or name.startswith(f"{wanted.lower()}-")


def _chosen(path: Path, option: str, wanted: str | None, counts: Counter[str]) -> str:
    """Return the most frequent language that is wanted, or the only one."""
    named = [name for name, _ in counts.most_common() if wanted is not None and _matches(name, wanted)]
    if named:
        return named[0]
    if wanted is None and len(counts) == 1:
        return next(iter(counts))
    listed = ", ".join(f"{name} ({count:,})" for name, count in counts.most_common(_NAMED)) or "none"
    raise UserError(
        f"{path}: expected {option} to name a language of the file, got {wanted}; it has {listed}"
    )


class _Reader(SafeXml):
    """Collects the translation units of a file."""

    def __init__(self, path: Path) -> None:
        self.language = ""
        self.units: list[Unit] = []
        self._texts: dict[str, str] = {}
        self._spoken, self._began = "", 0
        self._segment: list[str] | None = None
        super().__init__(path, "tmx", "a translation memory", doctype=True)

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "header":
            self.language = attributes.get("srclang", "").lower()
        elif name == "tu":
            self._texts, self._began = {}, self.line
        elif name == "tuv":
            self._spoken = (attributes.get("xml:lang") or attributes.get("lang") or "").lower()
        elif name == "seg":
            self._segment = []

    def text(self, text: str) -> None:
        if self._segment is not None and _CODES.isdisjoint(self.open):
            self._segment.append(text)

    def end(self, name: str) -> None:
        if name == "seg" and self._segment is not None:
            self._texts.setdefault(self._spoken, " ".join("".join(self._segment).split()))
            self._segment = None
        elif name == "tu" and self._texts:
            self.units.append((self._texts, self._began))
            self._texts = {}
