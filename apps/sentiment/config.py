"""The settings of the sentiment app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipelines.config import Config, require
from pipelines.text import Keep

Cell = Literal["simple_rnn", "lstm", "gru"]


@dataclass(frozen=True)
class SentimentConfig(Config):
    """Text in, label out. The defaults are those of the embedded reviews."""

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
    dropout: float = 0.3
    """Fraction of channels dropped after the embedding and before the output."""
    word_dropout: float = 0.1
    """Fraction of whole words dropped in training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("units", "depth", "embedding", "min_count"):
            require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name in ("dropout", "word_dropout"):
            require(0 <= getattr(self, name) < 1, name, "0 <= rate < 1", getattr(self, name))
        require(self.vocabulary_size >= 3, "vocabulary_size", "at least 3", self.vocabulary_size)
        require(self.max_length is None or self.max_length >= 1, "max_length", "at least 1", self.max_length)


PRESETS = {
    "default": SentimentConfig(),
    "smoke": SentimentConfig(epochs=1, units=8, embedding=8, patience=1),
}
"""default: the embedded reviews. smoke: a quick look at the whole road, its accuracy means nothing."""
