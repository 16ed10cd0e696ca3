"""Draws by lot what each picture shows, and keeps the splits apart.

What is held out of train, validation and test, and is in every scene of `novel`, exactly:
  * pairs: ten of the eighty pairs of a colour and a shape (each colour's one);
  * roles: of every other pair one role in a relation (left, right, upper, lower, inner or outer one), so
    that a red circle may be left of things in training and right of them in `novel` only.
Half of the novel scenes have a held-out pair, the others only held-out roles. No two scenes, in one split
or two, are described by the same facts.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .drawing import COLOUR_VALUES, GROUND_VALUES, distance
from .layout import Scene, lay_out
from .statements import (
    COLOURS,
    CORNERS,
    GROUNDS,
    RELATIONS,
    SHAPES,
    SIZES,
    TEXTURES,
    Group,
    Statement,
)

SPLIT_SIZES = {
    "full": {"train": 8_000, "validation": 600, "test": 1_000, "novel": 1_000},
    "small": {"train": 400, "validation": 60, "test": 60, "novel": 60},
}
SEED = 961
THIN = ("star", "cross", "crescent")
"""Where these are small, a pattern on them can't be made out."""
CONTAINERS = ("circle", "square", "diamond", "heart")
"""These have room for others inside."""
_COUNTS = {
    2: ((1, 1), (1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (2, 2)),
    3: ((1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2)),
}
CONTRAST = 42.0
"""Least CIELAB distance of an object from what it lies on."""

Role = tuple[str, str]


@dataclass(frozen=True)
class Plan:
    """The number of objects of each group, and how they stand."""

    counts: tuple[int, ...]
    relation: str | None
    place: str | None = None


def scenes(sizes: Mapping[str, int]) -> dict[str, list[Scene]]:
    """Return so many scenes by split: the same ones, in the same order, on every machine."""
    seen: set[Statement] = set()
    splits: dict[str, list[Scene]] = {}
    for split, size in sizes.items():
        rng = random.Random(f"{SEED} {split}")
        splits[split] = []
        while len(splits[split]) < size:
            wanted = ("pair", "role")[len(splits[split]) % 2] if split == "novel" else None
            plan = _draw_plan(rng, related=wanted == "role")
            statement = _fill(plan, rng)
            while statement is None or statement in seen or novelty(statement) != wanted:
                statement = _fill(plan, rng)
            seen.add(statement)
            objects = tuple(lay_out(statement, rng))
            splits[split].append(Scene(statement, objects, rng.getrandbits(32)))
    return splits


def facts_of(scene: Scene) -> dict[str, Any]:
    """Return the scene as JSON takes it; position and radius in pixels, `relation` from group to group."""
    statement = scene.statement
    objects = []
    for each in scene.objects:
        group = statement.groups[each.group]
        look = {name: getattr(group, name) for name in ("shape", "colour", "size", "texture")}
        position = {name: round(getattr(each, name), 1) for name in ("x", "y", "radius")}
        objects.append({"group": each.group} | look | position)
    said = {name: getattr(statement, name) for name in ("relation", "place", "ground", "ground_colour")}
    return {"objects": objects} | said


def novelty(statement: Statement) -> str | None:
    """Return what the scene has that training never shows: a "pair", or else a "role", or None."""
    if any(is_held_out_pair(group.colour, group.shape) for group in statement.groups):
        return "pair"
    for index, group in enumerate(statement.groups):
        if held_out_role(group.colour, group.shape) in roles(statement, index):
            return "role"
    return None


def is_held_out_pair(colour: str | None, shape: str) -> bool:
    """Tell whether training never shows this colour on this shape."""
    assert colour is not None
    return (3 * COLOURS.index(colour) + SHAPES.index(shape)) % len(SHAPES) == 0


def held_out_role(colour: str | None, shape: str) -> Role:
    """Return the relation, and the side of it, that training never shows such an object in."""
    assert colour is not None
    number = (COLOURS.index(colour) + 2 * SHAPES.index(shape)) % 6
    return RELATIONS[number // 2], ("first", "second")[number % 2]


def roles(statement: Statement, index: int) -> set[Role]:
    """Return the relations that group `index` stands in, and on which side."""
    if statement.relation is None:
        return set()
    sides = {"first"} if index < len(statement.groups) - 1 else set()
    return {(statement.relation, side) for side in sides | ({"second"} if index else set())}


def _draw_plan(rng: random.Random, related: bool) -> Plan:
    """Draw how many groups of how many there are, and how they stand; `related`: not one group alone."""
    number = rng.choices((1, 2, 3), (0 if related else 25, 50, 25))[0]
    if number == 1:
        count = rng.randint(1, 4)
        places = ("centre", *CORNERS) if count == 1 else ("row", "column", None)
        return Plan((count,), None, rng.choice(places))
    relation = rng.choice(RELATIONS if number == 2 else RELATIONS[:2])
    if relation == "inside":
        return Plan(rng.choice(((1, 1), (2, 1))), relation)
    return Plan(rng.choice(_COUNTS[number]), relation)


def _fill(plan: Plan, rng: random.Random) -> Statement | None:
    """Draw what the objects are and lie on; None where that can't be shown clearly."""
    groups = tuple(_draw_group(plan, index, rng) for index in range(len(plan.counts)))
    if len({(group.shape, group.colour) for group in groups}) < len(groups):
        return None
    if plan.relation == "inside" and not _fits_inside(*groups):
        return None
    grounds = [
        name for name, value in GROUND_VALUES.items() if all(_stands_out(g.colour, value) for g in groups)
    ]
    if not grounds:
        return None
    return Statement(groups, plan.relation, plan.place, rng.choice(GROUNDS), rng.choice(grounds))


def _draw_group(plan: Plan, index: int, rng: random.Random) -> Group:
    """Draw a group: where there is little room small, where a pattern would hide something plain."""
    count, shape, colour = plan.counts[index], rng.choice(SHAPES), rng.choice(COLOURS)
    if plan.relation == "inside":
        return Group(count, shape, colour, SIZES[index], "plain")
    size = "small" if count == 4 and plan.place is not None else rng.choice(SIZES)
    plain = size == "small" and shape in THIN
    return Group(count, shape, colour, size, "plain" if plain else rng.choice(TEXTURES))


def _fits_inside(inner: Group, outer: Group) -> bool:
    if inner.count == 2 and outer.shape == "heart":  # too narrow
        return False
    return outer.shape in CONTAINERS and _stands_out(inner.colour, COLOUR_VALUES[outer.colour or ""])


@functools.cache
def _stands_out(colour: str | None, ground: tuple[int, int, int]) -> bool:
    return distance(COLOUR_VALUES[colour or ""], ground) >= CONTRAST
