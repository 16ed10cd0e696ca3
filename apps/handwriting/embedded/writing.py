"""A text in a hand as the points of a pen, taken at equal times: slow at ends and in tight curves."""

from __future__ import annotations

import zlib

import numpy as np

from pipelines.data.strokes import Drawing

from .letters import strokes_of
from .writers import Hand

MOST = 400
"""Characters of a text."""
_SLOWEST, _AT_ENDS = 0.22, 0.35  # of the full speed: in a corner, and where the pen is set down or lifted
_WIDE = 6.0  # the radius of a curve that is written at full speed
_RAMP = 5.0  # the way to full speed


def written(text: str, writer: str, by: Hand, repetition: int = 0) -> Drawing:
    """Return a text as a writer writes it; the same arguments give the same drawing.

    Args:
        text: of `CHARACTERS`, at most 400, and not of spaces alone.
        writer: the name.
        by: `hand(writer)`, which the caller makes once.
        repetition: any whole number from 0 on.

    Raises:
        ValueError: the text is too long, or has nothing to write.
        KeyError: the font lacks a character.
    """
    if not text.strip() or len(text) > MOST:
        raise ValueError(f"expected 1 to {MOST} characters that are not all spaces, found {text[:50]!r}")
    rng = np.random.default_rng([2014, zlib.crc32(writer.encode()), zlib.crc32(text.encode()), repetition])
    strokes = strokes_of(text, by, rng)
    line = np.concatenate(strokes)
    last = np.cumsum([len(each) for each in strokes]) - 1
    phase, pace = rng.uniform(0, 2 * np.pi), rng.uniform(0.02, 0.05)
    line[:, 0] += by.slant * line[:, 1]
    line[:, 1] += by.slope * line[:, 0] + by.wave * np.sin(phase + pace * line[:, 0])
    points, lifted = _at_equal_times(_smoothed(line, last, by.rounding), last, by, rng)
    points += _smoothed(rng.normal(0, 2 * by.tremor, points.shape), lifted, 2)
    pen = np.zeros(len(points))
    pen[lifted] = 1
    drawn = np.column_stack([by.size * points[:, 0], -by.size * points[:, 1], pen])
    return Drawing(drawn.astype(np.float32), text, writer, f"{writer}: {text!r}")


def _smoothed(values: np.ndarray, last: np.ndarray, times: int) -> np.ndarray:
    """Return means of neighbours, again and again; the ends of strokes stay.

    Args:
        values: (N, ...), strokes one after another.
        last: the places of their last points.
        times: how often.
    """
    ends = np.concatenate([[0], last, last[:-1] + 1])
    kept = values[ends]
    for _ in range(times):
        means = values.copy()
        means[1:-1] += 0.25 * (values[:-2] - 2 * values[1:-1] + values[2:])
        means[ends] = kept
        values = means
    return values


def _at_equal_times(
    line: np.ndarray, last: np.ndarray, by: Hand, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the points where the pen is at equal times, and the places of the last points of strokes."""
    speed = _smoothed(_speed(line, last, by), last, 3)
    way = np.linalg.norm(np.diff(line, axis=0), axis=1)
    way[last[:-1]] = 0  # the pen is in the air
    took = way / (0.5 * (speed[:-1] + speed[1:]))
    clock = np.concatenate([[0], np.cumsum(took)])
    first = np.concatenate([[0], last[:-1] + 1])
    steps = np.maximum(1, np.round(clock[last] - clock[first])).astype(int)
    ends = np.cumsum(steps + 1) - 1
    number = np.repeat(np.arange(len(last)), steps + 1)
    place = np.arange(ends[-1] + 1) - np.concatenate([[0], ends[:-1] + 1])[number]
    times = clock[first][number] + (clock[last] - clock[first])[number] * place / steps[number]
    apart = np.repeat(np.arange(len(last)), last - first + 1)  # a second between strokes, so that none mix
    found = [np.interp(times + number, clock + apart, line[:, axis]) for axis in range(2)]
    return np.column_stack(found), ends


def _speed(line: np.ndarray, last: np.ndarray, by: Hand) -> np.ndarray:
    """Return the way in a unit of time at each point: less in tight curves, and near the ends of strokes."""
    steps = np.diff(line, axis=0)
    way = np.linalg.norm(steps, axis=1)
    way[last[:-1]] = 0
    heading = np.arctan2(steps[:, 1], steps[:, 0])
    turn = np.abs((np.diff(heading) + np.pi) % (2 * np.pi) - np.pi)
    radius = np.full(len(line), _WIDE)
    radius[1:-1] = 0.5 * (way[:-1] + way[1:]) / np.maximum(turn, 1e-3)
    eased = np.clip((radius / _WIDE) ** by.braking, _SLOWEST, 1)
    along = np.concatenate([[0], np.cumsum(way)])
    first = np.concatenate([[0], last[:-1] + 1])
    number = np.repeat(np.arange(len(last)), last - first + 1)
    to_end = np.minimum(along - along[first][number], along[last][number] - along)
    ramp = np.minimum(_AT_ENDS + (1 - _AT_ENDS) * to_end / _RAMP, 1)
    return by.speed * np.minimum(eased, ramp)
