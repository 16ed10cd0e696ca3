"""Shared code of the TFDS builders of embedded data sets."""

from __future__ import annotations

import tensorflow_datasets as tfds


class LocalInfo(tfds.core.DatasetInfo):
    """The info of a data set that is generated locally; it needs no network."""

    def initialize_from_bucket(self) -> None:
        """Do nothing. TFDS's own method leaves an empty temporary folder, even without its bucket."""
