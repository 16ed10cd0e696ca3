"""The times of frames: their unit, the rate that they tell, and values at other times."""

from __future__ import annotations

import numpy as np

from ..errors import UserError

UNITS = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
"""How many seconds each unit has. The first in which frames come at least once a second is taken."""
_RATES = (0.01, 10_000.0)
_USUAL = 0.3  # steps differ from the median by less
_RATE_TOLERANCE = 0.1
"""Cameras take their time: at 30 frames a second most steps may be of 31 ms, and some of 40."""


def unit_of(times: np.ndarray, said: float | None) -> str:
    """Return the unit of rising numbers: one that fits the frames a second that are said, if any.

    Args:
        times: (frames,).
        said: frames a second, or None.
    """
    steps = np.diff(times)
    steps = steps[steps > 0]
    if not len(steps):
        return "seconds"
    step = float(np.median(steps))
    if said:
        fitting = (unit for unit, size in UNITS.items() if _fits(1 / (step * size), said))
        return next(fitting, unit_of(times, None))
    return next((unit for unit, size in UNITS.items() if step * size <= 1), "nanoseconds")


def _fits(measured: float, said: float) -> bool:
    return abs(measured / said - 1) <= _RATE_TOLERANCE


def rate_of(
    where: str, said: float | None, times: np.ndarray | None, otherwise: float | None = None
) -> float:
    """Return the frames a second that are said, or else those that the times tell, to a hundredth.

    Args:
        where: the file, for messages.
        said: what the file or a table says, or None.
        times: (frames,) in seconds, or None.
        otherwise: what is taken if nothing is said, and there are no times.

    Raises:
        UserError: nothing tells the rate, it is out of range, or the times tell another one than is said.
    """
    steps = _usual_steps(times) if times is not None else np.empty(0)
    said = otherwise if said is None and not len(steps) else said
    if said is None and not len(steps):
        raise UserError(f"{where}: expected a rate, times of two frames or more, or --rate")
    measured = 1 / float(steps.mean()) if len(steps) else float(said or 0)
    rate = said if said is not None else round(measured, 2)
    if not _RATES[0] <= rate <= _RATES[1]:
        raise UserError(f"{where}: expected {_RATES[0]:g} to {_RATES[1]:,.0f} frames a second, got {rate:g}")
    if said is not None and not _fits(measured, said):
        raise UserError(f"{where}: its times say {measured:.4g} frames a second, expected {said:g}")
    return rate


def _usual_steps(times: np.ndarray) -> np.ndarray:
    """Return the steps near the median; their mean is exact where times are written in whole milliseconds."""
    steps = np.diff(times)
    steps = steps[steps > 0]
    return steps[np.abs(steps / np.median(steps) - 1) < _USUAL] if len(steps) else steps


def require_rising(where: str, times: np.ndarray) -> None:
    """Raise a UserError that names the first frame whose time is no number, or before that of the last."""
    wrong = ~np.isfinite(times)
    wrong[1:] |= ~(np.diff(times) >= 0)
    if wrong.any():
        frame = int(np.argmax(wrong)) + 1
        raise UserError(f"{where}: expected times that rise, frame {frame} has {times[frame - 1]:g}")


def at_times(values: np.ndarray, times: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return values at other times, by straight lines.

    Args:
        values: (frames, ...), numbers.
        times: (frames,), each after the one before.
        wanted: (steps,); before the first time the first value is taken, after the last the last.
    """
    if len(times) == 1:
        return np.repeat(values, len(wanted), axis=0)
    right = np.clip(np.searchsorted(times, wanted), 1, len(times) - 1)
    share = (wanted - times[right - 1]) / (times[right] - times[right - 1])
    share = np.clip(share, 0, 1).reshape(-1, *[1] * (values.ndim - 1))
    return values[right - 1] * (1 - share) + values[right] * share


def nearest(times: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return for each wanted time the number of the frame whose time is nearest."""
    between = (times[1:] + times[:-1]) / 2
    return np.searchsorted(between, wanted)
