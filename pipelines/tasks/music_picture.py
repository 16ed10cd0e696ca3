"""Draw a piano roll with axes: bars to the right, pitch upwards, and a colour for each voice."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.note_grid import NAMES, notes

if TYPE_CHECKING:
    from PIL import Image

_COLOURS = ((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (140, 86, 75))
_BLACK_KEYS = (1, 3, 6, 8, 10)
_NAMED_KEYS = (0, 4, 7)  # C, E and G have their names on the axis
_HEIGHT, _WIDEST = 8, 4000  # in pixels: the height of a key, and the largest width of the roll
_LEFT, _TOP, _BOTTOM, _RIGHT = 36, 24, 36, 12  # margins in pixels
_APART = 48  # the least distance of two numbers of bars, in pixels
_FONT = 12


def png(piece: np.ndarray, steps_per_beat: int, voices: Sequence[str] = ()) -> bytes:
    """Return a PNG file of a piece (see `note_grid`), with a line at each bar of four beats.

    Args:
        piece: the grid.
        steps_per_beat: steps in a quarter note.
        voices: the names of the voices for a legend. A single voice, or more than have colours, get none.
    """
    from PIL import Image

    every = notes(piece)
    pitches = [note.pitch for note in every] or [60]
    low, high = min(pitches) - 2, max(pitches) + 2
    width, bar = max(1, min(6, _WIDEST // len(piece))), 4 * steps_per_beat
    pixels = np.full(((high - low + 1) * _HEIGHT, len(piece) * width, 3), 255, np.uint8)
    for pitch in range(low, high + 1):
        if pitch % 12 in _BLACK_KEYS:
            pixels[_rows(pitch, high)] = 238
    pixels[:, :: bar * width] = 190
    for note in every:
        columns = slice(
            note.start * width, max(note.start * width + 1, (note.start + note.length) * width - 1)
        )
        pixels[_rows(note.pitch, high), columns] = _COLOURS[note.voice % len(_COLOURS)]
    content = io.BytesIO()
    _with_axes(Image.fromarray(pixels), high, bar * width, voices).save(content, "PNG")
    return content.getvalue()


def _rows(pitch: int, high: int) -> slice:
    return slice((high - pitch) * _HEIGHT + 1, (high - pitch + 1) * _HEIGHT)


def _with_axes(roll: Image.Image, high: int, bar: int, voices: Sequence[str]) -> Image.Image:
    """Return the roll with names of notes, numbers of bars and a legend of the voices around it.

    Args:
        roll: the roll alone.
        high: the pitch of its top row.
        bar: the width of a bar in pixels.
        voices: the names for the legend.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(_FONT)
    voices = voices if 1 < len(voices) <= len(_COLOURS) else ()
    legend = _LEFT + sum(_legend_width(name, font) for name in voices)
    size = (max(_LEFT + roll.width + _RIGHT, legend), _TOP + roll.height + _BOTTOM)
    sheet = Image.new("RGB", size, "white")
    sheet.paste(roll, (_LEFT, _TOP))
    draw = ImageDraw.Draw(sheet)
    for row in range(roll.height // _HEIGHT):
        pitch = high - row
        if pitch % 12 in _NAMED_KEYS:
            y = _TOP + (row + 0.5) * _HEIGHT
            draw.text((_LEFT - 4, y), f"{NAMES[pitch % 12]}{pitch // 12 - 1}", "black", font, anchor="rm")
    below = _TOP + roll.height
    for number in range(0, -(-roll.width // bar), -(-_APART // bar)):
        draw.text((_LEFT + number * bar, below + 2), str(number + 1), "black", font, anchor="ma")
    draw.text((_LEFT, below + 18), "bar", "black", font, anchor="ma")
    x = _LEFT
    for voice, name in enumerate(voices):
        draw.rectangle((x, 8, x + 10, 16), _COLOURS[voice % len(_COLOURS)])
        draw.text((x + 15, 12), name, "black", font, anchor="lm")
        x += _legend_width(name, font)
    return sheet


def _legend_width(name: str, font: Any) -> int:
    return 15 + round(font.getlength(name)) + 20
