"""The settings of the tagging app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pipelines.config import RECURRENT_SPACE, Range, RecurrentConfig, require, require_at_least, require_rates


@dataclass(frozen=True)
class TaggingConfig(RecurrentConfig):
    """Tags words. The defaults suit a few thousand sentences."""

    word_feature: str | None = None
    """The feature with the words, for a TFDS set with several sequences of texts."""
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
    vectors: str | None = None
    """A text file with vectors of words, as GloVe's: a word and --embedding numbers a line. Embedding vectors
    start there, and training changes them."""
    vector_words: int = 10_000
    """Words at the start of the file of --vectors that are known, though the training split lacks them."""
    characters: int = 48
    """Size of the vector that is computed from a word's characters; 0 reads words only."""
    characters_read: int = 16
    """The characters of a word that are read: half of them from the beginning, half from the end."""
    parts: int = 0
    """Size of the vector of a word's beginning, end and shape (capitals, digits, signs), which tell much
    where sentences are few; 0 reads none."""
    window: int = 0
    """Words on each side of a word whose spelling has scores of its own for each tag, beside the recurrent
    layers, as in a linear model of hand-made features, which is strong where sentences are few; 0 for none.
    Wants --parts, and reads both sides."""
    decoder: Literal["crf", "softmax"] = "crf"
    """crf: the tags of a sentence are chosen together. softmax: each by itself."""
    bidirectional: bool = True
    """Read the sentence in both directions. A network that doesn't, with --decoder softmax, also runs word by
    word."""
    lookahead: int = 0
    """The number of words behind a word that the network reads before it tags the word, if it runs word by
    word."""
    word_dropout: float = 0.2
    """Fraction of words replaced by the unknown word in training, so that characters and context count."""
    channel_dropout: float = 0.3
    """Fraction of the channels of words and characters dropped in training."""
    dropout: float = 0.3
    """Fraction dropped in training between recurrent layers and before the output."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "embedding", "max_length", "min_count")
        require_at_least(self, 0, "characters", "parts", "window", "lookahead", "vector_words")
        require_at_least(self, 2, "characters_read")
        require_rates(self, "channel_dropout", "word_dropout")
        require(self.pretraining_epochs == 0, "pretraining_epochs", "0", self.pretraining_epochs)
        require(
            not self.window or (self.parts > 0 and self.bidirectional),
            "window",
            "0 without --parts and --bidirectional",
            self.window,
        )
        most = self.max_length - 1 if self.streams else 0
        expected = f"at most {most}" if self.streams else "0 unless --no-bidirectional and --decoder softmax"
        require(self.lookahead <= most, "lookahead", expected, self.lookahead)

    @property
    def streams(self) -> bool:
        """Whether the network can run word by word."""
        return self.decoder == "softmax" and not self.bidirectional

    @property
    def executions(self) -> tuple[str, ...]:
        """The executions to export."""
        return ("loop", "step") if self.streams else ("loop",)


_USUAL = TaggingConfig(cell="lstm", units=64, batch_size=32, learning_rate=4e-3, clip_norm=5.0)
_REAL = replace(
    _USUAL,
    units=100,
    embedding=100,
    characters=64,
    parts=64,
    window=1,
    learning_rate=3e-3,
    weight_decay=0.1,
    epochs=6,
    patience=6,
    dropout=0.5,
    channel_dropout=0.5,
    precisions=("float32", "dynamic_int8", "int8"),
)

SPACE = {
    **RECURRENT_SPACE,
    "embedding": Range(8, 128, logarithmic=True),
    "characters": Range(0, 96),
    "word_dropout": Range(0.0, 0.4),
}
"""What `sweep` varies."""
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
    # Reads forward only, and tags each word two words later.
    "streaming": replace(_USUAL, decoder="softmax", bidirectional=False, lookahead=2, units=96, epochs=6),
    # Data of your own; the README tells how these folders are made.
    "broad_twitter": replace(
        _REAL, dataset="broad_twitter", min_count=1, word_dropout=0.3, epochs=5, patience=5
    ),
    "wnut17": replace(_REAL, dataset="wnut17"),
    "ewt_pos": replace(_REAL, dataset="ewt_pos", epochs=8),
}
