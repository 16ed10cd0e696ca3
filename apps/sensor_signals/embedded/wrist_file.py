"""The file of wrist recordings in the package seglearn, read as arrays. Needs numpy only."""

from __future__ import annotations

import importlib.util
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.errors import UserError

RATE = 50.0
CHANNELS = ("ax [g]", "ay [g]", "az [g]", "wx [rad/s]", "wy [rad/s]", "wz [rad/s]")
_PACKAGE, _FILE = "seglearn", "data/watch_dataset.npy"


class _ArraysOnly(pickle.Unpickler):
    """Builds arrays, lists, dicts and texts, and refuses to call anything else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what numpy's arrays are built with."""
        import _codecs

        allowed = {
            ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): _codecs.encode,
        }
        if (module, name) not in allowed:
            raise UserError(f"{_PACKAGE}: {_FILE}: expected arrays, found {module}.{name}")
        return allowed[module, name]


def read_data() -> dict[str, Any]:
    """Return the lists and arrays of the package's file, without importing the package.

    The file is a pickle inside an .npy file. It is read by an unpickler that builds arrays and nothing else.

    Raises:
        UserError: the package isn't installed, or its file holds something else.
    """
    found = importlib.util.find_spec(_PACKAGE)  # find_spec doesn't import it
    if found is None or not found.submodule_search_locations:
        raise UserError("the embedded recordings need seglearn: pip install 'unrolled[sensors]'")
    content = io.BytesIO(Path(found.submodule_search_locations[0], _FILE).read_bytes())
    np.lib.format.read_magic(content)
    np.lib.format.read_array_header_1_0(content)
    array = _ArraysOnly(content, encoding="latin1").load()
    return array.item()
