"""The settings of the tagging app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pipelines.config import RecurrentConfig, require, require_at_least, require_rates


@dataclass(frozen=True)
class TaggingConfig(RecurrentConfig):
    """Tags words. The defaults suit a few thousand sentences."""

    tag_feature: str | None = None
    """The feature with the tags, for a TFDS set with several; in the embedded set entities or pos."""
    word_column: str | None = None
    """The column of the words: its name in a CSV (default: word), or its number, from 1, in a file of columns
    (default: the first)."""
    tag_column: str | None = None
    """The column of the tags: its name in a CSV (default: tag), or its number, from 1, in a file of columns;
    a negative number counts from the end (default: the last)."""
    sentence_column: str = "sentence"
    """The column of a CSV that tells the sentence of a word."""
    encoding: str = "utf-8"
    """The text encoding of your files."""
    max_length: int = 64
    """The number of words that the network reads at once. Longer sentences are read in pieces."""
    min_count: int = 2
    """Words that occur less often in the training split are unknown, and known by their characters only."""
    embedding: int = 64
    """Size of a word's embedding vector."""
    characters: int = 48
    """Size of the vector that is computed from a word's characters; 0 reads words only."""
    characters_read: int = 16
    """The characters of a word that are read: half of them from the beginning, half from the end."""
    decoder: Literal["crf", "softmax"] = "crf"
    """crf: the tags of a sentence are chosen together. softmax: each by itself."""
    bidirectional: bool = True
    """Read the sentence in both directions."""
    word_dropout: float = 0.2
    """Fraction of words replaced by the unknown word in training, so that characters and context count."""
    channel_dropout: float = 0.3
    """Fraction of the channels of words and characters dropped in training."""
    dropout: float = 0.3
    """Fraction dropped in training between recurrent layers and before the output."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "embedding", "max_length", "min_count")
        require_at_least(self, 0, "characters")
        require_at_least(self, 2, "characters_read")
        require_rates(self, "channel_dropout", "word_dropout")
        require(self.pretraining_epochs == 0, "pretraining_epochs", "0", self.pretraining_epochs)


_USUAL = TaggingConfig(cell="lstm", units=64, batch_size=32, learning_rate=4e-3, clip_norm=5.0)

PRESETS = {
    # Generated sentences with names that only the context decides.
    "default": replace(_USUAL, epochs=4),
    # Runs every step in a minute; its tags mean nothing.
    "smoke": replace(
        _USUAL,
        dataset="embedded/small",
        precisions=("float32", "int8"),
        units=8,
        embedding=8,
        characters=8,
        max_length=16,
        epochs=1,
        batch_size=16,
    ),
    # Parts of speech of the same sentences.
    "pos": replace(_USUAL, tag_feature="pos", epochs=4),
    # Real short messages or sentences, with --dataset FOLDER.
    "real": replace(
        _USUAL,
        units=100,
        embedding=100,
        characters=64,
        epochs=20,
        patience=5,
        dropout=0.5,
        channel_dropout=0.5,
    ),
}
