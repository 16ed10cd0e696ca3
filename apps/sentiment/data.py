"""Three roads to the reviews: the embedded set, a TFDS name, the user's own files."""

from __future__ import annotations

from pathlib import Path

from pipelines.data.examples import Data
from pipelines.data.sources import (
    DATA_DIR,
    is_path,
    prepare,
    text_from_builder,
    text_from_files,
    text_from_tfds,
)
from pipelines.data.splits import with_pretraining

from .config import SentimentConfig


def load(config: SentimentConfig) -> Data:
    """Return the reviews that `config.dataset` names, by split; nothing falls back to another road.

    Raises:
        UserError: one line, when the data set is unknown, can't be had, or is not labelled text.
    """
    data = _by_name(config.dataset, config)
    if not config.pretraining_dataset:
        return data
    return with_pretraining(data, _by_name(config.pretraining_dataset, config))


def _by_name(dataset: str, config: SentimentConfig) -> Data:
    if dataset == "embedded":
        return _embedded(config)
    if is_path(dataset):
        return text_from_files(
            Path(dataset), config.text_column, config.label_column, config.encoding, config.seed
        )
    return text_from_tfds(dataset, config.data_dir, config.text_feature, config.label_feature, config.seed)


def _embedded(config: SentimentConfig) -> Data:
    from .compositional_reviews import CompositionalReviews

    folder = config.data_dir or DATA_DIR
    builder = prepare(lambda: CompositionalReviews(data_dir=str(folder.expanduser())), folder)
    return text_from_builder(builder, "text", "label", scored=["order"], seed=config.seed)
