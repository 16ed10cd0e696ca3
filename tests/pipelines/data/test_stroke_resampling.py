"""Resampled drawings: on the same lines, with the same ends, corners and lifts of the pen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipelines.data.stroke_resampling import by_length, by_time, length_of, repeated, without_repeats

PLACES = arrays(np.int16, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(-50, 50))
STEPS = st.floats(0.5, 200)


@st.composite
def drawings(draw) -> np.ndarray:
    places = draw(PLACES)
    pens = draw(arrays(np.int8, (len(places), 1), elements=st.integers(0, 1)))
    return np.concatenate([places, pens], axis=1).astype(np.float32)


def strokes(points: np.ndarray) -> list[np.ndarray]:
    return np.split(points[:, :2].astype(np.float64), np.flatnonzero(points[:-1, 2]) + 1)


def distance(point: np.ndarray, line: np.ndarray) -> float:
    """Return how far a point is from a polyline."""
    if len(line) == 1:
        return float(np.hypot(*(point - line[0])))
    begin, way = line[:-1], np.diff(line, axis=0)
    along = ((point - begin) * way).sum(axis=1) / np.maximum((way**2).sum(axis=1), 1e-12)
    return float(np.hypot(*(begin + np.clip(along, 0, 1)[:, None] * way - point).T).min())


def same_lines(found: np.ndarray, points: np.ndarray) -> None:
    assert found.dtype == np.float32
    assert found[-1, 2] == points[-1, 2]
    olds, news = strokes(points), strokes(found)
    for old, new in zip(olds, news, strict=True):
        np.testing.assert_array_equal(new[[0, -1]], old[[0, -1]])
        assert max(distance(point, old) for point in new) < 1e-3


@settings(deadline=None)
@given(drawings(), STEPS)
def test_points_at_equal_lengths_are_on_the_lines(points: np.ndarray, step: float) -> None:
    found = by_length(points, step)
    same_lines(found, points)
    assert length_of(found) <= length_of(points) + 1e-3
    for new in strokes(found):
        assert (np.hypot(*np.diff(new, axis=0).T) <= 1.5 * step + 1e-3).all()
    assert len(found) <= 2 * length_of(points) / step + 2 * len(points)


@settings(deadline=None)
@given(st.floats(0.3, 1.4), st.integers(20, 200), st.floats(2, 6))
def test_the_length_of_a_smooth_way_stays(turn: float, count: int, step: float) -> None:
    angle = np.linspace(0, turn * np.pi, count)
    curve = 40 * np.stack([np.cos(angle), np.sin(angle), np.zeros(count)], axis=1).astype(np.float32)
    found = by_length(curve, step)
    assert length_of(found) == pytest.approx(length_of(curve), rel=0.01)
    ways = np.hypot(*np.diff(found[:, :2], axis=0).T)
    assert ways.max() < 1.05 * ways.min()


def test_a_corner_stays_and_the_teeth_of_a_grid_are_none() -> None:
    corner = np.array([[0, 0, 0], [10, 0, 0], [10, 7, 1]], np.float32)
    np.testing.assert_array_equal(
        by_length(corner, 4), [[0, 0, 0], [5, 0, 0], [10, 0, 0], [10, 3.5, 0], [10, 7, 1]]
    )
    stairs = np.repeat(np.arange(41), 2)
    teeth = np.stack([stairs[1:], stairs[:-1], np.zeros(81)], axis=1).astype(np.float32)
    found = by_length(teeth, 8)
    assert len(found) == 11  # 80 long, without corners


def test_dots_repeats_and_short_strokes() -> None:
    points = np.array([[1, 1, 0], [1, 1, 1], [5, 5, 1], [7, 7, 0], [7, 8, 0], [7, 8, 1]], np.float32)
    np.testing.assert_array_equal(by_length(points, 4), [[1, 1, 1], [5, 5, 1], [7, 7, 0], [7, 8, 1]])
    assert repeated(points).tolist() == [False, True, False, False, False, True]
    np.testing.assert_array_equal(without_repeats(points), [[1, 1, 1], [5, 5, 1], [7, 7, 0], [7, 8, 1]])
    assert without_repeats(points[:0]).shape == (0, 3)


@settings(deadline=None)
@given(drawings())
def test_without_repeats_the_lines_stay(points: np.ndarray) -> None:
    found = without_repeats(points)
    same_lines(found, points)
    assert not repeated(found).any()
    assert length_of(found) == pytest.approx(length_of(points))


@settings(deadline=None)
@given(drawings(), st.floats(0.5, 20), st.randoms())
def test_points_at_equal_times_are_on_the_lines(points: np.ndarray, rate: float, random) -> None:
    times = np.cumsum([random.choice([0, 0.01, 0.4]) for _ in points])
    same_lines(by_time(points, times, rate), points)


@settings(deadline=None)
@given(st.integers(2, 50), st.integers(1, 8))
def test_even_motion_has_equal_ways(count: int, rate: int) -> None:
    assume((count - 1) * rate > 1)
    points = np.stack([np.arange(count), np.zeros(count), np.zeros(count)], axis=1).astype(np.float32)
    found = by_time(points, np.arange(count), rate)
    np.testing.assert_allclose(np.diff(found[:, 0]), 1 / rate, rtol=1e-4)
