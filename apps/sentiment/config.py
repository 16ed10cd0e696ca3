"""The settings of the sentiment app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.config import (
    RECURRENT_SPACE,
    ClassifierConfig,
    LargeDataConfig,
    PretrainedConfig,
    Range,
    SequenceConfig,
    TableConfig,
    VocabularyConfig,
    require_at_least,
    require_rates,
)


@dataclass(frozen=True)
class SentimentConfig(
    ClassifierConfig, PretrainedConfig, LargeDataConfig, VocabularyConfig, TableConfig, SequenceConfig
):
    """Labels texts. The defaults suit the embedded reviews."""

    text_feature: str | None = None
    """The text feature to read, for a TFDS set with several."""
    label_feature: str | None = None
    """The label feature to predict, for a TFDS set with several."""
    text_column: str = "text"
    """The column of the text in your CSV, TSV, JSONL or JSON file."""
    label_column: str = "label"
    """The column of the label in your CSV, TSV, JSONL or JSON file."""
    units: int = 48
    """Units of each recurrent layer, in each direction."""
    bidirectional: bool = True
    """Read the text in both directions."""
    embedding: int = 48
    """Size of a token's embedding vector."""
    naive_bayes_start: float = 0.0
    """Add naive Bayes log-count ratios, times this factor, to the initial embedding: one channel per label (a
    single channel for two labels)."""
    lexicon: bool = False
    """Show the network how VADER's lexicon rates each English word, and keep its words in the vocabulary."""
    network_dropout: float = 0.0
    """With --lexicon: fraction of training texts judged by the sums of their words' ratings alone."""
    language_model_epochs: int = 0
    """First let the embedding and the recurrent layer (with --depth, the first one) learn to tell the next
    and the previous word of the training texts, in so many passes over them."""
    word_dropout: float = 0.1
    """Fraction of words replaced by the unknown token in training."""
    channel_dropout: float = 0.3
    """Fraction of embedding channels dropped in training."""
    dropout: float = 0.3
    """Fraction dropped in training between recurrent layers and before the output."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "embedding")
        require_at_least(self, 0, "naive_bayes_start", "language_model_epochs")
        self._require_forwards("bidirectional")
        require_rates(self, "channel_dropout", "network_dropout", "word_dropout")


SPACE = {
    **RECURRENT_SPACE,
    "embedding": Range(8, 128, logarithmic=True),
    "bidirectional": (False, True),
    "word_dropout": Range(0.0, 0.3),
    "channel_dropout": Range(0.0, 0.6),
}
"""What `sweep` varies."""
PRESETS = {
    # Rated sentences, composed reviews and everyday statements: two minutes on 2 cores.
    "default": SentimentConfig(
        epochs=8,
        batch_size=128,
        learning_rate=5e-3,
        vocabulary_size=12_000,
        embedding=32,
        lexicon=True,
        network_dropout=0.4,
        word_dropout=0.05,
        channel_dropout=0.4,
        dropout=0.4,
    ),
    # Runs every step in a minute on generated reviews; its accuracy means nothing.
    "smoke": SentimentConfig(
        dataset="compositional_reviews",
        precisions=("float32", "int8"),
        epochs=1,
        max_length=8,
        units=8,
        embedding=8,
        batch_size=125,
    ),
    # IMDB through TFDS: test about 0.89, about ten minutes on 2 cores. Strong dropout and a small vocabulary
    # keep the network from learning the names of films.
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
    # SST-2 sentences after IMDB's training reviews: test about 0.83, about five minutes on 2 cores.
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
