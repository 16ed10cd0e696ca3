"""Read texts with spans of characters from JSON, as spaCy, Doccano and Label Studio export them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..ondevice.word_offsets import Word, words_of
from .tables import read_text
from .tag_schemes import Labelled, Sentence, in_iob2

SUFFIXES = (".jsonl", ".ndjson", ".json")
_KEYS = ("entities", "ents", "spans", "label", "labels")


def read_spans(path: Path, encoding: str = "utf-8") -> tuple[list[Sentence], list[str]]:
    """Return the texts of a file, cut into words with tags in IOB2, and notes.

    An object holds a text and its spans, in one of these forms:

        {"text": "...", "entities" or "ents" or "spans" or "label" or "labels": [SPAN, ...]}
        ["...", {"entities": [SPAN, ...]}]
        {"data": {"text": "..."}, "annotations": [{"result": [{"value": SPAN}, ...]}]}

    A span is [start, end, label], or an object with `start` or `start_offset`, `end` or `end_offset`, and
    `label` or a list of `labels`, of which the first is read.

    A word that a span covers in part belongs to it. Of spans that overlap, the longest is kept.

    Args:
        path: lines of JSON objects, or an array of them.
        encoding: the text encoding.

    Raises:
        UserError: an object has another form, or a span points outside its text.
    """
    found, overlapping, cut = [], 0, 0
    for line, item in _objects(path, read_text(path, encoding)):
        text, spans = _parts(item, f"{path}:{line}")
        for start, end, label in spans:
            if not 0 <= start < end <= len(text):
                raise UserError(
                    f"{path}:{line}: expected spans within the text of {len(text):,} characters, "
                    f"got {start} to {end} ({label})"
                )
        words = words_of(text)
        kept = _without_overlap(spans)
        overlapping += len(spans) - len(kept)
        on_words = [_on_words(span, words) for span in kept]
        cut += sum(_is_longer(each, words, span) for each, span in zip(on_words, kept, strict=True))
        if words:
            tags = in_iob2(_without_overlap([each for each in on_words if each.start < each.end]), len(words))
            found.append(Sentence(tuple(word.text for word in words), tags, line))
    if not found:
        raise UserError(f"{path}: expected texts with spans, found none")
    notes = [f"{path}: {overlapping:,} spans left out: they overlap a longer one"] if overlapping else []
    return found, notes + ([f"{path}: {cut:,} spans extended to whole words"] if cut else [])


def _objects(path: Path, content: str) -> Iterator[tuple[int, Any]]:
    """Yield each object with its line; objects of an array have the line 1."""
    lines = [(number, line) for number, line in enumerate(content.split("\n"), start=1) if line.strip()]
    if content.lstrip().startswith("[") and not _is_pair(lines[0][1]):
        try:
            items = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}: expected JSON: {error}") from None
        yield from ((1, item) for item in items)
        return
    for number, line in lines:
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}:{number}: expected a JSON object in the line: {error}") from None


def _is_pair(line: str) -> bool:
    """Return whether a line is a text with its spans, as spaCy is trained with, and no array of objects."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return bool(found) and isinstance(found[0], str)


def _parts(item: Any, where: str) -> tuple[str, list[Labelled]]:
    """Return the text of an object, and its spans of characters."""
    try:
        if isinstance(item, list):
            text, spans = item[0], item[1]["entities"]
        elif "data" in item:
            text = item["data"]["text"]
            results = [each for annotation in item["annotations"] for each in annotation["result"]]
            spans = [each["value"] for each in results if "labels" in each["value"]]
        else:
            text, spans = item["text"], item[next(key for key in _KEYS if key in item)]
        found = [_span(each) for each in spans]
    except (KeyError, IndexError, TypeError, ValueError, StopIteration):
        raise UserError(
            f'{where}: expected {{"text": "...", "entities": [[start, end, label], ...]}} or an export of '
            "spaCy, Doccano or Label Studio"
        ) from None
    if not isinstance(text, str):
        raise UserError(f"{where}: expected a string as the text")
    return text, found


def _span(span: Any) -> Labelled:
    if isinstance(span, Mapping):
        start, end = (span[name] if name in span else span[f"{name}_offset"] for name in ("start", "end"))
        label = span["label"] if "label" in span else span["labels"][0]
    else:
        start, end, label = span[:3]
    return Labelled(int(start), int(end), str(label))


def _without_overlap(spans: list[Labelled]) -> list[Labelled]:
    """Return the longest spans that don't overlap, in their order."""
    kept: list[Labelled] = []
    for span in sorted(spans, key=lambda each: each.start - each.end):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept)


def _on_words(span: Labelled, words: list[Word]) -> Labelled:
    """Return a span of characters as a span of words: of all that it covers, wholly or in part."""
    covered = [i for i, word in enumerate(words) if word.start < span.end and span.start < word.end]
    return Labelled(covered[0], covered[-1] + 1, span.label) if covered else Labelled(0, 0, span.label)


def _is_longer(on_words: Labelled, words: list[Word], span: Labelled) -> bool:
    """Return whether the words of a span reach over its ends."""
    if on_words.start == on_words.end:
        return False
    return words[on_words.start].start < span.start or words[on_words.end - 1].end > span.end
