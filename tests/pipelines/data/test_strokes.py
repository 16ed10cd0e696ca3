"""Points of a pen as offsets, and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipelines.data.strokes import to_offsets, to_points


def test_offsets_by_hand() -> None:
    points = np.array([[1, 2, 0], [4, 2, 1], [4, 6, 1]], np.float32)
    np.testing.assert_array_equal(to_offsets(points), [[3, 0, 1], [0, 4, 1]])


@given(arrays(np.int16, st.tuples(st.integers(1, 20), st.just(2))), st.randoms())
def test_points_come_back_from_the_first_on(places: np.ndarray, random) -> None:
    pens = [[random.randrange(2)] for _ in places]
    points = np.concatenate([places, pens], axis=1).astype(np.float32)
    found = to_points(to_offsets(points))
    np.testing.assert_array_equal(found[:, :2], points[:, :2] - points[0, :2])
    np.testing.assert_array_equal(found[1:, 2], points[1:, 2])
