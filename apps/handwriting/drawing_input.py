"""Drawings as they are given on the device: from files or arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pipelines.config import from_dict
from pipelines.data.strokes import Drawing
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle

from .config import HandwritingConfig


def drawings_of(bundle: Bundle, given: Any) -> list[Drawing]:
    """Return the drawings in a file, or an array of points, as the bundle's network reads them.

    Args:
        bundle: of this app.
        given: a path, points (N, 3) of x, y and pen, or a `Drawing` of a data set, which is ready.

    Raises:
        UserError: the file can't be read, the array has another shape, or no drawing is sound.
    """
    from pipelines.data.stroke_files import read_file
    from pipelines.data.stroke_mending import mended
    from pipelines.data.stroke_reading import Found

    from .data import reading_of

    if isinstance(given, Drawing):
        return [given]
    config = from_dict(HandwritingConfig, bundle.manifest["config"])
    assert isinstance(config, HandwritingConfig)
    reading = reading_of(config)
    if isinstance(given, str | Path):
        name, found = str(given), read_file(Path(given), reading)
    else:
        points = np.asarray(given, np.float32)
        if points.ndim != 2 or points.shape[1] != 3 or not len(points):
            raise UserError(f"expected points of x, y and pen, (N, 3), got an array of shape {points.shape}")
        name, found = "the drawing", [Found(Drawing(points, where="the drawing"))]
    kept, notes = mended(found, name, reading)
    if not kept:
        raise UserError(f"{name}: expected a drawing, found none; {'; '.join(notes)}")
    return [each.drawing for each in kept]
