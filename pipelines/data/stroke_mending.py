"""Make the drawings of files sound by stated rules, and name those that were broken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import UserError
from .stroke_reading import Found, Reading
from .stroke_resampling import by_length, by_time, length_of, repeated, without_repeats

LARGEST = 1e9
"""Larger coordinates are no numbers here: float32 has no room for the ways between them."""
_NAMED = 3


class _Left(Exception):  # noqa: N818  # it is no error: a drawing is left out
    """Why a drawing is left out."""


def mended(found: Sequence[Found], source: str, reading: Reading) -> tuple[list[Found], list[str]]:
    """Return sound drawings, resampled if `reading` says so, and notes about the others.

    A drawing is left out if it has no points, a point that is no number or beyond `LARGEST`, fewer than two
    points in the end (a single dot has no way), more than `reading.most`, or times that go back and are
    needed. If the pen is not lifted after the last point, it is lifted there. A stroke of one point stays as
    a dot. Points that repeat the one before stay, or are left out if `reading.repeats` is false.

    Args:
        found: the drawings.
        source: the name of the data in notes.
        reading: the settings.

    Raises:
        UserError: `reading.rate` is set, and a drawing has no times.
    """
    kept, told = list[Found](), dict[str, list[str]]()
    for each in found:
        try:
            sound, said = _sound(each, reading)
        except _Left as why:
            told.setdefault(f"drawings left out: {why}", []).append(each.drawing.where)
            continue
        kept.append(sound)
        for what in said:
            told.setdefault(what, []).append(each.drawing.where)
    notes = [f"{source}: {len(where):,} {what} ({_some(where)})" for what, where in sorted(told.items())]
    return kept, notes


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")


def _sound(found: Found, reading: Reading) -> tuple[Found, list[str]]:
    """Return a sound drawing, and what was odd about it."""
    points, said = found.drawing.points, list[str]()
    if not len(points):
        raise _Left("no points")
    with np.errstate(invalid="ignore"):
        numbers = np.abs(points[:, :2]) <= LARGEST  # false for NaN
    if not numbers.all():
        raise _Left(f"a point is no number, or beyond {LARGEST:g}")
    if not points[-1, 2]:
        said.append(
            "drawings end with the pen down: it is lifted there"
            if points[:, 2].any()
            else "drawings have a pen that never lifts: it is lifted after the last point"
        )
        points = points.copy()
        points[-1, 2] = 1
    points = _resampled(points, found, reading)
    if not reading.repeats:
        points = without_repeats(points)
    elif repeated(points).any():
        said.append("drawings have points that repeat the one before: they stay")
    if len(points) < 2:
        raise _Left("a single dot")
    if len(points) > reading.most:
        raise _Left(f"more than {reading.most:,} points")
    lifts = points[:, 2] > 0
    if (lifts & np.concatenate([[True], lifts[:-1]])).any():
        said.append("drawings have strokes of one point: they stay as dots")
    return found._replace(drawing=found.drawing._replace(points=points), times=None), said


def _resampled(points: np.ndarray, found: Found, reading: Reading) -> np.ndarray:
    """Return the points at the rate or the step that is wanted, unless they would be too many."""
    if reading.rate:
        times = found.times
        if times is None:
            raise UserError(f"{found.drawing.where}: expected times, to resample drawings to a rate")
        if not (np.diff(times) >= 0).all() or not np.isfinite(times).all():
            raise _Left("its times go back, or are no numbers")
        if (times[-1] - times[0]) * reading.rate > reading.most:
            raise _Left(f"more than {reading.most:,} points")
        points = by_time(points, times, reading.rate)
    if reading.step:
        if length_of(points) / reading.step > reading.most:
            raise _Left(f"more than {reading.most:,} points")
        points = by_length(points, reading.step)
    return points
