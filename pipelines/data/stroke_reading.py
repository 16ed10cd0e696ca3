"""What the readers of drawings share: their settings, what they find, and how names and strokes are put."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from ..errors import UserError
from .strokes import Drawing
from .tables import Form

LABELS = ("label", "labels", "text", "truth")
"""The usual names of what holds labels in files."""
WRITERS = ("writer", "writers", "drawer", "drawers")
"""The usual names of what holds the writers."""
MOST_POINTS = 20_000_000
"""A file with more points is refused."""
MOST_DRAWINGS = 1_000_000
"""A file with more drawings is refused."""


@dataclass(frozen=True)
class Reading:
    """How drawings are read and made alike."""

    label: str | None = None
    """The column or array with the labels. Default: one of `LABELS`. In InkML it is a type of annotations, in
    UNIPEN a level of segments, in SVG an attribute."""
    writer: str | None = None
    """The column or array with the writers. Default: one of `WRITERS`. In InkML it is a type of annotations,
    in SVG an attribute."""
    y_up: bool | None = None
    """Whether y grows upwards in the files; it is turned then. Default: only in UNIPEN files."""
    form: Form = field(default_factory=Form)
    """How tables are written."""
    rate: float | None = None
    """Points per second that drawings are resampled to; their files must have times."""
    step: float | None = None
    """The length between points that drawings are resampled to, in the units of the file."""
    repeats: bool = True
    """Whether points stay that repeat the one before, as a pen that rests gives them."""
    most: int = 5_000
    """Drawings with more points, after resampling, are left out."""
    targets: Literal["texts", "labels"] = "texts"
    """Whether labels are texts that are written, or the names of classes."""


class Found(NamedTuple):
    """A drawing as a file has it: `stroke_mending.mended` makes it a sound one."""

    drawing: Drawing
    times: np.ndarray | None = None
    """(N,) seconds, if the file has them."""
    split: str = ""
    """Empty if not given."""


def column_of(names: Collection[str], wanted: str | None, usual: Sequence[str], where: str) -> str | None:
    """Return the name that is wanted, or the first usual one that is there; None if there is none.

    Raises:
        UserError: the one that is wanted is missing.
    """
    if wanted is not None and wanted not in names:
        raise UserError(f"{where}: expected {wanted!r}, found {', '.join(map(repr, names)) or 'nothing'}")
    return wanted if wanted is not None else next((name for name in usual if name in names), None)


def joined(strokes: Sequence[np.ndarray]) -> np.ndarray:
    """Return the points (N, 3) of strokes (n, 2); the pen is lifted after each. Empty ones have none."""
    parts = [stroke for stroke in strokes if len(stroke)]
    points = np.zeros((sum(map(len, parts)), 3), np.float32)
    if parts:
        with np.errstate(over="ignore"):  # too large numbers become infinite, and are told as such
            points[:, :2] = np.concatenate(parts)
        points[np.cumsum([len(stroke) for stroke in parts]) - 1, 2] = 1
    return points


def text_of(value: Any) -> str | None:
    """Return a label or a writer as text: whole numbers without a point, None for an empty text."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return str(value) or None


def place(path: Path, index: int | str) -> str:
    """Return where a drawing is, for messages: the name of its file, and its number or line."""
    return f"{path.name}[{index}]" if isinstance(index, int) else f"{path.name}:{index}"
