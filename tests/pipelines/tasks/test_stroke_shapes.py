"""Shapes of drawings: by hand, the same at every size and speed, and who reads them."""

from __future__ import annotations

import numpy as np

from pipelines.data.strokes import Drawing
from pipelines.tasks.stroke_shapes import ShapeReader, shapes

HOOK = Drawing(np.array([[0, 0, 0], [31, 0, 0], [31, 62, 1]], np.float32), "hook")
DASH = Drawing(np.array([[0, 0, 0], [40, 1, 1]], np.float32), "dash")


def test_points_by_number_and_by_length() -> None:
    """The way of the hook is 93 long, so each of 31 parts is 3 long by length; half of them by number."""
    even, by_number = (shapes([HOOK], by_length=each).reshape(32, 3) for each in (True, False))
    places = np.arange(32) * 3.0
    np.testing.assert_allclose(even[:, 0], np.minimum(places, 31) / 62, atol=1e-6)
    np.testing.assert_allclose(even[:, 1], np.maximum(0, places - 31) / 62, atol=1e-6)
    assert (by_number[:, 1] == 0).sum() == 16
    assert even[0, 2] == by_number[0, 2] == 0
    assert even[-1, 2] == by_number[-1, 2] == 1


def test_a_shape_by_length_is_the_same_at_every_place_size_and_speed() -> None:
    slow = np.array([[5, 7, 0], [8, 7, 0], [8, 7, 0], [36, 7, 0], [36, 8, 0], [36, 69, 1]], np.float32)
    slow[:, :2] *= 3
    found = shapes([HOOK, Drawing(slow)], by_length=True)
    np.testing.assert_allclose(found[0].reshape(32, 3)[:, :2], found[1].reshape(32, 3)[:, :2], atol=1e-6)
    still = Drawing(np.zeros((2, 3), np.float32))
    assert np.isfinite(shapes([still], by_length=True)).all()


def test_the_reader_learns_from_drawings_and_tells_others_apart() -> None:
    rng = np.random.default_rng(0)

    def some(count: int) -> list[Drawing]:
        chosen = [(HOOK, DASH)[number % 2] for number in range(count)]
        noise = [np.pad(rng.normal(size=(len(each.points), 2)), ((0, 0), (0, 1))) for each in chosen]
        return [each._replace(points=each.points + n) for each, n in zip(chosen, noise, strict=True)]

    reader, others = ShapeReader(some(20)), some(10)
    assert reader.share_right(others) == 1
    assert reader.share_right([*others, DASH._replace(label="hook"), HOOK]) == 11 / 12
