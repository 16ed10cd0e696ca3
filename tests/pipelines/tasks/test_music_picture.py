"""The picture of a piece, read pixel by pixel."""

import io

import numpy as np
import pytest
from PIL import Image

from pipelines.tasks.music_picture import png

BLUE, ORANGE = (31, 119, 180), (255, 127, 14)
PIECE = np.array([[72, 48]] + [[-72, -48]] * 15 + [[74, 0]] + [[-74, 0]] * 15, np.int16)


def pixels(*arguments: object) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png(*arguments))).convert("RGB")).astype(int)


def where(sheet: np.ndarray, colour: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    return np.nonzero((sheet == colour).all(axis=2))


def test_notes_are_drawn_right_of_the_names_of_notes_and_above_the_numbers_of_bars() -> None:
    sheet = pixels(PIECE, 4)
    rows, columns = where(sheet, BLUE)
    low_rows, low_columns = where(sheet, ORANGE)
    assert rows.max() < low_rows.min()
    assert columns.max() - columns.min() == 32 * 6 - 2
    assert low_columns.max() - low_columns.min() == 16 * 6 - 2
    dark = (sheet < 120).all(axis=2)
    left, below = (
        dark[: low_rows.max(), : columns.min() - 1],
        dark[low_rows.max() + 17 :, columns.min() - 9 :],
    )
    assert left.any(axis=1).sum() > 50  # names of notes, from the lowest to the highest
    assert below[:, :20].any()  # bar 1
    assert below[:, 86:116].any()  # bar 2
    assert not below[:, 30:80].any()


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_a_legend_has_the_colour_of_each_voice_where_there_are_several(count: int) -> None:
    top = pixels(PIECE, 4, [f"Voice {voice}" for voice in range(count)])[:20]
    for colour in (BLUE, ORANGE):
        assert where(top, colour)[0].any() == (count == 2)


def test_silence_and_a_single_step_can_be_drawn() -> None:
    assert pixels(np.zeros((1, 1), np.int16), 4, ("Voice 1",)).min() < 120
