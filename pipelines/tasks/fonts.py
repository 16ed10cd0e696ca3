"""The font of the pictures."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

_FONTS = "DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial.ttf"


@functools.cache
def font_of(size: int, plain: bool) -> Any:
    """Return Pillow's own font, or for letters that it lacks one of the system, if there is any.

    Args:
        size: in pixels.
        plain: whether what is written is in ASCII.
    """
    from PIL import ImageFont

    for name in () if plain else _FONTS:
        with contextlib.suppress(OSError):
            return ImageFont.truetype(name, size)
    return ImageFont.load_default(size)
