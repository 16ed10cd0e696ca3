"""The settings that every app has. An app's config is a frozen dataclass that extends one of these."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from .errors import UserError
from .ondevice.manifest import USUAL_PRECISIONS, Precision
from .ondevice.tokenizer import Keep

Cell = Literal[
    "simple_rnn",
    "lstm",
    "gru",
    "mgu",
    "ind_rnn",
    "min_gru",
    "min_lstm",
    "fast_grnn",
    "sru",
    "rg_lru",
    "cfc",
    "slstm",
]
"""The recurrent layers that `layers.by_name` knows."""
Windowed = Literal["tcn", "transformer", "tcn+gru", "gru+transformer"]
"""What may stand in their place: a temporal convolution, a causal Transformer, or one of them with a GRU."""
WITHOUT_RECURRENT_DROPOUT = ("min_gru", "min_lstm", "sru", "rg_lru")
"""Cells that multiply no matrix with their state, so that there is nothing to drop."""
AttentionKind = Literal["additive", "multiplicative", "multi_head"]
"""Kinds of attention of a decoder over a context."""


@dataclass(frozen=True)
class Range:
    """The least and the largest value that a sweep may give to a setting; whole numbers if both are."""

    low: float
    high: float
    logarithmic: bool = False
    """Whether as many values are tried between 0.001 and 0.01 as between 0.01 and 0.1."""


Space = Mapping[str, Range | tuple[Any, ...]]
"""What a sweep varies: a range or the values to choose from, by the name of the setting."""
COMMON_SPACE: Space = {"learning_rate": Range(1e-4, 2e-2, logarithmic=True)}
"""What a sweep varies in every app."""
RECURRENT_SPACE: Space = {
    **COMMON_SPACE,
    "cell": ("gru", "lstm", "mgu", "fast_grnn", "min_gru", "min_lstm", "ind_rnn", "simple_rnn"),
    "units": Range(4, 256, logarithmic=True),
    "depth": Range(1, 3),
    "dropout": Range(0.0, 0.6),
}
"""What a sweep varies in apps with a stack of recurrent layers."""


@dataclass(frozen=True)
class Config:
    """Settings common to all apps. The options of the command line are made from
    these fields and their docstrings."""

    dataset: str = "embedded"
    """`embedded`, the name of a TFDS data set, or the path of your file or folder."""
    data_dir: Path | None = None
    """The folder where TFDS keeps prepared data sets. Default: .cache/tfds in the checkout."""
    epochs: int = 10
    """The largest number of passes over the training data. Early stopping may end training sooner."""
    pretraining_epochs: int = 0
    """Number of epochs at the start that train on the `pretraining` split instead of `train`."""
    batch_size: int = 64
    """Examples per training step."""
    learning_rate: float = 1e-3
    """The largest learning rate."""
    schedule: Literal["cosine", "plateau"] = "cosine"
    """cosine: linear warm-up over the first twentieth of the steps, then cosine decay to 0. plateau: the same
    learning rate until an epoch is no better on validation; it is halved after each such epoch."""
    weight_decay: float = 0.0
    """Decoupled weight decay of AdamW, per step."""
    clip_norm: float = 1.0
    """Gradients with a larger global norm are scaled down to this norm."""
    sparsity: float = 0.0
    """The share of each matrix of weights that becomes zero in the first half of training, the smallest
    ones. The files keep their size, but a zip of them is smaller."""
    quantize_aware: str | None = None
    """The id of a finished run. Its network is fine-tuned for int8 in 3 epochs with a tenth of its learning
    rate: training rounds where the exported file rounds. All other settings are those of the run."""
    patience: int = 3
    """Stop after this many epochs without a better validation metric; the best epoch's weights are kept."""
    precisions: tuple[Precision, ...] = USUAL_PRECISIONS
    """The precisions to export. Each one takes time to convert and to verify."""
    seed: int = 1
    """The seed of all random numbers. The same seed on the same machine gives the same results."""

    def __post_init__(self) -> None:
        require_at_least(self, 1, "epochs", "batch_size", "patience")
        require(len(self.precisions) > 0, "precisions", "at least one", self.precisions)
        require_above_0(self, "learning_rate", "clip_norm")
        within = 0 <= self.pretraining_epochs < self.epochs
        require(within, "pretraining_epochs", "0 or more, below --epochs", self.pretraining_epochs)
        require_at_least(self, 0, "weight_decay")
        require_rates(self, "sparsity")

    @property
    def network(self) -> str:
        """The network in a few words, for names of runs; "" if the settings don't say."""
        return ""


