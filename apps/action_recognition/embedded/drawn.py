"""The TFDS builder of the embedded clips."""

from __future__ import annotations

import numpy as np
import tensorflow_datasets as tfds

from pipelines.data.recording_sets import RecordingSet
from pipelines.data.recordings import Recording

from . import films
from .actors import SIDE


class DrawnClips(RecordingSet):
    """Films of made-up actors, 12 frames a second; splits by actor."""

    VERSION = tfds.core.Version("1.1.0")
    RELEASE_NOTES = {"1.0.0": "First version.", "1.1.0": "The arm begins downwards."}  # noqa: RUF012 - TFDS wants it so
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in films.SIZES]  # noqa: RUF012
    SHAPE = (None, SIDE, SIDE, 1)
    DTYPE = np.uint8

    def about(self) -> tuple[str, str]:
        """Return the description and the licence."""
        return films.DESCRIPTION, films.LICENCE

    def recordings(self, name: str) -> list[Recording]:
        """Return the clips of the config called `name`."""
        return films.draw_clips(name)
