"""Raw examples cut into the splits that every app needs, none of them leaking into another."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import UserError
from .examples import Data, Examples

HELD_OUT = 0.1
"""The fraction of the training split that makes a split which the source lacks."""


def complete(
    splits: Mapping[str, Examples], labels: tuple[str, ...], source: str, notes: Sequence[str], seed: int
) -> Data:
    """Return the data with all three splits, no held-out text being in `train`; notes say what was done.

    Without a test split, the validation split is the test split; what is lacking then is cut from `train`.
    """
    splits, notes = dict(splits), list(notes)
    if "train" not in splits:
        raise UserError(f"{source}: expected a labelled train split")
    if "test" not in splits and "validation" in splits:
        splits["test"] = splits.pop("validation")
        notes.append(f"{source}: no labelled test split, so its validation split is the test split")
    held_out = _held_out(splits)
    train = splits["train"]
    kept = select(train, [_content(text) not in held_out for text in train.inputs])
    if len(kept) < len(train):
        what = "texts" if isinstance(train.inputs[0], str) else "examples"
        left_out = len(train) - len(kept)
        notes.append(f"{source}: {left_out:,} training {what} left out, being in a held-out split")
    for name in ("test", "validation"):
        if name not in splits:
            kept, splits[name] = hold_out(kept, seed)
            notes.append(
                f"{source}: no {name} split, so {len(splits[name]):,} examples ({HELD_OUT:.0%}, by class, "
                f"seed {seed}) are held out of train"
            )
            if not len(splits[name]):
                raise UserError(f"{source}: too few examples to hold out a {name} split: got {len(kept)}")
    if len(np.unique(kept.targets)) < 2:
        raise UserError(f"{source}: expected training examples of at least two classes")
    ordered = {"train": kept, "validation": splits["validation"], "test": splits["test"]}
    return Data(ordered | {k: v for k, v in splits.items() if k not in ordered}, labels, source, tuple(notes))


def _content(example: Any) -> Hashable:
    """Return what tells whether two inputs are the same: a text itself, a hash of an array's numbers."""
    return hashlib.sha256(example.tobytes()).digest() if isinstance(example, np.ndarray) else example


def _held_out(splits: Mapping[str, Examples]) -> set[Hashable]:
    return {_content(text) for name, split in splits.items() if name != "train" for text in split.inputs}


def select(examples: Examples, chosen: Sequence[bool]) -> Examples:
    """Return the examples where `chosen` is true, in their order."""
    inputs = [text for text, keep in zip(examples.inputs, chosen, strict=True) if keep]
    return Examples(inputs, examples.targets[np.array(chosen, bool)])


def hold_out(examples: Examples, seed: int) -> tuple[Examples, Examples]:
    """Return (rest, held out): a tenth of each class's distinct texts, so that no text is in both.

    A class of one or two texts stays whole in the rest; a larger one gives at least one.
    """
    first: dict[Hashable, int] = {}
    for text, target in zip(examples.inputs, examples.targets.tolist(), strict=True):
        first.setdefault(_content(text), target)
    rng = np.random.default_rng(seed)
    held: set[Hashable] = set()
    for target in sorted(set(first.values())):
        texts = [text for text, of in first.items() if of == target]
        count = max(1, round(HELD_OUT * len(texts))) if len(texts) > 2 else 0
        held.update(texts[index] for index in rng.permutation(len(texts))[:count])
    chosen = [_content(text) in held for text in examples.inputs]
    return select(examples, [not held for held in chosen]), select(examples, chosen)


def with_pretraining(data: Data, extra: Data) -> Data:
    """Return `data` with the training split of `extra` as its pretraining split.

    Labels are matched by their order; texts that `data` holds out are left out.
    """
    if len(extra.labels) != len(data.labels):
        raise UserError(
            f"{extra.source}: expected as many labels as {data.source} has, {data.labels}, got {extra.labels}"
        )
    held_out = _held_out(data.splits)
    more = extra.splits["train"]
    more = select(more, [_content(text) not in held_out for text in more.inputs])
    pairs = ", ".join(f"{theirs} as {ours}" for theirs, ours in zip(extra.labels, data.labels, strict=True))
    note = f"pretraining on {len(more):,} training texts of {extra.source} ({pairs})"
    source = f"{data.source} after {extra.source}"
    return Data(data.splits | {"pretraining": more}, data.labels, source, (*data.notes, note))
