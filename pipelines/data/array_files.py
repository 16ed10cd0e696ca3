"""Read the arrays of an .npz or .npy file from anywhere: headers are checked against what is there."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from ..archives import MOST_BYTES, check_archive
from ..errors import UserError
from ..files import require_regular

_EXPECTED = "an .npz or .npy file of arrays"
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""Version 3 differs in names of fields only, and arrays with fields are refused."""


def read_arrays(
    path: Path, most: int = MOST_BYTES, *, scalars: bool = False
) -> dict[str, np.ndarray] | np.ndarray:
    """Return the arrays of an .npz file by name, or the array of an .npy file, whatever the file's name.

    Args:
        path: the file.
        most: the most bytes that it may have, packed and unpacked.
        scalars: whether there may be arrays without a first axis of examples.

    Raises:
        UserError: the file is missing, damaged or too large, declares more than it holds, or has an array
            of something else than numbers and texts, or without a first axis where that is needed.
    """
    try:
        require_regular(path, most, _EXPECTED)
        if not zipfile.is_zipfile(path):
            with path.open("rb") as file:
                return _array(file, path.stat().st_size, scalars)
        check_archive(path, most)
        with zipfile.ZipFile(path) as archive:
            found = {}
            for entry in archive.infolist():
                with archive.open(entry) as file:
                    found[entry.filename.removesuffix(".npy")] = _array(file, entry.file_size, scalars)
            return found
    except UserError:
        raise
    except Exception as error:  # damaged files make zipfile and numpy raise many types
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: expected {_EXPECTED}: {reason}") from None


def _array(file: IO[bytes], size: int, scalars: bool) -> np.ndarray:
    """Read an .npy file of `size` bytes. Nothing is allocated by what its header says."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"expected version 1 or 2 of the format, found {version[0]}")
    shape, in_columns, dtype = _HEADERS[version](file)
    if dtype.kind == "O":
        raise ValueError("expected numbers or texts, found Python objects (a pickle), which are not loaded")
    if dtype.kind not in "biufSU":
        raise ValueError(f"expected numbers or texts, found {dtype}")
    if (not shape and not scalars) or min(shape, default=0) < 0:
        raise ValueError(f"expected a shape (N, ...), found {shape}")
    declared, found = math.prod(shape) * dtype.itemsize, size - file.tell()
    if declared > found:
        raise ValueError(f"its header declares {declared:,} bytes, found {found:,}")
    flat = np.frombuffer(file.read(declared), dtype)
    return flat.reshape(shape, order="F" if in_columns else "C")
