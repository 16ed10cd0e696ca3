"""Notes about many files, or many parts of one, as one line for each thing that was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_NAMED = 3  # the number of files that a note names


class Noted(NamedTuple):
    """What was found in a file."""

    what: str
    """Without the file's name, so that equal ones become one line."""
    where: str
    """The name of the file, or of a part of it."""
    number: int | None = None
    """How many are meant, if `what` goes on after a number."""


def grouped(source: str, noted: Sequence[Noted]) -> list[str]:
    """Return one line for each `what`, with the sum of the counts and the first names.

    Args:
        source: the name of the data, with which each line begins.
        noted: what was found, in the order of the files.
    """
    found: dict[str, dict[str, int | None]] = {}
    for each in noted:
        places = found.setdefault(each.what, {})
        before = places.get(each.where)
        places[each.where] = each.number if before is None else before + (each.number or 0)
    lines = []
    for what, places in found.items():
        counts = [count for count in places.values() if count is not None]
        number = f"{sum(counts):,} " if counts else ""
        lines.append(f"{source}: {number}{what}{_named(source, list(places))}")
    return lines


def _named(source: str, names: Sequence[str]) -> str:
    if list(names) == [source]:
        return ""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f" ({', '.join(names[:_NAMED])}{more})"
