"""Drawings in pixels: scaled, with margins, thinned out where there are too many points, in rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..data.strokes import Drawing

_MARGIN = 12  # pixels around the ink
_LEAST, _MOST = 4 * _MARGIN, 2000  # of a side, in pixels
_POINTS = 5000  # that are drawn of one drawing
_CELLS = 100  # drawings of a contact sheet
CAPTION = 18
"""Pixels below a drawing for its label."""


class Ink(NamedTuple):
    """A drawing in pixels."""

    strokes: list[np.ndarray]
    """Each (N, 2) float64, at least one point."""
    width: int
    height: int
    pen: float
    """The width of a line."""


def fitted(drawing: Drawing, side: int, most: int = _POINTS) -> Ink:
    """Return a drawing in pixels, with a margin.

    Args:
        drawing: points that are not finite numbers are left out, and end their stroke.
        side: the longer side in pixels; 48 to 2,000, else the nearest of these.
        most: about how many points are kept.
    """
    side = int(np.clip(side, _LEAST, _MOST))
    pen = max(1.6, side / 250)
    strokes = _some(_strokes(drawing.points), most)
    if not strokes:
        return Ink([], side, _LEAST, pen)
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    extent = high - low
    scale = (side - 2 * _MARGIN) / extent.max() if extent.max() > 0 else 1.0
    sides = np.maximum(np.ceil(extent * scale).astype(int) + 2 * _MARGIN, _LEAST)
    middle = (low + high) / 2
    placed = [(stroke - middle) * scale + sides / 2 for stroke in strokes]
    return Ink(placed, int(sides[0]), int(sides[1]), pen)


def _strokes(points: np.ndarray) -> list[np.ndarray]:
    """Return what is drawn without lifting the pen, each (N, 2) float64."""
    points = np.asarray(points, np.float64).reshape(-1, 3)
    there = np.isfinite(points).all(axis=1)
    ends = ~there | (points[:, 2] > 0.5)
    number = np.concatenate([[0], np.cumsum(ends)[:-1]]) if len(points) else np.zeros(0)
    cuts = np.flatnonzero(np.diff(number[there])) + 1
    return [each for each in np.split(points[there, :2], cuts) if len(each)]


def _some(strokes: list[np.ndarray], most: int) -> list[np.ndarray]:
    """Return strokes with at most about `most` points: every second or third of them, and so on."""
    if len(strokes) > most // 2:
        strokes = strokes[:: math.ceil(len(strokes) / (most // 2))]
    every = math.ceil(sum(map(len, strokes)) / most)
    if every < 2:
        return strokes
    return [np.concatenate([each[:-1:every], each[-1:]]) for each in strokes]


def sheet(
    drawings: Sequence[Drawing], columns: int, side: int
) -> tuple[list[tuple[Ink, int, int]], tuple[int, int]]:
    """Return the drawings with the places of their upper left corners, and the size of the sheet.

    Args:
        drawings: the first 100 are taken.
        columns: drawings in a row.
        side: the width of a column in pixels.
    """
    side = int(np.clip(side, _LEAST, _MOST))
    some = drawings[:_CELLS]
    inks = [fitted(each, side, max(100, 4 * _POINTS // len(some))) for each in some]
    columns = max(1, min(columns, len(inks), _MOST // side))
    placed, top = [], 0
    for first in range(0, len(inks), columns):
        row = inks[first : first + columns]
        placed += [(ink, place * side + (side - ink.width) // 2, top) for place, ink in enumerate(row)]
        top += max(ink.height for ink in row) + CAPTION
    return placed, (columns * side, max(top, _LEAST))


def printable(label: str | None) -> str:
    """Return a label as one line without control characters, which XML does not allow.

    Args:
        label: the label, or None for an empty one.
    """
    return "".join(each if each.isprintable() else " " for each in label or "")[:80]
