"""Draw a piano roll: time to the right, pitch upwards, and a colour for each voice."""

from __future__ import annotations

import io

import numpy as np

from ..data.note_grid import notes

_COLOURS = ((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (140, 86, 75))
_BLACK_KEYS = (1, 3, 6, 8, 10)
_HEIGHT, _WIDEST = 8, 4000  # in pixels: the height of a key, and the largest width of the image


def png(piece: np.ndarray, steps_per_beat: int) -> bytes:
    """Return a PNG file of a piece (see `note_grid`), with a line at each bar of four beats."""
    from PIL import Image

    every = notes(piece)
    pitches = [note.pitch for note in every] or [60]
    low, high = min(pitches) - 2, max(pitches) + 2
    width = max(1, min(6, _WIDEST // len(piece)))
    pixels = np.full(((high - low + 1) * _HEIGHT, len(piece) * width, 3), 255, np.uint8)
    for pitch in range(low, high + 1):
        if pitch % 12 in _BLACK_KEYS:
            pixels[_rows(pitch, high)] = 238
    pixels[:, :: 4 * steps_per_beat * width] = 190
    for note in every:
        columns = slice(
            note.start * width, max(note.start * width + 1, (note.start + note.length) * width - 1)
        )
        pixels[_rows(note.pitch, high), columns] = _COLOURS[note.voice % len(_COLOURS)]
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def _rows(pitch: int, high: int) -> slice:
    return slice((high - pitch) * _HEIGHT + 1, (high - pitch + 1) * _HEIGHT)
