"""Pictures of attention."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageFont

from pipelines.tasks.alignment_picture import picture


def test_cells_are_as_dark_as_their_weights() -> None:
    weights = np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    image = np.asarray(picture(["\u2581a", "b", "\n"], ["\u2581c", "d"], weights)).astype(int)
    below, right = image.shape[0] - 12 - 2 * 22, image.shape[1] - 12 - 3 * 22
    middles = image[below + 11 :: 22, right + 11 :: 22][:2, :3]
    np.testing.assert_allclose(middles / 255, 1 - weights, atol=0.01)


def test_long_texts_are_cut_and_empty_ones_drawn() -> None:
    long = ["piece"] * 150
    size = picture(long, long[:3], np.zeros((3, 150))).size
    assert 100 * 22 < size[0] < 110 * 22 + 100
    assert min(picture([], [], np.zeros((0, 0))).size) > 0


def test_letters_beyond_ascii_are_drawn_if_a_font_of_the_system_has_them() -> None:
    try:
        ImageFont.truetype("DejaVuSans.ttf", 14)
    except OSError:
        pytest.skip("needs the font DejaVu Sans")
    weights = np.ones((1, 1))
    drawn = [np.asarray(picture([letter], ["a"], weights)) for letter in "\u0634\u0431"]
    assert drawn[0].shape != drawn[1].shape or (drawn[0] != drawn[1]).any()
