"""The settings of the sentiment app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipelines.config import Config, require
from pipelines.ondevice.tokenizer import Keep

Cell = Literal["simple_rnn", "lstm", "gru"]


@dataclass(frozen=True)
class SentimentConfig(Config):
    """Text in, label out. The defaults are those of the embedded reviews."""

    pretraining_dataset: str | None = None
    """What the pretraining epochs see: a data set, named as --dataset, with as many labels in the same
    order."""
    text_feature: str | None = None
    """Of a TFDS set with several text features: the one to read."""
    label_feature: str | None = None
    """Of a TFDS set with several label features: the one to predict."""
    text_column: str = "text"
    """Of your CSV, TSV or JSONL file: the column with the text."""
    label_column: str = "label"
    """Of your CSV, TSV or JSONL file: the column with the label."""
    encoding: str = "utf-8"
    """Of your files."""
    vocabulary_size: int = 10_000
    """Most tokens kept, counted on the training split."""
    min_count: int = 2
    """A token seen less often than this in training is unknown."""
    max_length: int | None = None
    """Tokens kept of a text. Default: what 99 of 100 training texts need, 400 at most."""
    keep: Keep = "both"
    """What is kept of a longer text: its head, its tail, or both (a quarter head)."""
    cell: Cell = "gru"
    """The recurrent cell."""
    units: int = 48
    """Units of the cell, in each direction."""
    depth: int = 1
    """Recurrent layers, one on another."""
    bidirectional: bool = True
    """Read the text in both directions."""
    embedding: int = 48
    """Size of a token's vector."""
    naive_bayes_start: float = 0.0
    """Start as many channels of the embedding as there are labels (one for two) from naive Bayes: the
    log-count ratio of the token times this."""
    word_dropout: float = 0.1
    """Fraction of whole words made unknown in training."""
    channel_dropout: float = 0.3
    """Fraction of the embedding's channels dropped in training."""
    dropout: float = 0.3
    """Fraction dropped between recurrent layers and before the output in training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("units", "depth", "embedding", "min_count"):
            require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        require(self.naive_bayes_start >= 0, "naive_bayes_start", "0 or more", self.naive_bayes_start)
        for name in ("dropout", "channel_dropout", "word_dropout"):
            require(0 <= getattr(self, name) < 1, name, "0 <= rate < 1", getattr(self, name))
        both = (self.pretraining_dataset is None) == (self.pretraining_epochs == 0)
        require(both, "pretraining_dataset", "to come with --pretraining-epochs", self.pretraining_dataset)
        require(self.vocabulary_size >= 3, "vocabulary_size", "at least 3", self.vocabulary_size)
        require(self.max_length is None or self.max_length >= 1, "max_length", "at least 1", self.max_length)


PRESETS = {
    # The embedded reviews: a minute on 2 cores; test about 0.9, order about 0.87, bag of words below 0.64.
    "default": SentimentConfig(
        batch_size=128, learning_rate=5e-3, weight_decay=1e-4, word_dropout=0.05, channel_dropout=0.2
    ),
    # A look at the whole road in a minute; its accuracy means nothing.
    "smoke": SentimentConfig(
        epochs=1, max_length=8, units=8, embedding=8, batch_size=125, learning_rate=5e-3
    ),
    # IMDB through TFDS: test about 0.89, some ten minutes on 2 cores. Strong dropout and few words: the
    # network would rather learn the films' names.
    "imdb": SentimentConfig(
        dataset="imdb_reviews",
        epochs=5,
        learning_rate=2e-3,
        vocabulary_size=10_000,
        max_length=400,
        units=64,
        embedding=64,
        naive_bayes_start=0.3,
        word_dropout=0.3,
        channel_dropout=0.5,
        dropout=0.5,
    ),
    # SST-2 sentences, after IMDB's training reviews: test about 0.83, some five minutes on 2 cores.
    "sst2": SentimentConfig(
        dataset="glue/sst2",
        pretraining_dataset="imdb_reviews",
        pretraining_epochs=2,
        epochs=8,
        vocabulary_size=20_000,
        max_length=64,
        units=64,
        embedding=64,
        naive_bayes_start=0.5,
        word_dropout=0.3,
        channel_dropout=0.5,
        dropout=0.5,
    ),
}
