"""Split clips by speaker, so that no speaker is in two splits."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError
from .splits import HELD_OUT

_NAME = re.compile(r"(?:.*_(?=[0-9a-f]{8}_))?(.+?)_nohash_")  # some names in the test set start with a word
_MOST = 2**27 - 1  # the largest number of clips per label, a constant of Speech Commands' rule


class Clip(NamedTuple):
    """One labelled file."""

    file: Path
    label: str
    speaker: str = ""
    """Empty if unknown."""
    split: str = ""
    """Empty if not given."""


def speaker_of(name: str) -> str:
    """Return the speaker in a file name like those of Speech Commands, SPEAKER_nohash_N.wav; else ""."""
    found = _NAME.match(name)
    return found[1] if found else ""


def percentage(group: str) -> float:
    """Return the percentage, from 0 to 100, that Speech Commands' rule gives a speaker or a file name.

    Below 10 means validation, below 20 test. A clip keeps its split when other clips are added.
    """
    return int(hashlib.sha1(group.encode()).hexdigest(), 16) % (_MOST + 1) * (100 / _MOST)


def splits_of(clips: Sequence[Clip], source: str) -> tuple[list[str], list[str]]:
    """Return the split of each clip, and messages for the user.

    Splits that are given are kept. Missing ones are held out by speaker, or by file name if no speakers are
    known. Speech Commands' rule decides. If that leaves a split empty, or a label without training clips, a
    tenth of the speakers is held out instead.

    Raises:
        UserError: a label has no training clips, or there are too few clips to hold some out.
    """
    given = {clip.split for clip in clips} - {""}
    if given and "train" not in given:
        raise UserError(f"{source}: expected a train split, got {' and '.join(sorted(given))}")
    lacking = [split for split in ("validation", "test") if split not in given]
    splits, notes = _held_out(clips, lacking, source) if lacking else ([clip.split for clip in clips], [])
    trained = {clip.label for clip, split in zip(clips, splits, strict=True) if split == "train"}
    for clip, split in zip(clips, splits, strict=True):
        if clip.label not in trained:
            raise UserError(
                f"{source}: {clip.file.name}: expected label {clip.label!r} also in train, "
                f"found it in {split} only"
            )
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
        who = "speakers with clips of every label" if by_speaker else "files of every label"
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
    """Hold out a tenth of the groups for each split, in the order of the rule. `train` keeps every label."""
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
