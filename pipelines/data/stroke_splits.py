"""Split drawings by writer, so that a writer's drawings stay together."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from .splits import HELD_OUT
from .strokes import Drawing

Drawings = Mapping[str, Sequence[Drawing]]
"""By split."""


def by_writer(drawings: Drawings, source: str) -> tuple[dict[str, list[Drawing]], list[str]]:
    """Return the drawings with the splits that writers can be held out for, and notes.

    Splits that are given are kept; without a test split, the validation split becomes it. Those that lack are
    held out of `train`: a tenth of the writers each, at least one, in the order of a hash of their names,
    whatever the seed. Where it can, `train` keeps every label that several writers have. If writers are not
    known, nothing is held out here, and a note says so.
    """
    splits, notes = {name: list(some) for name, some in drawings.items()}, list[str]()
    if "test" not in splits and "validation" in splits:
        splits["test"] = splits.pop("validation")
        notes.append(f"{source}: no test split, so its validation split is the test split")
    train = splits.get("train", [])
    lacking = [split for split in ("validation", "test") if split not in splits]
    writers = {each.writer for each in train}
    if not lacking or not train:
        return splits, [*notes, *_shared(splits, source)]
    if None in writers or len(writers) <= len(lacking):
        known = sorted(filter(None, writers))
        who = "some drawings name no writer" if known else "the data names no writers"
        if None not in writers:
            who = f"all drawings are by {' and '.join(known)}"
        return splits, [*notes, f"{source}: {who}, so the figures say nothing about other writers"]
    homes = _homes(train, lacking)
    for split in ("train", *lacking):
        splits[split] = [each for each in train if homes[each.writer or ""] == split]
    counts = Counter(homes.values())
    held = " and ".join(f"{counts[split]} for {split}" for split in lacking)
    notes.append(f"{source}: writers held out of {len(homes)}: {held}")
    return splits, [*notes, *_shared(splits, source)]


def _homes(train: Sequence[Drawing], lacking: Sequence[str]) -> dict[str, str]:
    """Return the split of each writer."""
    labels: dict[str, set[str]] = {}
    for each in train:
        labels.setdefault(each.writer or "", set()).update([each.label] if each.label else [])
    left = Counter(label for some in labels.values() for label in some)
    shared = {label for label, count in left.items() if count > 1}
    order = sorted(labels, key=lambda writer: hashlib.sha256(writer.encode()).hexdigest())
    wanted = max(1, round(HELD_OUT * len(labels)))
    homes = dict.fromkeys(labels, "train")
    for split in lacking:
        taken = 0
        for spare in (True, False):
            for writer in order:
                if homes[writer] != "train" or taken >= (wanted if spare else 1):
                    continue
                if not spare or all(left[label] > 1 for label in labels[writer] & shared):
                    homes[writer], taken = split, taken + 1
                    left -= Counter(labels[writer])
    return homes


def _shared(drawings: Drawings, source: str) -> list[str]:
    """Return a list with a note about writers in two splits; empty without any."""
    pairs = {(each.writer, split) for split, some in drawings.items() for each in some if each.writer}
    shared = sorted(who for who, count in Counter(who for who, _ in pairs).items() if who and count > 1)
    if not shared:
        return []
    some = ", ".join(shared[:3]) + (", ..." if len(shared) > 3 else "")
    return [f"{source}: {len(shared):,} writers are in more than one split ({some})"]
