"""Who speaks in a clip, and which split that puts it in: no speaker is in two."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError
from .splits import HELD_OUT

_NAME = re.compile(r"(?:.*_(?=[0-9a-f]{8}_))?(.+?)_nohash_")  # the test set puts a word before some
_MOST = 2**27 - 1  # clips of a label: a constant of the rule


class Clip(NamedTuple):
    """One labelled file."""

    file: Path
    label: str
    speaker: str = ""
    """Empty where unknown."""
    split: str = ""
    """Empty where not given."""


def speaker_of(name: str) -> str:
    """Return the speaker of a file named as Speech Commands does, SPEAKER_nohash_N.wav; else nothing."""
    found = _NAME.match(name)
    return found[1] if found else ""


def percentage(group: str) -> float:
    """Return where the rule of Speech Commands puts a speaker, or a file's name, from 0 to 100.

    Below 10 is validation, below 20 test: a clip stays in its split, however many are added.
    """
    return int(hashlib.sha1(group.encode()).hexdigest(), 16) % (_MOST + 1) * (100 / _MOST)


def splits_of(clips: Sequence[Clip], source: str) -> tuple[list[str], list[str]]:
    """Return the split of each clip, and notes: as given, and what is lacking by speaker.

    Where the speakers are not known, the names of the files stand for them. The rule of Speech Commands
    decides; where it leaves a split empty, or training without a label, a tenth of the speakers is held out.

    Raises:
        UserError: a label that training does not have, or too few clips to hold some out.
    """
    given = {clip.split for clip in clips} - {""}
    if given and "train" not in given:
        raise UserError(f"{source}: expected a train split, got {' and '.join(sorted(given))}")
    lacking = [split for split in ("validation", "test") if split not in given]
    splits, notes = _held_out(clips, lacking, source) if lacking else ([clip.split for clip in clips], [])
    trained = {clip.label for clip, split in zip(clips, splits, strict=True) if split == "train"}
    for clip, split in zip(clips, splits, strict=True):
        if clip.label not in trained:
            raise UserError(f"{source}: {clip.file.name}: label {clip.label!r} is in {split} only")
    pairs = {(clip.speaker, split) for clip, split in zip(clips, splits, strict=True) if clip.speaker}
    shared = sum(count > 1 for count in Counter(speaker for speaker, _ in pairs).values())
    return splits, notes + ([f"{source}: {shared:,} speakers are in more than one split"] if shared else [])


def _held_out(clips: Sequence[Clip], lacking: Sequence[str], source: str) -> tuple[list[str], list[str]]:
    free = [clip for clip in clips if clip.split in ("", "train")]
    by_speaker = len({clip.speaker for clip in free if clip.speaker}) > len(lacking)
    groups = [clip.speaker if by_speaker and clip.speaker else clip.file.name for clip in free]
    homes = _by_rule(groups, lacking)
    if not _is_complete(free, groups, homes, lacking):
        homes = _by_rank(free, groups, lacking)
    if not _is_complete(free, groups, homes, lacking):
        who = "speakers who say every label" if by_speaker else "files of every label"
        raise UserError(f"{source}: too few {who} to hold out {' and '.join(lacking)}: expected more")
    found = iter(homes[group] for group in groups)
    splits = [next(found) if clip.split in ("", "train") else clip.split for clip in clips]
    counts = " and ".join(f"{splits.count(split):,} clips for {split}" for split in lacking)
    what = "speakers" if by_speaker else "file names"
    return splits, [f"{source}: {counts} held out, by {what} ({len(homes):,})"]


def _by_rule(groups: Sequence[str], lacking: Sequence[str]) -> dict[str, str]:
    homes = {}
    for group in groups:
        percent = percentage(group)
        split = "validation" if percent < 10 else "test" if percent < 20 else "train"
        homes[group] = split if split in lacking else "train"
    return homes


def _by_rank(clips: Sequence[Clip], groups: Sequence[str], lacking: Sequence[str]) -> dict[str, str]:
    """Hold out a tenth of the groups for each split, in the rule's order; training keeps every label."""
    said: dict[str, Counter] = {}
    for clip, group in zip(clips, groups, strict=True):
        said.setdefault(group, Counter())[clip.label] += 1
    left = Counter(clip.label for clip in clips)
    homes = dict.fromkeys(said, "train")
    for split in lacking:
        wanted = max(1, round(HELD_OUT * len(said)))
        for group in sorted(said, key=percentage):
            spare = all(left[label] > count for label, count in said[group].items())
            if wanted and spare and homes[group] == "train":
                homes[group] = split
                left -= said[group]
                wanted -= 1
    return homes


def _is_complete(
    clips: Sequence[Clip], groups: Sequence[str], homes: Mapping[str, str], lacking: Sequence[str]
) -> bool:
    trained = {clip.label for clip, group in zip(clips, groups, strict=True) if homes[group] == "train"}
    return set(lacking) <= set(homes.values()) and trained == {clip.label for clip in clips}
