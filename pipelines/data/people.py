"""Split recordings by person, so that nobody is in two splits."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ..errors import UserError
from .recordings import Recording

_HELD_OUT = 0.2  # the share of people in each of the splits validation and test


def by_person(recordings: Sequence[Recording], source: str) -> tuple[list[Recording], list[str]]:
    """Give each recording a split, so that no person is in two of them, and return notes.

    Splits that are given are kept; those that lack are held out of `train`, a fifth of the people each. If
    the data names no more than two people, whole recordings are held out instead, and a note says so.

    Raises:
        UserError: there are too few recordings, or splits are given without `train`.
    """
    given = {each.split for each in recordings} - {""}
    if given and "train" not in given:
        raise UserError(f"{source}: expected a train split, got {' and '.join(sorted(given))}")
    lacking = [split for split in ("validation", "test") if split not in given]
    free = [each for each in recordings if each.split in ("", "train")]
    people = {each.subject for each in free if each.subject}
    known = all(each.subject for each in free) and len(people) > len(lacking)
    notes = [] if known or not lacking else [_unknown_people(source, people)]
    homes = _held_out(free, lacking, known, source)
    done = [
        replace(each, split=homes[_group(each, known)]) if each.split in ("", "train") else each
        for each in recordings
    ]
    if lacking:
        what = "people" if known else "recordings"
        counts = Counter(homes.values())
        held = " and ".join(f"{counts[split]} for {split}" for split in lacking)
        notes.append(f"{source}: {what} held out of {len(homes)}: {held}")
    return done, [*notes, *_about_people(done, source)]


def _unknown_people(source: str, people: set[str]) -> str:
    who = f"all recordings are of {' and '.join(sorted(people))}" if people else "the data names no people"
    return f"{source}: {who} (--subject-column), so the figures say nothing about other people"


def _group(recording: Recording, by_subject: bool) -> str:
    return recording.subject if by_subject else recording.name


def _held_out(
    free: Sequence[Recording], lacking: Sequence[str], by_subject: bool, source: str
) -> dict[str, str]:
    """Return the split of each group; `train` keeps a group with each label where it can."""
    labels: dict[str, set[str]] = {}
    for each in free:
        labels.setdefault(_group(each, by_subject), set()).update(span.label for span in each.spans)
    if len(labels) <= len(lacking):
        raise UserError(
            f"{source}: expected at least {len(lacking) + 1} recordings, to hold some out, got {len(labels)}"
        )
    homes = dict.fromkeys(labels, "train")
    order = sorted(labels, key=lambda group: hashlib.sha256(group.encode()).hexdigest())
    trained = Counter(label for found in labels.values() for label in found)
    sizes = Counter(homes.values())
    for split in lacking:
        wanted = max(1, round(_HELD_OUT * len(labels)))
        for spare in (True, False):
            for group in order:
                free_group = homes[group] == "train" and sizes["train"] > 1
                if free_group and sizes[split] < (wanted if spare else 1):
                    if spare and not all(trained[label] > 1 for label in labels[group]):
                        continue
                    homes[group] = split
                    trained.subtract(labels[group])
                    sizes.subtract(["train"])
                    sizes[split] += 1
    return homes


def _about_people(recordings: Sequence[Recording], source: str) -> list[str]:
    """Name people in two splits, labels that only one person has, and labels that train lacks."""
    splits: dict[str, set[str]] = {}
    people: dict[str, set[str]] = {}
    trained: set[str] = set()
    for each in recordings:
        if each.subject:
            splits.setdefault(each.subject, set()).add(each.split)
        for label in {span.label for span in each.spans}:
            people.setdefault(label, set()).add(each.subject)
            trained |= {label} if each.split == "train" else set()
    shared = sorted(who for who, found in splits.items() if len(found) > 1)
    notes = [f"{source}: in more than one split: {', '.join(shared)}"] if shared else []
    for label, who in sorted(people.items()):
        if label not in trained:
            notes.append(f"{source}: label {label!r} is not in train, so it can't be learnt")
        elif len(who) == 1 and len(splits) > 1:
            notes.append(f"{source}: only {next(iter(who))} has label {label!r}: no other person tests it")
    return notes
