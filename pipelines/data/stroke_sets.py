"""TFDS sets of drawings: how they are stored and read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from ..errors import UserError
from .embedded import LocalInfo
from .strokes import Drawing
from .tfds_sets import open_split

_FEATURES = ("label", "place", "points", "where", "writer")


class StrokeSet(tfds.core.GeneratorBasedBuilder):
    """A builder whose examples are drawings. Subclasses have `drawings` and `about`."""

    def about(self) -> tuple[str, str]:
        """Return the description and the licence."""
        raise NotImplementedError

    def drawings(self, name: str) -> Mapping[str, Sequence[Drawing]]:
        """Return the drawings of the config called `name`, by split."""
        raise NotImplementedError

    def _info(self) -> tfds.core.DatasetInfo:
        description, licence = self.about()
        text, zlib = tfds.features.Text, tfds.features.Encoding.ZLIB
        kinds = {
            "points": tfds.features.Tensor(shape=(None, 3), dtype=np.float32, encoding=zlib),
            "place": tfds.features.Scalar(np.int64),
            **{name: text() for name in ("label", "writer", "where")},
        }
        features = tfds.features.FeaturesDict(kinds)
        return LocalInfo(builder=self, description=description, features=features, license=licence)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        made = self.drawings(self.builder_config.name)
        return {name: self._generate_examples(some) for name, some in sorted(made.items())}

    def _generate_examples(self, drawings: Sequence[Drawing]) -> Iterator[tuple[int, dict[str, Any]]]:
        for place, each in enumerate(drawings):
            texts = {"label": each.label or "", "writer": each.writer or "", "where": each.where}
            yield place, {"points": each.points, "place": place, **texts}


def drawings_from_set(builder: Any) -> dict[str, list[Drawing]]:
    """Return the drawings of a prepared TFDS builder by split, in the order of `StrokeSet.drawings`.

    Raises:
        UserError: the set is not stored as `StrokeSet` stores it.
    """
    features = sorted(builder.info.features or {})
    if not set(_FEATURES) <= set(features):
        wanted = ", ".join(_FEATURES)
        raise UserError(f"{builder.info.full_name}: expected the features {wanted}, found {features}")
    found = {}
    for split in builder.info.splits:
        examples = sorted(open_split(builder, split).as_numpy_iterator(), key=lambda each: each["place"])
        found[split] = [
            Drawing(
                example["points"],
                example["label"].decode() or None,
                example["writer"].decode() or None,
                example["where"].decode(),
            )
            for example in examples
        ]
    return found
