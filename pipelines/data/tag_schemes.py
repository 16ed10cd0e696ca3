"""Tags of words as files write them: IOB1, IOB2, IOBES, BILOU, or a plain label for each word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Scheme = Literal["IOB1", "IOB2", "IOBES", "BILOU", "labels"]
OUTSIDE = "O"
_TAG = re.compile(r"([BIESLUO])-(.+)", re.DOTALL)
_LAST, _SINGLE = "EL", "SU"


class Sentence(NamedTuple):
    """The words of a sentence with their tags as the file has them, and the line on which it starts."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    line: int


class Labelled(NamedTuple):
    """A span of words with a type; `end` is the word after the last."""

    start: int
    end: int
    label: str


def recognised(sentences: Iterable[Sequence[str]]) -> Scheme:
    """Return the scheme of tags.

    Tags are spans if each is "O" or begins with a letter of a scheme and "-". L or U means BILOU, E or S
    means IOBES. Otherwise it is IOB2 if more spans begin with B where I would do in IOB1 than begin with I.
    """
    letters: set[str] = set()
    needless, bare = 0, 0
    for tags in sentences:
        before = ("", "")
        for tag in tags:
            letter, label = _parts(tag)
            if not letter:
                return "labels"
            letters.add(letter)
            follows = before[0] in tuple("BI") and before[1] == label
            needless += letter == "B" and not follows
            bare += letter == "I" and not follows
            before = (letter, label)
    if letters & set("LU"):
        return "BILOU"
    if letters & set("ES"):
        return "IOBES"
    if letters <= {OUTSIDE}:
        return "labels"
    return "IOB2" if needless >= bare else "IOB1"


def spans_of(tags: Sequence[str], scheme: Scheme) -> tuple[list[Labelled], int]:
    """Return the spans of a sentence, and the number of tags that break the scheme.

    In "labels" each word is a span. A tag that continues no span of its type begins one, and a span that is
    not ended ends before the next one, or before the next word outside.
    """
    if scheme == "labels":
        return [Labelled(i, i + 1, tag) for i, tag in enumerate(tags)], 0
    found: list[Labelled] = []
    broken, is_open = 0, False
    ends_itself = scheme in ("IOBES", "BILOU")
    for i, tag in enumerate(tags):
        letter, label = _parts(tag)
        if not letter:
            raise ValueError(f"expected O or a tag of {scheme} such as B-{tag}, got {tag!r}")
        continues = is_open and letter in f"I{_LAST}" and found[-1].label == label
        broken += _breaks(letter, is_open=is_open, continues=continues, scheme=scheme)
        if letter == OUTSIDE:
            is_open = False
            continue
        if continues:
            found[-1] = found[-1]._replace(end=i + 1)
        else:
            found.append(Labelled(i, i + 1, label))
        is_open = letter not in f"{_LAST}{_SINGLE}"
    return found, broken + (ends_itself and is_open)


def _breaks(letter: str, *, is_open: bool, continues: bool, scheme: Scheme) -> bool:
    """Return whether a tag may not stand where it stands."""
    inside = letter in f"I{_LAST}"
    if scheme == "IOB1":
        return letter == "B" and not is_open
    if scheme == "IOB2":
        return inside and not continues
    return inside != is_open or (inside and not continues)


def _parts(tag: str) -> tuple[str, str]:
    """Return the letter of a tag and its type; a letter of "" for what is no tag of a scheme."""
    if tag == OUTSIDE:
        return OUTSIDE, ""
    match = _TAG.fullmatch(tag)
    return (match[1], match[2]) if match and match[1] != OUTSIDE else ("", "")


def in_iob2(spans: Iterable[Labelled], length: int) -> tuple[str, ...]:
    """Return the tags of a sentence of `length` words in IOB2; the spans don't overlap."""
    tags = [OUTSIDE] * length
    for start, end, label in spans:
        tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    return tuple(tags)
