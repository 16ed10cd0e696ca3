"""Resample drawings: points at equal lengths of the pen's way, or at equal times."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

CORNER = np.pi / 3
"""Where the way turns by more than this angle, its corner stays a point."""


def by_length(points: np.ndarray, step: float) -> np.ndarray:
    """Return points on the same lines, about `step` apart.

    The first and the last point of each stroke stay, and so do corners: where the way turns by more than 60
    degrees between the `step` before a point and the `step` after it, the sharpest within a `step`. Between
    these the points are at equal lengths, as near to `step` as whole numbers allow. Repeated points become
    one, and a stroke without length a dot.

    Args:
        points: (N, 3), as in `Drawing`.
        step: the length, above 0, in the units of the points.

    Returns:
        (M, 3) float32.
    """
    return _with_pens(points, [_even(stroke, step) for stroke in _strokes(points)])


def by_time(points: np.ndarray, times: np.ndarray, rate: float) -> np.ndarray:
    """Return points on the same lines, about 1 / `rate` seconds apart.

    The first and the last point of each stroke stay; what the pen did while it was lifted is not known.

    Args:
        points: (N, 3), as in `Drawing`.
        times: (N,) seconds that never decrease.
        rate: points per second, above 0.

    Returns:
        (M, 3) float32.
    """
    clocks = np.split(times.astype(np.float64), _begins(points))
    found = []
    for stroke, clock in zip(_strokes(points), clocks, strict=True):
        count = max(1, round((clock[-1] - clock[0]) * rate)) if len(clock) > 1 else 0
        new = _at(np.linspace(clock[0], clock[-1], count + 1), clock, stroke)
        new[[0, -1]] = stroke[[0, -1]]  # of points at the same time, too
        found.append(new)
    return _with_pens(points, found)


def length_of(points: np.ndarray) -> float:
    """Return the length of the way of the pen while it is down, in the units of the points (N, 3)."""
    return float(sum(_ways(stroke).sum() for stroke in _strokes(points)))


def without_repeats(points: np.ndarray) -> np.ndarray:
    """Return the points (N, 3) without those that are where the point before in the same stroke is."""
    again = repeated(points)
    kept = points[~again].copy()
    lifted = np.add.reduceat(points[:, 2], np.flatnonzero(~again)) if len(points) else kept[:, 2]
    kept[:, 2] = lifted > 0
    return kept


def repeated(points: np.ndarray) -> np.ndarray:
    """Return (N,) bool: whether a point is where the point before in the same stroke is."""
    same = (points[1:, :2] == points[:-1, :2]).all(axis=1) & (points[:-1, 2] == 0)
    return np.concatenate([np.zeros(min(1, len(points)), bool), same])


def _strokes(points: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the places (n, 2) float64 of each stroke."""
    yield from np.split(points[:, :2].astype(np.float64), _begins(points))


def _begins(points: np.ndarray) -> np.ndarray:
    """Return the index of the first point of each stroke but the first."""
    return np.flatnonzero(points[:-1, 2]) + 1


def _ways(stroke: np.ndarray) -> np.ndarray:
    return np.hypot(*np.diff(stroke, axis=0).T)


def _at(places: np.ndarray, known: np.ndarray, stroke: np.ndarray) -> np.ndarray:
    """Return the points (M, 2) of a stroke at places, if `known` are the places of its own points."""
    return np.stack([np.interp(places, known, axis) for axis in stroke.T], axis=1)


def _even(stroke: np.ndarray, step: float) -> np.ndarray:
    """Return points (M, 2) at equal lengths between the ends and the corners of a stroke."""
    arc = np.concatenate([[0.0], np.cumsum(_ways(stroke))])
    first = np.concatenate([[True], np.diff(arc) > 0])  # of points in one place
    arc, stroke = arc[first], stroke[first]
    fixed = arc[[0, *_corners(stroke, arc, step), -1]] if len(arc) > 1 else arc
    parts = [
        np.linspace(begin, end, max(1, round((end - begin) / step)), endpoint=False)
        for begin, end in itertools.pairwise(fixed)
    ]
    return _at(np.concatenate([*parts, arc[-1:]]), arc, stroke)


def _corners(stroke: np.ndarray, arc: np.ndarray, step: float) -> list[int]:
    """Return the indices of the corners among distinct points, in order."""
    sides = []
    for at in (arc - step, arc + step):
        there = _at(at, arc, stroke) - stroke
        sides.append(there[:, 0] + 1j * there[:, 1])
    turns = np.abs(np.angle(-sides[1] * np.conj(sides[0])))
    turns[[0, -1]] = 0
    free, found = turns > CORNER, []
    for index in np.argsort(-turns, kind="stable").tolist():
        if turns[index] <= CORNER:
            break
        if free[index]:
            found.append(index)
            near = np.searchsorted(arc, [arc[index] - step, arc[index] + step], side="right")
            free[slice(*near)] = False
    return sorted(found)


def _with_pens(points: np.ndarray, strokes: list[np.ndarray]) -> np.ndarray:
    """Return resampled strokes (n, 2) as points; the pen is lifted where it was."""
    lifted = points[np.append(_begins(points), len(points)) - 1, 2]
    new = np.zeros((sum(map(len, strokes)), 3), np.float32)
    new[:, :2] = np.concatenate(strokes)
    new[np.cumsum([len(stroke) for stroke in strokes]) - 1, 2] = lifted
    return new
