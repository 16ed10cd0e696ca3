"""A TFDS builder of the embedded music: Bach's chorales and folk tunes from music21's corpus."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from pipelines.data.embedded import LocalInfo

from . import corpus_pieces

_DESCRIPTION = """\
Music of music21's corpus on a grid of sixteenths: `chorales`, J. S. Bach's chorales for four voices; `folk`,
the fiddle tunes of Ryan's Mammoth Collection (1883), one voice; `few`, the first chorales, to try things
out. Pieces begin with a whole bar: an upbeat is preceded by silence.

Splits are by melody: pieces that begin with the same eight intervals in the highest voice are in one split,
even if their keys differ. Validation and test get a tenth each."""
_FEW = 30
_PROCESSES = 2
CONFIGS = ("chorales", "folk", "few")


class MusicCorpus(tfds.core.GeneratorBasedBuilder):
    """Splits `train`, `validation` and `test`; features `grid` (steps, voices) and `name`."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 - TFDS wants this attribute as it is
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in CONFIGS]  # noqa: RUF012

    def _info(self) -> tfds.core.DatasetInfo:
        voices = 1 if self.builder_config.name == "folk" else 4
        return LocalInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "grid": tfds.features.Tensor(shape=(None, voices), dtype=np.int16),
                    "name": tfds.features.Text(),
                }
            ),
            license="The music is in the public domain; music21's corpus states the licences of its files.",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        names = corpus_pieces.folk_tunes() if self.builder_config.name == "folk" else corpus_pieces.chorales()
        if self.builder_config.name == "few":
            names = names[:_FEW]
        pieces = dict(zip(names, _parsed(names), strict=True))
        whole = {name: piece for name, piece in pieces.items() if piece is not None}
        by_split = corpus_pieces.split_by_melody(whole)
        return {
            split: self._generate_examples({name: whole[name] for name in some})
            for split, some in by_split.items()
        }

    def _generate_examples(self, pieces: dict[str, np.ndarray]) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, piece in pieces.items():
            yield name, {"grid": piece, "name": name}


def _parsed(names: Sequence[str]) -> list[np.ndarray | None]:
    """Parse pieces in two processes; a piece with missing parts is None."""
    # Forking is unsafe here, because TensorFlow has started threads.
    with multiprocessing.get_context("spawn").Pool(_PROCESSES) as pool:
        return pool.map(corpus_pieces.parse, names, chunksize=8)
