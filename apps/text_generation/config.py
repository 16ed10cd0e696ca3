"""Settings and presets of the text generation app."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pipelines.config import RECURRENT_SPACE, Range, SequenceConfig, require, require_at_least, require_rates

Symbols = Literal["characters", "bytes"]


@dataclass(frozen=True)
class TextConfig(SequenceConfig):
    """Settings of the text, its symbols and the network."""

    alphabet: Symbols = "characters"
    """The symbols: the characters of the training text, or bytes, which can write every Unicode string."""
    text_feature: str | None = None
    """The text feature of a TFDS data set that has several."""
    encoding: str = "utf-8"
    """The encoding of your text files."""
    validation: float = 0.05
    """The share of the text, at its beginning, that is held out for validation."""
    test: float = 0.1
    """The share of the text, at its end, that is held out for the test."""
    max_scored: int = 500_000
    """The largest number of characters of the validation and test parts that the network is scored on."""
    max_scored_on_device: int = 50_000
    """The largest number of characters of the test part that each exported file is scored on: passages of
    one window, spread evenly, whose first half is context. The network is scored on them and on all."""
    window: int = 128
    """Steps of truncated backpropagation through time. The state is carried from window to window."""
    batch_size: int = 32
    """The text is cut into this many streams, which are read side by side."""
    embedding: int = 64
    """Size of the vector of a symbol."""
    tied: bool = False
    """Let the output use the weights of the embedding: fewer weights, which helps with little text."""
    dropout: float = 0.1
    """Dropout rate between recurrent layers and before the output."""
    recurrent_dropout: float = 0.0
    """Dropout rate of the recurrent state, with one mask for all steps of a window."""
    variational_dropout: bool = False
    """Draw one mask of --dropout for all steps of a window, instead of one for each step."""
    layer_normalization: bool = False
    """Normalise the sums in the recurrent cells. For `lstm` only."""
    ngram: int = 6
    """The length of the n-grams of the Kneser-Ney model that the network must beat."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "embedding", "ngram", "max_scored", "max_scored_on_device")
        require_at_least(self, 4, "window")
        require_rates(self, "recurrent_dropout", "validation", "test")
        self._require_dropped(self.recurrent_dropout)
        allowed = not self.layer_normalization or self.cell == "lstm"
        require(allowed, "layer_normalization", "only with --cell lstm", self.cell)
        require(self.validation > 0 and self.test > 0, "test", "above 0, like --validation", self.test)
        held_out = self.validation + self.test
        require(held_out < 1, "validation", "less than 1 together with --test", self.validation)
        require(self.pretraining_epochs == 0, "pretraining_epochs", "0", self.pretraining_epochs)


_BOOK = TextConfig(
    validation=0.02,
    cell="lstm",
    units=256,
    epochs=4,
    learning_rate=4e-3,
    weight_decay=1e-5,
    patience=4,
    ngram=7,
)

SPACE = {
    **RECURRENT_SPACE,
    "embedding": Range(8, 128, logarithmic=True),
    "recurrent_dropout": Range(0.0, 0.5),
    "window": (32, 64, 128, 256),
}
"""What `sweep` varies."""
PRESETS = {
    # The King James Bible.
    "default": _BOOK,
    # Runs the whole pipeline in a minute; its text is meaningless.
    "smoke": TextConfig(
        precisions=("float32", "int8"),
        dataset="embedded/small",
        units=16,
        embedding=8,
        epochs=1,
        batch_size=16,
        window=32,
        learning_rate=5e-3,
        ngram=3,
    ),
    # The King James Bible again, with four times the weights and three times the steps.
    "kjv": replace(
        _BOOK, units=512, window=64, dropout=0.3, recurrent_dropout=0.1, epochs=6, learning_rate=3e-3
    ),
    # tiny_shakespeare.txt, whose last tenth is nanoGPT's validation part. TFDS has the same text, and cuts
    # that tenth into validation and test.
    "shakespeare": replace(
        _BOOK,
        dataset="tiny_shakespeare",
        units=512,
        dropout=0.4,
        recurrent_dropout=0.2,
        epochs=12,
        learning_rate=3e-3,
        ngram=6,
    ),
}
