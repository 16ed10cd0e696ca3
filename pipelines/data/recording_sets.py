"""TFDS sets of recordings (sensors, frames of videos, joints): how they are stored and read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from ..errors import UserError
from .embedded import LocalInfo
from .recordings import Recording, Span
from .tfds_sets import open_split

FEATURES = ("channels", "end", "label", "name", "rate", "signal", "start", "subject")
"""Of a set that is stored as `RecordingSet` stores it."""


class RecordingSet(tfds.core.GeneratorBasedBuilder):
    """A builder whose examples are recordings. Subclasses have `recordings` and `about`."""

    SHAPE: tuple[int | None, ...] = (None, None)
    """Of a signal; None where recordings differ. Frames of videos are (None, size, size, colours)."""
    DTYPE: type[np.generic] = np.float32
    """Of a signal's numbers; np.uint8 for frames of videos."""

    def about(self) -> tuple[str, str]:
        """Return the description and the licence."""
        raise NotImplementedError

    def recordings(self, name: str) -> Sequence[Recording]:
        """Return the recordings of the config called `name`; each names its split."""
        raise NotImplementedError

    def _info(self) -> tfds.core.DatasetInfo:
        description, licence = self.about()
        tensor, text = tfds.features.Tensor, tfds.features.Text
        kinds = {
            "signal": tensor(shape=self.SHAPE, dtype=self.DTYPE, encoding=tfds.features.Encoding.ZLIB),
            "rate": tensor(shape=(), dtype=np.float64),
            "channels": tfds.features.Sequence(text()),
            **{name: tensor(shape=(None,), dtype=np.float64) for name in ("start", "end")},
            "label": tfds.features.Sequence(text()),
            **{name: text() for name in ("name", "subject")},
        }
        features = tfds.features.FeaturesDict(kinds)
        return LocalInfo(builder=self, description=description, features=features, license=licence)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        made = self.recordings(self.builder_config.name)
        splits = sorted({each.split for each in made})
        return {name: self._generate_examples([e for e in made if e.split == name]) for name in splits}

    def _generate_examples(self, recordings: Sequence[Recording]) -> Iterator[tuple[str, dict[str, Any]]]:
        for each in recordings:
            example = {
                "signal": each.signal,
                "rate": each.rate,
                "channels": list(each.channels),
                "start": np.array([span.start for span in each.spans], np.float64),
                "end": np.array([span.end for span in each.spans], np.float64),
                "label": [span.label for span in each.spans],
                "name": each.name,
                "subject": each.subject,
            }
            yield each.name, example


def recordings_from_builder(builder: Any) -> list[Recording]:
    """Return the recordings of a prepared TFDS builder, in the order of their names.

    Raises:
        UserError: the set is not stored as `RecordingSet` stores it.
    """
    features = sorted(builder.info.features or {})
    if not set(FEATURES) <= set(features):
        wanted = ", ".join(FEATURES)
        raise UserError(f"{builder.info.full_name}: expected the features {wanted}, found {features}")
    found = []
    for split in builder.info.splits:
        for example in open_split(builder, split).as_numpy_iterator():
            labels = [label.decode() for label in example["label"]]
            recording = Recording(
                name=example["name"].decode(),
                signal=example["signal"],
                rate=float(example["rate"]),
                channels=tuple(channel.decode() for channel in example["channels"]),
                spans=tuple(map(Span, example["start"].tolist(), example["end"].tolist(), labels)),
                subject=example["subject"].decode(),
                split=split,
            )
            found.append(recording)
    return sorted(found, key=lambda each: each.name)
