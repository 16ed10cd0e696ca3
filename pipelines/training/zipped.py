"""The size of files in a zip: what a pruned network saves."""

from __future__ import annotations

import zlib
from pathlib import Path

ZIPPED = "zipped_bytes."


def zipped_sizes(folder: Path) -> dict[str, float]:
    """Return how many bytes each .tflite file of a folder has when it is compressed as in a zip."""
    return {
        f"{ZIPPED}{file.stem}": float(len(zlib.compress(file.read_bytes(), 9)))
        for file in sorted(folder.glob("*.tflite"))
    }
