"""Places the objects of a statement, apart from each other and inside the image."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from .statements import Group, Statement

SIDE = 96
"""Pixels of an image, each way."""
RADII = {"small": (8.0, 9.5), "large": (13.0, 17.5)}
CONTAINER_RADII = (31.0, 37.0)
_GAP = 1.5
"""Minimum distance in pixels of an object from the edge of its cell."""
_DRIFT = 6.0
"""How far objects side by side may be out of line. It is too little for one to count as above the other."""
_TILT = 0.15


@dataclass(frozen=True)
class Object:
    """One object of a group: centre and radius in pixels, angle in radians."""

    group: int
    x: float
    y: float
    radius: float
    angle: float


@dataclass(frozen=True)
class Scene:
    """A complete statement, the objects that make it true, and the seed of the image's noise."""

    statement: Statement
    objects: tuple[Object, ...]
    seed: int


def lay_out(statement: Statement, rng: random.Random) -> list[Object]:
    """Return the objects of a complete statement, group by group."""
    if statement.relation == "inside":
        return list(_one_inside_another(statement, rng))
    if statement.relation is None:
        return list(_alone(statement, rng))
    return list(_in_order(statement, rng))


def _in_order(statement: Statement, rng: random.Random) -> Iterator[Object]:
    """Cut the image into one strip for each group, and divide each strip among its objects."""
    strip = SIDE / len(statement.groups)
    single = all(group.count == 1 for group in statement.groups)
    shift = rng.uniform(-16, 16) if single else 0.0
    for index, group in enumerate(statement.groups):
        share = SIDE / group.count
        radius = _draw_radius(group, min(strip, share), rng)
        centre = strip * (index + 0.5) + _jitter(strip, radius, rng)
        for number in range(group.count):
            along = centre + rng.uniform(-1, 1)
            across = share * (number + 0.5) + shift + min(1, _room(share, radius) / _DRIFT) * _drift(rng)
            x, y = (along, across) if statement.relation == "left" else (across, along)
            yield Object(index, x, y, radius, _tilt(rng))


def _one_inside_another(statement: Statement, rng: random.Random) -> Iterator[Object]:
    inner, outer = statement.groups
    reach = rng.uniform(*CONTAINER_RADII)
    x, y = (SIDE / 2 + _jitter(SIDE, reach + 2, rng) for _ in "xy")
    yield Object(1, x, y, reach, _tilt(rng) / 2)
    radius = rng.uniform(*RADII["small"])
    # A diamond is taller than it is wide.
    direction = math.pi / 2 if outer.shape == "diamond" else rng.uniform(0, 2 * math.pi)
    apart = radius + 2.5 if inner.count == 2 else rng.uniform(0, 5)
    for side in (1, -1)[: inner.count]:
        dx, dy = side * apart * math.cos(direction), side * apart * math.sin(direction)
        yield Object(0, x + dx, y + dy, radius, _tilt(rng))


def _alone(statement: Statement, rng: random.Random) -> Iterator[Object]:
    group = statement.groups[0]
    if statement.place in ("row", "column"):
        share = SIDE / group.count
        radius = _draw_radius(group, share, rng)
        line = SIDE / 2 + rng.uniform(-18, 18)
        for number in range(group.count):
            along = share * (number + 0.5) + _jitter(share, radius, rng) / 2
            across = line + rng.uniform(-3, 3)
            x, y = (along, across) if statement.place == "row" else (across, along)
            yield Object(0, x, y, radius, _tilt(rng))
    elif group.count == 1:
        radius = _draw_radius(group, SIDE, rng)
        x, y = _spot(statement.place or "", radius, rng)
        yield Object(0, x, y, radius, _tilt(rng))
    else:
        radius = _draw_radius(group, SIDE / 2, rng)
        for column, row in _quarters(group.count, rng):
            x, y = (SIDE / 2 * (cell + 0.5) + _jitter(SIDE / 2, radius, rng) for cell in (column, row))
            yield Object(0, x, y, radius, _tilt(rng))


def _spot(place: str, radius: float, rng: random.Random) -> tuple[float, float]:
    if place == "centre":
        return SIDE / 2 + rng.uniform(-5, 5), SIDE / 2 + rng.uniform(-5, 5)
    x, y = (rng.uniform(radius + _GAP, 26) for _ in "xy")
    return SIDE - x if "right" in place else x, SIDE - y if "bottom" in place else y


def _quarters(count: int, rng: random.Random) -> list[tuple[int, int]]:
    """Return quarters of the image that form no row or column; two are diagonally opposite."""
    if count == 2:
        return rng.choice(([(0, 0), (1, 1)], [(1, 0), (0, 1)]))
    return rng.sample([(0, 0), (1, 0), (0, 1), (1, 1)], count)


def _draw_radius(group: Group, cell: float, rng: random.Random) -> float:
    low, high = RADII[group.size or "large"]
    return rng.uniform(low, min(high, cell / 2 - _GAP))


def _room(cell: float, radius: float) -> float:
    return cell / 2 - _GAP - radius


def _jitter(cell: float, radius: float, rng: random.Random) -> float:
    room = _room(cell, radius)
    return rng.uniform(-room, room)


def _drift(rng: random.Random) -> float:
    return rng.uniform(-_DRIFT, _DRIFT)


def _tilt(rng: random.Random) -> float:
    return rng.uniform(-_TILT, _TILT)
