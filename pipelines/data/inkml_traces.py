"""The numbers in a trace of InkML."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import numpy as np

_NUMBER = r"-?\s*(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_VALUE = re.compile(rf"\s*(?:([!'\"]?)\s*(?:#([0-9A-Fa-f]{{1,16}})|({_NUMBER}))|([*?TF]))")
_ORDERS = {"!": 0, "'": 1, '"': 2}
MOST_POINTS = 250_000
"""A file with more points is refused."""


class Channels(NamedTuple):
    """What the values of a point are."""

    names: tuple[str, ...]
    """Of those that each point has, and then those that it may have, in their order."""
    seconds: float = 0.0
    """The unit of the channel T; 0 without it."""


def decoded(text: str, channels: Channels) -> np.ndarray:
    """Return (n, 3) float64 x, y and seconds of a trace; NaN where they are not known.

    Args:
        text: points, with commas between them.
        channels: the channels.

    Raises:
        ValueError: a point is no row of values, or lacks x or y. The message is one line.
    """
    values = [_Value() for _ in channels.names]
    places = [channels.names.index(name) if name in channels.names else -1 for name in ("X", "Y", "T")]
    rows = [row for row in text.split(",") if row.strip()]
    points = np.empty((len(rows), 3))
    for number, row in enumerate(rows):
        count = _read(row, values)
        if count <= max(places[:2]):
            raise ValueError(f"expected {len(values)} values of a point, got {row.strip()[:40]!r}")
        points[number] = [values[at].value if at >= 0 else math.nan for at in places]
    points[:, 2] *= channels.seconds
    return points


class _Value:
    """The value of a channel, and how it changes from point to point."""

    def __init__(self) -> None:
        self.value, self._change = 0.0, 0.0
        self._order, self._last = 0, 0.0

    def follow(self, order: str, number: float) -> None:
        """Take an explicit value, a difference or a second difference; without a mark, as before."""
        self._order, self._last = _ORDERS.get(order, self._order), number
        if self._order == 0:
            self.value = number
        else:
            self._change = number if self._order == 1 else self._change + number
            self.value += self._change

    def stay(self) -> None:
        """Take the last number again: the same value, difference or second difference."""
        self.follow("", self._last)


def _read(row: str, values: list[_Value]) -> int:
    """Follow the values of a point, and return how many it has."""
    at, count = 0, 0
    row = row.strip()
    while at < len(row):
        found = _VALUE.match(row, at)
        if found is None or count == len(values):
            raise ValueError(f"expected {len(values)} values of a point, got {row[:40]!r}")
        order, whole, number, other = found.groups()
        if other == "*":
            values[count].stay()
        elif other:
            values[count].follow("!", math.nan if other == "?" else float(other == "T"))
        else:
            values[count].follow(order, float(int(whole, 16)) if whole else float("".join(number.split())))
        at, count = found.end(), count + 1
    return count
