"""From recordings to windows: the splits, the labels to tell apart, and what must not be empty."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ..errors import UserError
from .people import by_person
from .recordings import Recording
from .windows import NOTHING, Cutting, WindowedData, windowed


def with_splits(
    recordings: Sequence[Recording], source: str, *, as_given: bool
) -> tuple[list[Recording], list[str]]:
    """Return recordings that all have a split, and notes; see `by_person`.

    With `as_given` nothing is held out, and what has no split is for the test.
    """
    if as_given:
        return [replace(each, split=each.split or "test") for each in recordings], []
    return by_person(recordings, source)


def labels_of(
    recordings: Sequence[Recording],
    wanted: Collection[str] | None,
    source: str,
    *,
    with_nothing: bool,
    some: bool,
) -> tuple[str, ...]:
    """Return the labels to tell apart: those that are wanted, by default all, and `NOTHING` if it is one.

    Args:
        recordings: all of the data.
        wanted: the setting `labels`.
        source: the data's name.
        with_nothing: whether `NOTHING` is a label.
        some: whether the data may lack wanted labels.

    Raises:
        UserError: a wanted label is not there, or there are fewer than two.
    """
    found = sorted({span.label for each in recordings for span in each.spans} - {NOTHING})
    for label in wanted or ():
        if label not in found and not some:
            raise UserError(f"--labels: {source} has {', '.join(found) or 'no labels'}; got {label!r}")
    labels = tuple(wanted or found)
    if len(labels) + with_nothing < (1 if some else 2):
        raise UserError(f"{source}: expected at least two labels, found {', '.join(found) or 'none'}")
    return (*labels, NOTHING) if with_nothing else labels


def windows_of(
    recordings: Sequence[Recording], cutting: Cutting, source: str, notes: Sequence[str], *, as_given: bool
) -> WindowedData:
    """Return the windows of recordings that have splits.

    Raises:
        UserError: a split has no window with one of the labels.
    """
    data = windowed(recordings, cutting, source, notes)
    for split in data.splits if as_given else ("train", "validation", "test"):
        if not len(data.splits[split]):
            seconds = cutting.length / recordings[0].rate
            raise UserError(f"{source}: {split}: no window of {seconds:g} s has one of the labels")
    return data
