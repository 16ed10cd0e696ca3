"""The settings of the translation app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipelines.config import (
    RECURRENT_SPACE,
    AttentionKind,
    Range,
    RecurrentConfig,
    TableConfig,
    require,
    require_at_least,
    require_rates,
)


@dataclass(frozen=True)
class TranslationConfig(TableConfig, RecurrentConfig):
    """Writes a target text for each source text. The defaults suit ten thousand pairs of sentences."""

    source: str | None = None
    """What has the sources: a file (then --target is the file with as many targets), a column of a table, a
    language, or the suffix of the files in a folder."""
    target: str | None = None
    """What has the targets, as for --source."""
    lower_case: bool = False
    """Read and write lower case only."""
    pieces: int = 2000
    """The largest number of subwords, learned from the training split."""
    max_source: int | None = None
    """The number of pieces of a source that are read. Default: enough for 99 % of the training sources, at
    most 200."""
    max_target: int | None = None
    """The largest number of pieces of an answer. Default: as for --max-source."""
    embedding: int = 128
    """Size of the vector of a piece."""
    hops: int = 0
    """How often the lines of a source are read, where its last line is a question about the others; 0 reads
    the pieces with recurrent layers in both directions instead. Sources that are too long then lose their
    first pieces, not their last ones."""
    attention: AttentionKind = "additive"
    """How the decoder looks at the source: additive, multiplicative or multi_head."""
    attention_units: int = 64
    """Units of the hidden layer of additive attention, or size of the keys of multi_head."""
    heads: int = 4
    """The number of heads of multi_head."""
    input_feeding: bool = False
    """Let the decoder read what it attended to one piece before. Training then takes step by step."""
    attention_guidance: float = 0.5
    """Weight of the loss that draws the attention to the alignment by IBM model 1; 0 trains without it."""
    copy: bool = False
    """Let the decoder copy pieces of the source."""
    tied: bool = False
    """Use the vectors of the target's pieces for the output layer, too."""
    word_dropout: float = 0.0
    """Share of the source's pieces that training replaces by the unknown piece."""
    label_smoothing: float = 0.1
    """Probability that the loss spreads evenly over all pieces."""
    scheduled_sampling: float = 0.0
    """Share of the pieces that the decoder reads from its own predictions in training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "embedding", "attention_units", "heads", "max_source", "max_target")
        require_at_least(self, 0, "attention_guidance", "hops")
        require_rates(self, "word_dropout", "label_smoothing", "scheduled_sampling")
        require(16 <= self.pieces <= 65_536, "pieces", "16 to 65,536", self.pieces)
        whole = self.attention != "multi_head" or self.attention_units % self.heads == 0
        require(whole, "attention_units", f"a multiple of --heads {self.heads}", self.attention_units)
        require(self.pretraining_epochs == 0, "pretraining_epochs", "0", self.pretraining_epochs)


_SENTENCES = TranslationConfig(
    units=160,
    pieces=1500,
    copy=True,
    dropout=0.3,
    batch_size=32,
    learning_rate=3e-3,
    clip_norm=5.0,
    epochs=10,
    patience=10,
)

# Trained for longer; int16x8 is left out, since it takes 20 times as long to answer.
_LONGER = replace(
    _SENTENCES,
    epochs=12,
    patience=12,
    precisions=("float32", "float16", "dynamic_int8", "int8"),
)

# The last line is a question about the others.
_STORIES = replace(
    _SENTENCES,
    hops=2,
    pieces=200,
    max_source=700,
    units=64,
    embedding=64,
    copy=False,
    attention_guidance=0.0,
    label_smoothing=0.0,
    dropout=0.1,
    weight_decay=0.1,
    epochs=80,
    patience=80,
)

SPACE = {
    **RECURRENT_SPACE,
    "embedding": Range(16, 256, logarithmic=True),
    "attention_units": Range(16, 128, logarithmic=True),
    "word_dropout": Range(0.0, 0.3),
}
"""What `sweep` varies."""
PRESETS = {
    # Short verses of the King James Bible in Basic English.
    "default": _SENTENCES,
    # The same in lower case, where a translation word by word is a strong baseline.
    "verses": replace(_LONGER, dataset="embedded/longer", lower_case=True, pieces=2500),
    # Captions, English to German: --dataset FOLDER with train.en, train.de and so on.
    "multi30k": replace(
        _LONGER, source="en", target="de", copy=False, units=256, embedding=192, pieces=6000, batch_size=64
    ),
    # Stories with a question, and answers of one word: --dataset with the files of bAbI's task 2.
    "babi": _STORIES,
    # The same for bAbI's task 6, whose answers are yes and no.
    "babi_yes_no": _STORIES,
    # Runs every step in a minute; its answers mean nothing.
    "smoke": TranslationConfig(
        dataset="embedded/small",
        precisions=("float32", "int8"),
        cell="simple_rnn",
        pieces=200,
        max_source=16,
        max_target=15,
        batch_size=307,  # of 614 pairs: all batches have one shape, and XLA compiles once
        units=8,
        embedding=8,
        attention_units=8,
        copy=True,
        epochs=1,
        learning_rate=5e-3,
    ),
}
