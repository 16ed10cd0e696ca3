"""What actors do: how the four coordinates of a pose change in a clip, and which class that is.

No bag of frames tells the class, nor does the middle frame, because in every clip every coordinate has the
same values equally often; only their order differs. A coordinate is made in two steps:

1. Its order, as ranks 0 to T - 1 of the T frames, spread evenly over 0 to 1: from the least to the greatest
   in `approach`, for example, or up and down once, from about half of the way up, in `jump_once`.
2. Its values, by a random rising function of the ranks, whatever the class is.

Coordinates without a signature have an irregular order, with many turns. So has all of `nothing`. The first
and the last frame tell a little, as in real films: what comes nearer begins far away, and who turns the arm
begins with it downwards, more or less.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

COORDINATES = ("arm", "size", "across", "height")
"""The columns of poses: turns of the arm, clockwise from the right; others 0 to 1, near or far, left to
right, low to high."""


class Signature(NamedTuple):
    """The order of one coordinate that makes a class."""

    coordinate: str
    cycles: int
    """Times up and down; 0 is once through."""
    sign: int = 1
    """-1 for the reverse."""


SIGNATURES = {
    "approach": Signature("size", 0),
    "retreat": Signature("size", 0, -1),
    "clockwise": Signature("arm", 0),
    "counter_clockwise": Signature("arm", 0, -1),
    "jump_once": Signature("height", 1),
    "jump_twice": Signature("height", 2),
    "to_left": Signature("across", 0, -1),
    "to_right": Signature("across", 0),
}
"""The classes in pairs: one and its reverse, or once and twice."""
CLASSES = tuple(sorted([*SIGNATURES, "nothing"]))
_FEWEST_TURNS = 7  # of an irregular order: nearly twice those of `jump_twice`
_MOST_LIKE = 0.5  # the greatest likeness of an irregular order to a signature
_LEAST_LIKE = 0.75  # of what is seen, to be told as a signature
_START = 0.25  # of a period: a jump begins half of the way up,
_START_VARIES = 0.1  # or up to so much of a period before or after
_ARM = 0.25  # of a turn, downwards: the arm's least value,
_ARM_VARIES = 0.2  # or up to so much of a turn before or after
_ARM_IN_THE_MIDDLE = 0.15  # the farthest that the arm is from half of its turn, in the middle of a clip
_STARTS = 24  # places on the way that a jump is compared from


def orders(label: str, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return the order of each coordinate, (frames, 4): 1/2, 3/2, ... of 1/frames, in any order.

    Args:
        label: one of `CLASSES`.
        frames: at least 16.
        rng: draws the irregular orders, and where a jump starts.
    """
    signature = SIGNATURES.get(label)
    columns = [
        _regular(signature, frames, rng)
        if signature and signature.coordinate == coordinate
        else _irregular(coordinate, frames, rng)
        for coordinate in COORDINATES
    ]
    return np.stack(columns, axis=1)


def poses(order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the values of coordinates in an order, (frames, 4): a stretch of 0 to 1, and whole turns.

    Args:
        order: as `orders` returns it.
        rng: draws the rising function of each coordinate.
    """
    found = np.empty_like(order)
    start = _ARM + _ARM_VARIES * rng.uniform(-1, 1)
    bend, where = rng.uniform(0, 0.5), rng.random()
    turns = order[:, 0] + start
    found[:, 0] = turns + bend * np.sin(2 * np.pi * (turns + where)) / (2 * np.pi)
    width = rng.uniform(0.55, 0.75, 3)
    low = rng.uniform(0, 1 - width)
    found[:, 1:] = low + width * order[:, 1:] ** np.exp(rng.uniform(-0.5, 0.5, 3))
    return found


def seen(pose: np.ndarray) -> str:
    """Return the class of poses (frames, 4): the ceiling for what sees only the film.

    A coordinate that is like its signature tells the class. It is `nothing` if none is.
    """
    likeness = {label: _likeness(pose, signature) for label, signature in SIGNATURES.items()}
    best = max(likeness, key=lambda label: likeness[label])
    return best if likeness[best] > _LEAST_LIKE else "nothing"


def turning_points(values: np.ndarray) -> int:
    """Return how often values (frames,) change their direction."""
    steps = np.sign(np.diff(values))
    steps = steps[steps != 0]
    return int(np.sum(steps[1:] != steps[:-1]))


def _regular(signature: Signature, frames: int, rng: np.random.Generator) -> np.ndarray:
    if not signature.cycles:
        return _spread(signature.sign * np.arange(frames))
    start = _START + _START_VARIES * rng.uniform(-1, 1)
    return _spread(_wave(frames, signature.cycles, start))


def _irregular(coordinate: str, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return an order that is none of the coordinate's signatures: a zigzag with turns at random times."""
    signatures = [each for each in SIGNATURES.values() if each.coordinate == coordinate]
    column = COORDINATES.index(coordinate)
    while True:
        turns = int(rng.integers(_FEWEST_TURNS, max(9, round(0.4 * frames)) + 1))
        inner = np.sort(rng.choice(np.arange(1, frames - 1), turns, replace=False))
        heights = rng.uniform(0, 0.6, turns + 2)
        heights[rng.integers(2) :: 2] += 0.4
        before, after = rng.uniform(0, 1.5 * frames / turns, 2)  # neither end of the clip is a turn
        places = [-before, *inner, frames - 1 + after]
        order = _spread(np.interp(np.arange(frames), places, heights))
        pose = np.repeat(order[:, None], len(COORDINATES), axis=1)
        # The arm is where it is in a turn, or the middle frame tells who turns.
        as_in_a_turn = coordinate != "arm" or abs(order[frames // 2] - 0.5) <= _ARM_IN_THE_MIDDLE
        if (
            as_in_a_turn
            and turning_points(order) >= _FEWEST_TURNS
            and all(abs(_likeness(pose, each)) < _MOST_LIKE for each in signatures)
        ):
            return np.asarray(pose[:, column])


def _wave(frames: int, cycles: int, start: float) -> np.ndarray:
    """Return a triangle wave of 0 to 1; `start` is where it begins, in periods."""
    phase = (start + cycles * np.arange(frames) / frames) % 1
    return 1 - np.abs(2 * phase - 1)


def _spread(values: np.ndarray) -> np.ndarray:
    """Return the ranks of values, evenly from 0 to 1."""
    return (np.argsort(np.argsort(values, kind="stable")) + 0.5) / len(values)


def _likeness(pose: np.ndarray, signature: Signature) -> float:
    """Return how like a signature a coordinate is: the correlation with it, at most 1."""
    values, frames = pose[:, COORDINATES.index(signature.coordinate)], len(pose)
    if signature.coordinate == "arm":  # known up to whole turns only
        evenly = signature.sign * np.arange(frames) / frames
        return float(np.abs(np.exp(2j * np.pi * (values - evenly)).mean()))
    centred = values - values.mean()
    found = _templates(frames, signature.cycles) @ centred / max(float(np.linalg.norm(centred)), 1e-9)
    return float(found.max() if signature.cycles else signature.sign * found[0])


@functools.cache
def _templates(frames: int, cycles: int) -> np.ndarray:
    """Return what a coordinate is compared with, (starts, frames): of mean 0 and length 1."""
    starts = np.arange(_STARTS) / _STARTS
    rows = [_wave(frames, cycles, start) for start in starts] if cycles else [np.arange(frames)]
    centred = np.stack(rows) - np.mean(rows, axis=1, keepdims=True)
    return np.asarray(centred / np.linalg.norm(centred, axis=1, keepdims=True))