@dataclass(frozen=True)
class PretrainedConfig(Config):
    """Settings of apps that can train on another data set first."""

    pretraining_dataset: str | None = None
    """The data set of the pretraining epochs, named as in --dataset. It must have as many labels as the data
    set, in the same order."""

    def __post_init__(self) -> None:
        super().__post_init__()
        both = (self.pretraining_dataset is None) == (self.pretraining_epochs == 0)
        expected = "together with --pretraining-epochs"
        require(both, "pretraining_dataset", expected, self.pretraining_dataset)


@dataclass(frozen=True)
class LargeDataConfig(Config):
    """Settings of apps whose data may be larger than the memory."""

    memory_gb: float | None = None
    """The memory that the examples of a TFDS set or of TFRecord files may take, in GB. Those of a larger set
    stay on disk, in .cache/examples, and are read as training needs them. Default: half of what is free."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 0, "memory_gb")


@dataclass(frozen=True)
class ClassifierConfig(Config):
    """Settings of apps whose network chooses a label."""

    class_weights: Literal["none", "balanced"] = "none"
    """balanced: examples of rare labels count more in training, so that each label counts as much as any
    other, for data with few examples of some labels. Metrics and the validation loss stay unweighted."""


@dataclass(frozen=True)
class RecurrentConfig(Config):
    """Settings of apps whose network has a stack of recurrent layers."""

    cell: Cell = "gru"
    """The recurrent cell."""
    units: int = 64
    """Units of each recurrent layer (per direction, if there are two)."""
    depth: int = 1
    """Number of stacked recurrent layers."""
    dropout: float = 0.0
    """Dropout rate between recurrent layers and before the output."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "units", "depth")
        require_rates(self, "dropout")

    def _require_dropped(self, recurrent_dropout: float) -> None:
        """Refuse recurrent dropout where no recurrent weights are."""
        without = (*WITHOUT_RECURRENT_DROPOUT, *get_args(Windowed))
        allowed = recurrent_dropout == 0 or self.cell not in without
        require(allowed, "recurrent_dropout", f"0 with --cell {self.cell}", recurrent_dropout)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of the stacked layers from bottom to top, for `layers.by_name`."""
        return tuple(self.cell.split("+")) * self.depth

    @property
    def network(self) -> str:
        """The recurrent layers, for example "gru 64", or "gru 2x192" for two layers."""
        return f"{self.cell} {self.units}" if self.depth == 1 else f"{self.cell} {self.depth}x{self.units}"


@dataclass(frozen=True)
class SequenceConfig(RecurrentConfig):
    """Settings of apps where layers that see a window of the past may stand for recurrent ones."""

    cell: Cell | Windowed = "gru"  # type: ignore[assignment]  # mypy wants the same names
    """The recurrent cell; or, in its place, a temporal convolution (tcn) or a causal transformer; or both:
    tcn+gru is a GRU that reads a temporal convolution, gru+transformer a transformer that reads a GRU."""

    def __post_init__(self) -> None:
        super().__post_init__()
        fits = "transformer" not in self.cell or self.units % 4 == 0
        require(fits, "units", f"a multiple of 4, the number of heads, with --cell {self.cell}", self.units)

    def _require_forwards(self, option: str) -> None:
        """Refuse an option that reads in both directions where the layers can't."""
        both = getattr(self, option) and self.cell in get_args(Windowed)
        require(not both, option, f"False with --cell {self.cell}", getattr(self, option))


