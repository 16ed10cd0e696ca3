"""Read drawings from a file of any format that is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import UserError
from .inkml_files import read_inkml
from .stroke_arrays import read_npz
from .stroke_mending import mended
from .stroke_reading import Found, Reading
from .stroke_tables import read_table
from .strokes import Drawing
from .svg_strokes import read_svg
from .tables import DELIMITERS, bare
from .unipen_files import read_unipen

_UNIPEN = (".unp", ".upn", ".unipen", ".dat")
_READERS: Mapping[str, Callable[[Path, Reading], list[Found]]] = {
    ".npz": read_npz,
    **dict.fromkeys(DELIMITERS, read_table),
    **dict.fromkeys((".inkml", ".ink"), read_inkml),
    **dict.fromkeys(_UNIPEN, read_unipen),
    **dict.fromkeys((".svg", ".svgz"), read_svg),
}
_UP = _UNIPEN
"""The suffixes of files in which y grows upwards."""
SUFFIXES = tuple(_READERS)
"""The suffixes of files with drawings, before .gz."""
KINDS = f"drawings ({', '.join(SUFFIXES)})"
"""The words for these files in messages."""


def read_drawings(path: Path, reading: Reading | None = None) -> tuple[list[Drawing], list[str]]:
    """Return the sound drawings of a file, and notes about the others; see `stroke_mending.mended`.

    Args:
        path: the file; its suffix decides the format.
        reading: the settings.

    Raises:
        UserError: the file can't be read. The message is one line.
    """
    reading = reading or Reading()
    found, notes = mended(read_file(path, reading), path.name, reading)
    return [each.drawing for each in found], notes


def read_file(path: Path, reading: Reading) -> list[Found]:
    """Return the drawings of a file as it has them, but with y downwards.

    Raises:
        UserError: the file can't be read. The message is one line.
    """
    suffix = bare(path).suffix.lower()
    if suffix not in _READERS:
        raise UserError(f"{path}: expected {KINDS}")
    found = _READERS[suffix](path, reading)
    if reading.y_up if reading.y_up is not None else suffix in _UP:
        for each in found:
            each.drawing.points[:, 1] = 0 - each.drawing.points[:, 1]
    return found
