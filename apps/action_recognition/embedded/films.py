"""The embedded clips: movements in pairs that only the order of the frames tells apart, split by actor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipelines.data.recordings import Recording, Span

from .actors import actor
from .filming import filmed
from .movements import CLASSES, orders, poses

RATE = 12.0
"""Frames a second."""
SHORTEST, LONGEST = 16, 48
"""Frames of a clip."""
DESCRIPTION = """\
Clips that were drawn for this project: an actor with one arm does one of eight movements, or nothing of
them. The movements come in pairs that no bag of frames tells apart, nor the middle frame: in every clip the
turn of the arm, the distance, and the place across and up have the same values equally often, in another
order. Actors differ in shape, size, pace, tremor and shade, and in their room and camera. Those of
validation and test are not in train.

The set shows that the pipeline works. Results on it say little about real films."""
LICENCE = "Apache-2.0"


class _Size(NamedTuple):
    actors: tuple[int, int, int]
    """Of train, validation and test."""
    each: int
    """Clips of each class by each actor."""


SIZES = {"whole": _Size((44, 7, 12), 12), "small": _Size((4, 1, 2), 1)}
"""The sets by name."""
_FIRST = {"train": 0, "validation": 100, "test": 200}  # the numbers of the actors, in every set


class Drawn(NamedTuple):
    """A clip, and what its frames show."""

    clip: Recording
    poses: np.ndarray
    """(frames, 4), the columns as in `movements.COORDINATES`."""


def draw_clips(name: str) -> list[Recording]:
    """Return the clips of a set; the same name gives the same clips.

    Args:
        name: one of `SIZES`.

    Raises:
        KeyError: there is no such set.
    """
    return [each.clip for each in drawn(name)]


def drawn(name: str) -> Iterator[Drawn]:
    """Yield the clips of a set with the poses that they show, actor by actor.

    Args:
        name: one of `SIZES`.

    Raises:
        KeyError: there is no such set.
    """
    size = SIZES[name]
    for (split, first), count in zip(_FIRST.items(), size.actors, strict=True):
        for number in range(first, first + count):
            yield from acted(number, split, size.each)


def acted(number: int, split: str, each: int) -> Iterator[Drawn]:
    """Yield the clips of an actor, the classes in a random order.

    Args:
        number: of the actor; from 200 on they are those of the test.
        split: that the clips get.
        each: clips of each class.
    """
    by = actor(number)
    labels = np.random.default_rng([2032, number]).permutation(np.repeat(CLASSES, each))
    for place, label in enumerate(labels.tolist()):
        rng = np.random.default_rng([2033, number, place])
        frames = round(float(np.clip(by.pace * np.exp(rng.uniform(-0.3, 0.3)), SHORTEST, LONGEST)))
        film, shown = filmed(poses(orders(label, frames, rng), rng), by, rng)
        spans = (Span(0.0, frames / RATE, label),)
        name = f"{by.name}_{place:02}"
        yield Drawn(Recording(name, film, RATE, (), spans, by.name, split), shown)
