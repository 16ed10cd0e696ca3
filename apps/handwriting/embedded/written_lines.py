"""The embedded handwriting: lines of text, characters and digits by made-up writers, split by writer."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipelines.data.strokes import Drawing

from .phrases import LONGEST, phrases
from .stroke_font import CHARACTERS
from .writers import hand
from .writing import written

SPLITS = ("train", "validation", "test")
_TURN = ("train",) * 5 + ("validation", "test")
"""The splits of seven writers, again and again: a writer has the same split in every set."""
_SEED = 1
_CARE = 0.6  # the speed of single characters
DESCRIPTION = """\
Generated handwriting: the points of a pen, taken at equal times. Each character has strokes of a font that
was drawn for this project, with one to three shapes. Made-up writers differ in size, slant, proportions,
shapes and habits, gaps, drift of the line, tremor, speed, and in whether they join small letters. Writers of
validation and test have written nothing in train, and no text of a line is in two splits. `characters` has
letters, digits and signs without their line, where some can't be told apart: o, O and 0, for example.

The set shows that the pipeline works. Results on it say little about real handwriting."""
LICENCE = "Apache-2.0"


class _Size(NamedTuple):
    writers: tuple[int, int, int]
    """Of train, validation and test."""
    each: tuple[int, int, int]
    """Lines of each writer, or repetitions of each character."""
    characters: str = ""
    """The single characters that are written; empty for lines."""
    longest: int = LONGEST
    """Characters of a line."""


SIZES = {
    "lines": _Size((150, 30, 30), (20, 10, 10)),
    "digits": _Size((150, 30, 30), (2, 2, 2), "0123456789"),
    "characters": _Size((150, 30, 30), (1, 1, 1), CHARACTERS.strip()),
    "small": _Size((12, 4, 4), (8, 6, 6), longest=10),
    "small_digits": _Size((12, 4, 4), (1, 1, 1), "0123456789"),
}
"""The sets by name."""


def writers(split: str, count: int) -> list[str]:
    """Return the names of the first writers of a split.

    Args:
        split: train, validation or test.
        count: how many.
    """
    places = [place for place, each in enumerate(_TURN) if each == split]
    numbers = (turn * len(_TURN) + place for turn in range(count) for place in places)
    return [f"writer_{number:03}" for number, _ in zip(numbers, range(count), strict=False)]


def drawings(name: str) -> dict[str, list[Drawing]]:
    """Return the drawings of a set by split.

    Args:
        name: one of `SIZES`.

    Raises:
        KeyError: there is no such set.
    """
    size = SIZES[name]
    texts = _texts(size)
    made: dict[str, list[Drawing]] = {}
    for split, count, each in zip(SPLITS, size.writers, size.each, strict=True):
        made[split] = []
        for writer in writers(split, count):
            by = hand(writer)
            by = dataclasses.replace(by, speed=by.speed * _CARE) if size.characters else by
            if size.characters:
                todo = [(text, again) for again in range(each) for text in size.characters]
            else:
                todo = [(next(texts), 0) for _ in range(each)]
            made[split] += [written(text, writer, by, again) for text, again in todo]
    return made


def _texts(size: _Size) -> Iterator[str]:
    """Return the texts of all lines of a set in a random order: those drawn first are the likelier ones."""
    count = 0 if size.characters else int(np.dot(size.writers, size.each))
    found = phrases(count, _SEED, size.longest)
    return (found[place] for place in np.random.default_rng(_SEED).permutation(count))
