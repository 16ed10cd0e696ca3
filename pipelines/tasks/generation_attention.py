"""Draw the attention of a caption: the image once for every word, bright where the attention is high."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

_PANEL, _LINE = 160, 22  # pixels
_ACROSS = 6
_DARKEST = 0.25


def png(image: np.ndarray, words: Sequence[str], attention: Sequence[np.ndarray]) -> bytes:
    """Return a PNG file of the panels for an image, its caption and the attention (see `panels`)."""
    content = io.BytesIO()
    panels(image, words, attention).save(content, "PNG")
    return content.getvalue()


def panels(
    image: np.ndarray, words: Sequence[str], attention: Sequence[np.ndarray], across: int = _ACROSS
) -> Image.Image:
    """Return the image, followed by a panel for each word with the word below it.

    Args:
        image: uint8 (size, size, 3).
        words: the caption.
        attention: for each word the weights (places,) of a square grid of places, row by row.
        across: the number of panels in a row.
    """
    from PIL import Image, ImageDraw, ImageFont

    plain = Image.fromarray(image).resize((_PANEL, _PANEL), Image.Resampling.BICUBIC)
    shown = [("", plain), *((word, _lit(plain, w)) for word, w in zip(words, attention, strict=True))]
    rows = -(-len(shown) // across)
    sheet = Image.new("RGB", (min(across, len(shown)) * _PANEL, rows * (_PANEL + _LINE)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for index, (word, panel) in enumerate(shown):
        x, y = index % across * _PANEL, index // across * (_PANEL + _LINE)
        sheet.paste(panel, (x, y))
        draw.text((x + _PANEL / 2, y + _PANEL + _LINE / 2), word, "black", font, anchor="mm")
    return sheet


def _lit(image: Image.Image, weights: np.ndarray) -> Image.Image:
    """Return the image, darkened where the weights are low; the largest weight keeps the brightness."""
    from PIL import Image

    side = math.isqrt(len(weights))
    grid = weights.reshape(side, side) / max(float(weights.max()), 1e-9)
    mask = Image.fromarray((255 * grid).clip(0, 255).astype(np.uint8))
    light = np.asarray(mask.resize(image.size, Image.Resampling.BICUBIC), np.float32) / 255
    dimmed = np.asarray(image, np.float32) * (_DARKEST + (1 - _DARKEST) * light[..., None])
    return Image.fromarray(dimmed.astype(np.uint8))
