"""Draw attention between two texts: a row for each piece of the target, a column for each of the source."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from ..ondevice.subwords import LINE, SPACE
from .fonts import font_of

_CELL, _MARGIN, _GAP = 22, 12, 6  # pixels
_MOST = 100  # pieces each way


def png(source: Sequence[str], target: Sequence[str], weights: np.ndarray) -> bytes:
    """Return a PNG file of `picture`."""
    content = io.BytesIO()
    picture(source, target, weights).save(content, "PNG")
    return content.getvalue()


def picture(source: Sequence[str], target: Sequence[str], weights: np.ndarray) -> Image.Image:
    """Return the picture; the darker a cell, the larger the weight.

    Args:
        source, target: the pieces, at most 100 of each; "_" begins a word, "|" is the end of a line.
        weights: from 0 to 1, (target pieces, source pieces).
    """
    source, target = source[:_MOST], target[:_MOST]
    texts = {piece: piece.replace(SPACE, "_").replace(LINE, "|") for piece in (*source, *target)}
    font = font_of(14, all(map(str.isascii, texts.values())))

    def widest(pieces: Sequence[str]) -> int:
        return max([0, *(int(font.getlength(texts[each])) for each in pieces)]) + _MARGIN + _GAP

    left, above = widest(target), widest(source)
    size = (left + len(source) * _CELL + _MARGIN, above + len(target) * _CELL + _MARGIN)
    image = Image.new("L", size, 255)
    draw = ImageDraw.Draw(image)
    for row, piece in enumerate(target):
        y = above + row * _CELL
        draw.text((left - _GAP, y + _CELL / 2), texts[piece], 0, font, anchor="rm")
        for column in range(len(source)):
            x = left + column * _CELL
            shade = round(255 * (1 - min(1.0, max(0.0, float(weights[row, column])))))
            draw.rectangle((x, y, x + _CELL, y + _CELL), shade, outline=230)
    for column, piece in enumerate(source):
        image.paste(*_upright(texts[piece], font, left + column * _CELL, above))
    return image


def _upright(text: str, font: object, x: int, above: int) -> tuple[Image.Image, tuple[int, int]]:
    """Return a picture of a text that reads upwards, and the place of its upper left corner."""
    strip = Image.new("L", (above - _GAP, _CELL), 255)
    ImageDraw.Draw(strip).text((0, _CELL / 2), text, 0, font, anchor="lm")  # type: ignore[arg-type]
    return strip.rotate(90, expand=True), (x, 0)
