"""The settings that every app has. An app's own config is a frozen dataclass on top of this one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .errors import UserError

Cell = Literal["simple_rnn", "lstm", "gru"]
"""Names that `layers.by_name` knows."""


@dataclass(frozen=True)
class Config:
    """Settings common to all apps; the command line is made from these fields."""

    dataset: str = "embedded"
    """`embedded`, the name of a TFDS data set, or the path of a file or folder of yours."""
    data_dir: Path | None = None
    """Where TFDS looks for prepared data sets and puts new ones. Default: .cache/tfds in the checkout."""
    epochs: int = 10
    """Passes over the training data, at most (early stopping may end sooner)."""
    pretraining_epochs: int = 0
    """How many of the epochs, the first ones, see the data's `pretraining` split instead of `train`."""
    batch_size: int = 64
    """Examples per training step."""
    learning_rate: float = 1e-3
    """Peak learning rate: linear warm-up over the first twentieth of the steps, then cosine decay to 0."""
    weight_decay: float = 0.0
    """Decoupled weight decay of AdamW, per step."""
    clip_norm: float = 1.0
    """Gradients are scaled down to this global norm."""
    patience: int = 3
    """Stop after this many epochs without a better validation metric; the best epoch's weights are kept."""
    seed: int = 1
    """Seeds everything: the same seed on the same machine gives the same numbers."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name in ("learning_rate", "clip_norm"):
            require(getattr(self, name) > 0, name, "above 0", getattr(self, name))
        within = 0 <= self.pretraining_epochs < self.epochs
        require(within, "pretraining_epochs", "0 or more, below --epochs", self.pretraining_epochs)
        require(self.weight_decay >= 0, "weight_decay", "0 or more", self.weight_decay)


@dataclass(frozen=True)
class RecurrentConfig(Config):
    """Settings of apps whose network has a stack of recurrent layers."""

    cell: Cell = "gru"
    """The recurrent cell."""
    units: int = 64
    """Units of each recurrent layer (of each direction, where there are two)."""
    depth: int = 1
    """Recurrent layers, one on another."""
    dropout: float = 0.0
    """Fraction dropped between recurrent layers and before the output in training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("units", "depth"):
            require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        require(0 <= self.dropout < 1, "dropout", "0 <= rate < 1", self.dropout)


def require(holds: bool, name: str, expected: str, got: object) -> None:
    """Refuse a setting by the name of its option: what was expected, what was given."""
    if not holds:
        raise UserError(f"--{name.replace('_', '-')}: expected {expected}, got {got!r}")


def to_dict(config: Config) -> dict[str, Any]:
    """Return the settings as JSON takes them."""
    return {name: str(v) if isinstance(v, Path) else v for name, v in dataclasses.asdict(config).items()}


def from_dict(config_class: type[Config], settings: Mapping[str, Any]) -> Config:
    """Return the config that `to_dict` was given."""
    settings = dict(settings)
    if settings.get("data_dir") is not None:
        settings["data_dir"] = Path(settings["data_dir"])
    return config_class(**settings)
