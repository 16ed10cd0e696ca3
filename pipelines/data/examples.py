"""Raw examples by split, and the features that a network sees of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Examples:
    """One split of raw data: `inputs[i]` (a text, an array of samples) belongs to `targets[i]`."""

    inputs: list[Any]
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Data:
    """A data set as it came, cut into splits.

    `train`, `validation` and `test` are always there; `pretraining` is what the network may see before
    `train`; any other is a further test split.
    """

    splits: dict[str, Examples]
    labels: tuple[str, ...]
    source: str
    notes: tuple[str, ...] = ()
    """What was decided where the source was silent (a split held out, examples left out), for people."""

    @property
    def test_splits(self) -> list[str]:
        """Every split that is only ever scored: `test` first."""
        trained_on = ("pretraining", "train", "validation", "test")
        return ["test", *(name for name in self.splits if name not in trained_on)]

    @property
    def counts(self) -> dict[str, int]:
        """Number of examples by split."""
        return {name: len(split) for name, split in self.splits.items()}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all splits, in order: tells whether two runs saw the same data."""
        digest = hashlib.sha256()
        for name in sorted(self.splits):
            split = self.splits[name]
            content = [name, split.inputs, split.targets.tolist()]
            digest.update(json.dumps(content, default=_hash_of_array).encode())
        return digest.hexdigest()


def _hash_of_array(array: np.ndarray) -> str:
    header = f"{array.dtype.str} {array.shape} ".encode()
    return hashlib.sha256(header + np.ascontiguousarray(array).tobytes()).hexdigest()


@dataclass(frozen=True)
class Features:
    """What the network sees: arrays by split, and what the device needs to make the same from raw input."""

    inputs: Mapping[str, Any]
    """By split: an array for a network with one input, else arrays by input name. The splits that are scored
    hold the one input of the deployed network."""
    targets: Mapping[str, np.ndarray]
    labels: tuple[str, ...]
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able settings, into the bundle's manifest."""
    assets: Mapping[str, bytes] = field(default_factory=dict)
    """Files for the bundle, by file name."""
    counts: Mapping[str, float] = field(default_factory=dict)
    """What was kept, cut and dropped, for the tracker."""
    lengths: Mapping[str, np.ndarray] | None = None
    """Of sequences padded at their end: the number of valid steps of each, by split. Training batches
    then hold sequences of like length, cut to the longest of them."""
    targets_per_step: bool = False
    """Of sequences with lengths: there is one target for each step, cut as the inputs are."""
    augment: Augment | None = None
    """What training does to each batch, anew in every epoch."""


Augment = Callable[[Any, np.ndarray, np.random.Generator], tuple[Any, np.ndarray]]
"""augment(inputs, targets, rng) -> inputs, targets of one training batch."""


def take(arrays: Any, rows: Any) -> Any:
    """Return the examples `rows` of an array, or of each array by name."""
    if isinstance(arrays, Mapping):
        return {name: array[rows] for name, array in arrays.items()}
    return arrays[rows]
