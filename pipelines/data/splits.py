"""Complete the splits that every app needs, and remove examples that occur in two splits."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import UserError
from .examples import Data, Examples
from .on_disk import OnDisk
from .strokes import Drawing

HELD_OUT = 0.1
"""The fraction of the training split that is held out for a missing split."""


def complete(data: Data, seed: int | None, what: str = "examples") -> Data:
    """Return the data with all three splits. Training examples that are also in a held-out split are removed.

    Without a test split, the validation split becomes the test split. Splits that are still missing are held
    out of `train`. The notes describe the changes.

    Args:
        data: must have `train`. Splits other than the three are kept as further test splits.
        seed: selects the examples to hold out, by label if the data has labels. None for data that is only
            scored: it is returned as it is.
        what: the word for the examples in messages.

    Raises:
        UserError: `train` is missing, or has too few examples or labels.
    """
    if seed is None:
        return data
    splits, notes, source = dict(data.splits), list(data.notes), data.source
    labelled, how = ("labelled ", "by label, ") if data.labels else ("", "")
    if "train" not in splits:
        raise UserError(f"{source}: expected a {labelled}train split")
    if "test" not in splits and "validation" in splits:
        splits["test"] = splits.pop("validation")
        notes.append(f"{source}: no {labelled}test split, so its validation split is the test split")
    train = splits.pop("train")
    kept = _without(train, splits.values())
    if left_out := len(train) - len(kept):
        notes.append(f"{source}: {left_out:,} training {what} left out: they are in a held-out split")
    for name in ("test", "validation"):
        if name not in splits:
            kept, splits[name] = hold_out(kept, seed, by_label=bool(data.labels))
            if not len(splits[name]):
                why = _why_few(kept, left_out)
                raise UserError(f"{source}: too few {what} to hold out a {name} split: got {len(kept)}{why}")
            count = f"{len(splits[name]):,} {what} held out of train ({HELD_OUT:.0%}, {how}seed {seed})"
            notes.append(f"{source}: no {name} split: {count}")
    if data.labels and len(np.unique(kept.targets)) < 2:
        raise UserError(f"{source}: expected training {what} of at least two labels")
    first = {"train": kept, "validation": splits.pop("validation"), "test": splits.pop("test")}
    return replace(data, splits=first | splits, notes=tuple(notes))


def _why_few(kept: Examples, left_out: int) -> str:
    """Return why so few examples can be held out: many are equal, or in a held-out split already."""
    different = len(np.unique(_contents(kept)))
    equal = f", of which only {different:,} differ: equal ones stay together" if different < len(kept) else ""
    return equal + (f"; {left_out:,} more are copies of those in a held-out split" if left_out else "")


def _contents(examples: Examples) -> np.ndarray:
    """Return a number for each input, equal for equal ones: (N,) uint64, the first eight bytes of a hash.

    Examples may be too many to keep more of each. That two different ones get the same number is less likely
    than one in a thousand for a hundred million of them; they would then be taken for copies.
    """
    return np.fromiter(map(_content, examples.inputs), np.uint64, len(examples))


def _content(example: Any) -> int:
    """Return the number of a text, of an array's values, or of anything that Python can write out in full.

    Of a drawing, only its points count.
    """
    if isinstance(example, Drawing):
        example = example.points
    if isinstance(example, np.ndarray):
        content = example.tobytes()
    else:
        content = (example if isinstance(example, str) else repr(example)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "little")


def _without(examples: Examples, others: Collection[Examples]) -> Examples:
    """Return the examples that are in none of the others."""
    known = np.concatenate([np.empty(0, np.uint64), *map(_contents, others)])
    return select(examples, ~np.isin(_contents(examples), known))


def select(examples: Examples, chosen: Sequence[bool] | np.ndarray) -> Examples:
    """Return the examples for which `chosen` is true, in order."""
    mask = np.array(chosen, bool)
    if isinstance(examples.inputs, OnDisk):
        return Examples(examples.inputs.take(np.flatnonzero(mask)), examples.targets[mask])
    inputs = [each for each, keep in zip(examples.inputs, mask, strict=True) if keep]
    return Examples(inputs, examples.targets[mask])


def hold_out(examples: Examples, seed: int, *, by_label: bool = True) -> tuple[Examples, Examples]:
    """Return (rest, held out). A tenth of each label's distinct inputs is held out; no input is in both.

    A label with one or two inputs stays in the rest; at least one input of a larger label is held out. If
    `by_label` is false, a tenth of all inputs is held out, whatever their targets.
    """
    contents = _contents(examples)
    _, first, which = np.unique(contents, return_index=True, return_inverse=True)
    in_order = np.sort(first)  # the first of equal inputs, in the order of the examples
    targets = examples.targets[in_order] if by_label else np.zeros(len(in_order), int)
    rng = np.random.default_rng(seed)
    held = np.zeros(len(examples), bool)
    for target in np.unique(targets):
        distinct = in_order[targets == target]
        count = max(1, round(HELD_OUT * len(distinct))) if len(distinct) > 2 else 0
        held[distinct[rng.permutation(len(distinct))[:count]]] = True
    chosen = held[first][which]
    return select(examples, ~chosen), select(examples, chosen)


def with_pretraining(data: Data, extra: Data) -> Data:
    """Return `data` with the training split of `extra` as its pretraining split.

    Labels are matched by their order. Inputs in the held-out splits of `data` are left out.

    Raises:
        UserError: the two have different numbers of labels.
    """
    if len(extra.labels) != len(data.labels):
        raise UserError(
            f"{extra.source}: expected as many labels as {data.source} has, {data.labels}, got {extra.labels}"
        )
    held_out = [split for name, split in data.splits.items() if name != "train"]
    more = _without(extra.splits["train"], held_out)
    pairs = ", ".join(f"{theirs} as {ours}" for theirs, ours in zip(extra.labels, data.labels, strict=True))
    note = f"pretraining on {len(more):,} training examples of {extra.source} ({pairs})"
    source = f"{data.source} after {extra.source}"
    return replace(
        data,
        splits=data.splits | {"pretraining": more},
        source=source,
        notes=(*data.notes, note),
        origins=(*data.origins, *extra.origins),
    )
