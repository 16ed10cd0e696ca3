"""Made-up actors: each has a body, a way of moving, and a room with a camera, drawn at random by a number.

Lengths are in pixels of the film, angles in radians, shades from 0 (black) to 1 (white).
"""

from __future__ import annotations

import dataclasses

import numpy as np

SIDE = 32
"""Rows and columns of the film."""
SHAPES = ("round", "box", "diamond")


@dataclasses.dataclass(frozen=True)
class Actor:
    """Somebody who moves in front of a camera."""

    name: str
    shape: str
    """Of the body, one of `SHAPES`."""
    wide: float
    """Half of the body's width, at a middle distance."""
    tall: float
    """Half of its height."""
    reach: float
    """The length of the arm from the middle of the body."""
    thick: float
    """Half of the arm's thickness."""
    pace: float
    """The usual length of a movement, in frames."""
    tremor: float
    """The deviation of a coordinate from where it should be."""
    shade: float
    """Of the body, above the room's."""
    arm: float
    """Of the arm, above the body's."""
    place: tuple[float, float]
    """Where the actor stands, from the middle of the picture: to the right, and down."""
    zoom: float
    """Of the camera."""
    tilt: float
    """Of the camera."""
    noise: float
    """The deviation of a pixel."""
    contrast: float
    """Of the film, 1 as it is."""
    flicker: float
    """How much the light changes, in its strength."""
    room: np.ndarray
    """The background, (32, 32)."""


def actor(number: int) -> Actor:
    """Return an actor; the same number is the same one.

    Args:
        number: 0 or more.
    """
    rng = np.random.default_rng([2031, number])
    size, aspect = rng.uniform(3.2, 4.4), np.exp(rng.uniform(-0.25, 0.25))
    return Actor(
        name=f"actor_{number:03}",
        shape=SHAPES[rng.integers(len(SHAPES))],
        wide=size / aspect,
        tall=size * aspect,
        reach=size * rng.uniform(2.2, 2.7),
        thick=rng.uniform(1.0, 1.5),
        pace=float(np.exp(rng.uniform(np.log(20), np.log(38)))),
        tremor=rng.uniform(0.003, 0.015),
        shade=rng.uniform(0.35, 0.5),
        arm=rng.uniform(0.25, 0.4),
        place=(rng.uniform(-1.5, 1.5), rng.uniform(-1.0, 1.5)),
        zoom=rng.uniform(0.9, 1.1),
        tilt=rng.uniform(-0.2, 0.2),
        noise=rng.uniform(0.01, 0.04),
        contrast=rng.uniform(0.8, 1.1),
        flicker=rng.uniform(0.0, 0.15),
        room=_room(rng),
    )


def _room(rng: np.random.Generator) -> np.ndarray:
    """Return a wall with light from a side, a pattern, and a few things that stand about."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    shade = rng.uniform(0.08, 0.22) + rng.uniform(-0.1, 0.1) * rows + rng.uniform(-0.1, 0.1) * columns
    waves, start = rng.uniform(-4, 4, 2), rng.uniform(0, 6)
    shade += rng.uniform(0, 0.03) * np.sin(2 * np.pi * (waves[0] * rows + waves[1] * columns) + start)
    for _ in range(rng.integers(0, 4)):
        top, left = rng.integers(0, SIDE - 3, 2)
        height, width = rng.integers(3, 12, 2)
        shade[top : top + height, left : left + width] += rng.uniform(-0.08, 0.12)
    return np.clip(shade, 0.02, 0.4).astype(np.float32)