@dataclass(frozen=True)
class StreamConfig(SequenceConfig):
    """Settings of apps that are trained on parts of a stream and label a stream."""

    attention: bool = False
    """Read each example in both directions and attend to all of it. Such a network cannot stream."""
    label_smoothing: float = 0.05
    """Share of each target's probability that training spreads evenly over all labels."""
    lead_in: float = 0.3
    """If an example has one label: the share of training batches in which another example precedes each one,
    as in a stream."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_forwards("attention")
        require_rates(self, "label_smoothing")
        require(0 <= self.lead_in <= 1, "lead_in", "0 to 1", self.lead_in)


@dataclass(frozen=True)
class TableConfig(Config):
    """Settings of apps that read tables of the user."""

    encoding: str = "utf-8"
    """The text encoding of your files."""
    delimiter: str | None = None
    """The character between the fields of your CSV file, or "tab". Default: a comma, in .tsv files a tab."""
    columns: tuple[str, ...] = ()
    """The names of the columns of your CSV file if it has no header, such as: --columns label title text."""

    def __post_init__(self) -> None:
        super().__post_init__()
        single = self.delimiter is None or (len(self.delimiter) == 1 and self.delimiter not in '"\r\n')
        expected = 'one character, or "tab"'
        require(single or self.delimiter in ("tab", "\\t"), "delimiter", expected, self.delimiter)


@dataclass(frozen=True)
class VocabularyConfig(Config):
    """Settings of apps that read text as the tokens of a vocabulary."""

    vocabulary_size: int = 10_000
    """The largest number of tokens in the vocabulary, which is learned from the training split."""
    min_count: int = 2
    """Tokens that occur less often in the training split are treated as unknown."""
    max_length: int | None = None
    """The number of tokens that are kept of each text. Default: enough for 99 % of the training texts, at
    most 400."""
    keep: Keep = "both"
    """The part of a longer text that is kept: head, tail, or both (a quarter from the head, the rest from the
    tail)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.vocabulary_size >= 3, "vocabulary_size", "at least 3", self.vocabulary_size)
        require_at_least(self, 1, "min_count", "max_length")


def require(holds: bool, name: str, expected: str, got: object) -> None:
    """Raise a UserError that names the option, what was expected and what was given, unless `holds`."""
    if not holds:
        raise UserError(f"--{name.replace('_', '-')}: expected {expected}, got {got!r}")


def require_above_0(config: Config, *names: str) -> None:
    """Raise a UserError if a setting of these names is not above 0; None is accepted."""
    for name in names:
        value = getattr(config, name)
        require(value is None or value > 0, name, "above 0", value)


def require_at_least(config: Config, least: int, *names: str) -> None:
    """Raise a UserError if a setting of these names is below `least`; None is accepted."""
    for name in names:
        value = getattr(config, name)
        expected = f"at least {least}" if least else "0 or more"
        require(value is None or value >= least, name, expected, value)


def require_rates(config: Config, *names: str) -> None:
    """Raise a UserError if a setting of these names is not at least 0 and below 1."""
    for name in names:
        require(0 <= getattr(config, name) < 1, name, "0 <= rate < 1", getattr(config, name))


def to_dict(config: Config) -> dict[str, Any]:
    """Return the settings as values that JSON can hold."""
    return {name: str(v) if isinstance(v, Path) else v for name, v in dataclasses.asdict(config).items()}


def from_dict(config_class: type[Config], settings: Mapping[str, Any]) -> Config:
    """Return the config from the settings that `to_dict` returned, even after they went through JSON."""
    settings = {name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()}
    if settings.get("data_dir") is not None:
        settings["data_dir"] = Path(settings["data_dir"])
    return config_class(**settings)
