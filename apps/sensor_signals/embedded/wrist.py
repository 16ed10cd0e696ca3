"""Wrist recordings of shoulder exercises, from the package seglearn."""

from __future__ import annotations

import numpy as np
import tensorflow_datasets as tfds

from pipelines.data.recording_sets import RecordingSet
from pipelines.data.recordings import Recording, Span

from .wrist_file import CHANNELS, RATE, read_data

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
            spans = (Span(0.0, len(signal) / RATE, label),)
            split = _HOMES.get(person, _LATER)
            key = f"{number:03}_{label}"
            made.append(Recording(key, signal, RATE, CHANNELS, spans, str(person), split))
        return made
