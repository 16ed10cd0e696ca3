"""Raw examples by split, and the features that a network is trained on."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_PIECE = 1000  # examples that a fingerprint takes at a time


@dataclass(frozen=True)
class Examples:
    """One split of raw data: `targets[i]` is the target of `inputs[i]` (a text, an array of samples)."""

    inputs: Sequence[Any]
    """A list, or `on_disk.OnDisk` if they are too large for the memory."""
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Origin:
    """What a data set of TFDS says of itself."""

    name: str
    description: str
    licence: str
    """Empty if it doesn't say."""


@dataclass(frozen=True)
class Data:
    """A raw data set, cut into splits.

    There are always `train`, `validation` and `test`. There may be `pretraining`, which a network is trained
    on before `train`. Any other split is a further test split.
    """

    splits: dict[str, Examples]
    labels: tuple[str, ...]
    source: str
    notes: tuple[str, ...] = ()
    """Messages for the user about changes, such as a held-out split or examples that were left out."""
    origins: tuple[Origin, ...] = field(default=(), kw_only=True)
    """Of the sources that are data sets of TFDS, for the card of the network."""

    @property
    def test_splits(self) -> list[str]:
        """The names of the splits that are only scored, `test` first."""
        trained_on = ("pretraining", "train", "validation", "test")
        return ["test", *(name for name in self.splits if name not in trained_on)]

    @property
    def counts(self) -> dict[str, int]:
        """The number of examples by split."""
        return {name: len(split) for name, split in self.splits.items()}

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all splits in the order of their names; equal for runs with the same data."""
        digest = hashlib.sha256()
        for name in sorted(self.splits):
            split = self.splits[name]
            digest.update(f"[{json.dumps(name)}, [".encode())
            for piece in _as_json(split.inputs):
                digest.update(piece.encode())
            digest.update(b"], [")
            for piece in _as_json(split.targets):
                digest.update(piece.encode())
            digest.update(b"]]")
        return digest.hexdigest()


def _as_json(items: Sequence[Any] | np.ndarray) -> Iterator[str]:
    """Yield the items as JSON, with commas between them: piece by piece, since there may be many."""
    for start in range(0, len(items), _PIECE):
        some = items[start : start + _PIECE]
        listed = some.tolist() if isinstance(some, np.ndarray) else list(some)
        yield (", " if start else "") + json.dumps(listed, default=_hash_of_array)[1:-1]


def _hash_of_array(array: np.ndarray) -> str:
    header = f"{array.dtype.str} {array.shape} ".encode()
    return hashlib.sha256(header + np.ascontiguousarray(array).tobytes()).hexdigest()


@dataclass(frozen=True)
class Features:
    """The network's inputs and targets by split, and the settings and files that turn raw input into them."""

    inputs: Mapping[str, Any]
    """By split: an array, or arrays by input name if the network has several inputs. Splits that are scored
    hold the single input of the deployed network. Of examples on disk it is an `on_disk.OnDemand`."""
    targets: Mapping[str, np.ndarray]
    """By split."""
    labels: tuple[str, ...]
    """The names of the labels, if targets are label numbers; otherwise empty."""
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    """Preprocessing settings for the bundle's manifest; values that JSON can hold."""
    assets: Mapping[str, bytes] = field(default_factory=dict)
    """Files for the bundle: content by file name."""
    counts: Mapping[str, float] = field(default_factory=dict)
    """Counts of kept, cut and dropped items, for the tracker."""
    lengths: Mapping[str, np.ndarray] | None = None
    """For sequences with padding at their end: the number of valid steps of each, by split. Training batches
    then hold sequences of similar length and are cut to the longest."""
    targets_per_step: bool = False
    """Whether sequences with lengths have one target per step. Such targets are cut like the inputs."""
    of_sequences: bool = False
    """Whether inputs of four axes are sequences, of joints for example, whose lengths `augment` may change.
    Usually they are images."""
    validation: tuple[Any, np.ndarray] | None = None
    """The inputs and targets of `validation` for the network that is trained, if the deployed one has other
    inputs. Its loss is computed on them after each epoch."""
    in_order: bool = False
    """Whether training batches are successive rows, in the same order in each epoch: each row of a batch
    continues the same row of the batch before, and the network carries its states. The deployed network then
    has the outputs of the trained one, so the loss of `validation` is computed from them."""
    augment: Augment | None = None
    """A function that changes each training batch, differently in every epoch."""


Augment = Callable[[Any, np.ndarray, np.random.Generator], tuple[Any, np.ndarray]]
"""augment(inputs, targets, rng) -> inputs, targets of one training batch."""


def take(arrays: Any, rows: Any) -> Any:
    """Return the examples `rows` of an array, or of each array in a dict."""
    if isinstance(arrays, Mapping):
        return {name: array[rows] for name, array in arrays.items()}
    return arrays[rows]
