"""Drawings as the points of a pen, and as the offsets that networks read and write."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Drawing(NamedTuple):
    """What a pen drew: a character, a line of writing, a sketch."""

    points: np.ndarray
    """(N, 3) float32: x to the right, y down, and 1 where the pen is lifted after the point, else 0. The last
    point has 1."""
    label: str | None = None
    """The class, or the text that was written."""
    writer: str | None = None
    """Who drew it. Splits keep a writer's drawings together."""
    where: str = ""
    """The file, and the place in it, for messages."""


def to_offsets(points: np.ndarray) -> np.ndarray:
    """Return (N - 1, 3) float32: the way from each point to the next, and the pen at the next.

    Args:
        points: (N, 3), as in `Drawing`, N at least 1.
    """
    return np.concatenate([np.diff(points[:, :2], axis=0), points[1:, 2:]], axis=1).astype(np.float32)


def to_points(offsets: np.ndarray) -> np.ndarray:
    """Return (N + 1, 3) float32: the points from (0, 0) on, the inverse of `to_offsets` but for the place.

    Args:
        offsets: (N, 3), as `to_offsets` returns them.
    """
    start = np.zeros((1, 3), np.float32)
    ways = np.cumsum(offsets[:, :2], axis=0, dtype=np.float64)
    return np.concatenate([start, np.concatenate([ways, offsets[:, 2:]], axis=1)]).astype(np.float32)
