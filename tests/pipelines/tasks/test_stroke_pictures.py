"""Pictures of drawings, read again: subpaths, pixels, frames, and their bounds."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from pipelines.data.strokes import Drawing
from pipelines.tasks.stroke_pictures import gif, png, png_sheet, svg, svg_sheet

SVG = "{http://www.w3.org/2000/svg}"
# A long stroke from left to right, and a short one that starts below its end.
TWO = Drawing(
    np.array([[0, 0, 0], [50, 0, 0], [100, 0, 1], [100, 40, 0], [80, 40, 1]], np.float32), "a < b & c"
)
EMPTY = Drawing(np.zeros((0, 3), np.float32))
DOT = Drawing(np.array([[7, 7, 1]], np.float32))
BROKEN = Drawing(np.array([[0, 0, 0], [10, 0, 0], [np.nan, 5, 0], [20, 0, 0], [30, 0, 1]], np.float32))


def many(count: int, pen_every: int) -> Drawing:
    rng = np.random.default_rng(0)
    points = np.cumsum(rng.normal(size=(count, 2)), axis=0)
    lifted = np.arange(1, count + 1) % pen_every == 0
    return Drawing(np.column_stack([points, lifted]).astype(np.float32), "many")


def subpaths(text: str) -> list[np.ndarray]:
    """Return the points of each subpath of all paths of an SVG file."""
    found = []
    for path in ElementTree.fromstring(text).iter(f"{SVG}path"):
        for part in path.attrib["d"].split("M")[1:]:
            found.append(np.array(re.findall(r"-?[\d.]+", part), float).reshape(-1, 2))
    return found


def pixels(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)).convert("L")).astype(int)


def test_an_svg_has_a_subpath_for_each_stroke_and_keeps_the_proportions() -> None:
    text = svg(TWO, 224)
    first, second = subpaths(text)
    np.testing.assert_allclose(first, [[12, 12], [112, 12], [212, 12]], atol=0.1)
    np.testing.assert_allclose(second, [[212, 92], [172, 92]], atol=0.1)
    root = ElementTree.fromstring(text)
    assert (root.attrib["width"], root.attrib["height"]) == ("224", "104")
    assert root.find(f"{SVG}title").text == "a < b & c"


def test_a_png_has_ink_on_the_strokes_and_none_between_them() -> None:
    sheet = pixels(png(TWO, 224))
    assert sheet.shape == (104, 224)
    assert sheet[12, 14:210].max() < 90
    assert sheet[92, 175:210].max() < 90
    assert sheet[20:84].min() == 255  # the pen was lifted
    assert min(sheet[:8].min(), sheet[:, :8].min(), sheet[:, -8:].min(), sheet[-8:].min()) == 255


def test_a_gif_shows_more_ink_in_each_frame_and_all_of_it_at_last() -> None:
    drawing = many(300, 50)
    with Image.open(io.BytesIO(gif(drawing, 200))) as animation:
        assert animation.n_frames == 60
        assert animation.size == Image.open(io.BytesIO(png(drawing, 200))).size
        assert animation.info["loop"] == 0
        ink, red = [], []
        for frame in range(animation.n_frames):
            animation.seek(frame)
            colours = np.asarray(animation.convert("RGB")).astype(int)
            red.append((colours[..., 0] > colours[..., 1] + 50).any())
            ink.append((colours[..., 0] < 128).sum())
    assert red == [True] * 59 + [False]
    assert ink[0] < 40
    assert ink[-1] > ink[30] > ink[10] > ink[0]
    assert animation.info["duration"] == 1500
    last = np.asarray(animation.convert("L")).astype(int)
    assert np.abs(last - pixels(png(drawing, 200))).mean() < 4


def test_a_gif_of_few_points_has_a_frame_for_each() -> None:
    with Image.open(io.BytesIO(gif(TWO))) as animation:
        assert animation.n_frames == 5


@pytest.mark.parametrize("drawing", [EMPTY, DOT, Drawing(np.full((4, 3), np.nan, np.float32))])
def test_nothing_and_a_dot_can_be_drawn(drawing: Drawing) -> None:
    inked = drawing is DOT
    assert len(subpaths(svg(drawing))) == inked
    assert (pixels(png(drawing)) < 128).any() == inked
    with Image.open(io.BytesIO(gif(drawing))) as animation:
        assert animation.n_frames == 1
    assert Image.open(io.BytesIO(png_sheet([drawing]))).width == 240
    assert len(subpaths(svg_sheet([drawing]))) == inked


def test_a_point_that_is_not_finite_ends_its_stroke() -> None:
    assert [len(each) for each in subpaths(svg(BROKEN))] == [2, 2]


@pytest.mark.parametrize("pen_every", [1, 7, 30_000])
def test_twenty_thousand_points_stay_bounded(pen_every: int) -> None:
    drawing = many(20_000, pen_every)
    text = svg(drawing)
    assert sum(map(len, subpaths(text))) <= 8_000
    assert len(text) < 150_000
    assert len(png(drawing)) < 400_000
    animation = gif(drawing)
    assert len(animation) < 4_000_000
    with Image.open(io.BytesIO(animation)) as opened:
        assert opened.n_frames <= 60
        assert max(opened.size) == 400


@pytest.mark.parametrize("make", [svg, png, gif])
def test_a_side_has_bounds_and_a_flat_line_some_height(make: Callable[..., bytes | str]) -> None:
    flat = Drawing(np.array([[0, 0, 0], [1e6, 1, 1]], np.float32))
    for side, width in ((1, 48), (300, 300), (10**9, 2000)):
        made = make(flat, side)
        if isinstance(made, str):
            size = tuple(int(ElementTree.fromstring(made).attrib[name]) for name in ("width", "height"))
        else:
            size = Image.open(io.BytesIO(made)).size
        assert size == (width, 48)


def test_a_contact_sheet_has_every_drawing_with_its_label() -> None:
    drawings = [TWO._replace(label=f"<{number}>\0") for number in range(7)]
    text = svg_sheet(drawings, 3, 120)
    assert len(subpaths(text)) == 14
    labels = [each.text for each in ElementTree.fromstring(text).iter(f"{SVG}text")]
    assert labels == [f"<{number}> " for number in range(7)]
    sheet = pixels(png_sheet(drawings, 3, 120))
    assert sheet.shape[1] == 360
    cells = [sheet[row * (sheet.shape[0] // 3) :][: sheet.shape[0] // 3] for row in range(3)]
    inked = [(cell[:, column * 120 :][:, :120] < 90).any() for cell in cells for column in range(3)]
    assert inked == [True] * 7 + [False] * 2


def test_a_contact_sheet_of_nothing_and_of_too_many_can_be_made() -> None:
    assert Image.open(io.BytesIO(png_sheet([]))).size == (240, 48)
    assert len(subpaths(svg_sheet([DOT] * 150))) == 100
