"""The reviews: embedded, a TFDS set, or the user's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.app import lazy
from pipelines.data import source
from pipelines.data.examples import Data
from pipelines.data.text_sources import text_from_builder, text_from_files, text_from_records

from .config import SentimentConfig

_EMBEDDED = {
    "embedded": lazy(__package__, "embedded.opinions", "Opinions"),
    "compositional_reviews": lazy(__package__, "embedded.compositional_reviews", "CompositionalReviews"),
}
_SCORED = ("products", "films", "news", "tweets", "order", "everyday", "everyday_2")


def load(config: SentimentConfig, as_given: bool = False) -> Data:
    """Return the texts of `config.dataset` by split; raise a one-line UserError if they can't be read.

    With `as_given`, for data that is only scored, no split or label is required, and nothing is held out.
    """
    seed = None if as_given else config.seed

    def embedded(builder: Any) -> Data:
        memory_gb = config.memory_gb
        return text_from_builder(builder, "text", "label", scored=_SCORED, seed=seed, memory_gb=memory_gb)

    def named(builder: Any) -> Data:
        features = config.text_feature, config.label_feature
        return text_from_builder(builder, *features, seed=seed, memory_gb=config.memory_gb)

    def own(path: Path) -> Data:
        return text_from_files(
            path,
            text_column=config.text_column,
            label_column=config.label_column,
            encoding=config.encoding,
            delimiter=config.delimiter,
            columns=config.columns,
            seed=seed,
        )

    def records(path: Path) -> Data:
        columns = config.text_column, config.label_column
        return text_from_records(path, columns, seed=seed, memory_gb=config.memory_gb)

    return source.load(config, source.Readers(_EMBEDDED, named, own, embedded, records))
