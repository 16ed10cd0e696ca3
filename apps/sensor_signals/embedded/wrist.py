"""Wrist recordings of shoulder exercises, from the package seglearn."""

from __future__ import annotations

import importlib.util
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from pipelines.data.recording_sets import RecordingSet
from pipelines.data.recordings import Recording, Span
from pipelines.errors import UserError

_PACKAGE, _FILE = "seglearn", "data/watch_dataset.npy"
_RATE = 50.0
_CHANNELS = ("ax [g]", "ay [g]", "az [g]", "wx [rad/s]", "wy [rad/s]", "wz [rad/s]")
_HOMES = {**dict.fromkeys((1, 2, 3, 4, 5), "train"), 8: "validation", **dict.fromkeys((6, 7), "test")}
_LATER = "others"
"""The split of the remaining people: scored, and never used to choose anything."""


class WristMovements(RecordingSet):
    """Seven shoulder exercises of ten people with a watch, 50 Hz, six channels; splits by person."""

    VERSION = tfds.core.Version("1.1.0")
    RELEASE_NOTES = {"1.1.0": "Five people train."}  # noqa: RUF012 - TFDS wants this attribute as it is
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in ("whole", "small")]  # noqa: RUF012

    def about(self) -> tuple[str, str]:
        """Return the description and the licence."""
        text = (
            "Accelerometer and gyroscope of a watch at the wrist, in sets of 20 repetitions of seven "
            "shoulder exercises (Burns et al., arXiv 1802.01489). `small` has the first 10 seconds of some."
        )
        return text, "BSD-3-Clause (seglearn)"

    def recordings(self, name: str) -> list[Recording]:
        """Return all recordings, or the beginnings of some for the config `small`."""
        data = read_data()
        made = []
        for number, signal in enumerate(data["X"]):
            person = int(data["subject"][number])
            label = str(data["y_labels"][int(data["y"][number])])
            if name == "small" and (person > 8 or data["side"][number] == 0 or person in (3, 4, 5)):
                continue
            signal = np.asarray(signal, np.float32)[: 500 if name == "small" else None]
            spans = (Span(0.0, len(signal) / _RATE, label),)
            split = _HOMES.get(person, _LATER)
            key = f"{number:03}_{label}"
            made.append(Recording(key, signal, _RATE, _CHANNELS, spans, str(person), split))
        return made


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
