"""Draws random scenes, and holds some combinations out for the split `novel`.

Train, validation and test never have these combinations, and every scene of `novel` has one:
  * pairs: ten of the eighty pairs of a colour and a shape, one for each colour;
  * roles: for every other pair one role in a relation (left, right, upper, lower, inner or outer). A red
    circle may be left of things in training, for example, and right of them only in `novel`.
Half of the novel scenes have a held-out pair, the others only held-out roles. No two scenes, in the same
split or not, have the same facts.
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
"""Shapes too thin for a pattern to be visible when they are small."""
CONTAINERS = ("circle", "square", "diamond", "heart")
"""Shapes with room for others inside."""
_COUNTS = {
    2: ((1, 1), (1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (2, 2)),
    3: ((1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2)),
}
CONTRAST = 42.0
"""Minimum CIELAB distance between an object and the colour behind it."""

Role = tuple[str, str]


@dataclass(frozen=True)
class Plan:
    """The number of objects in each group, and their arrangement."""

    counts: tuple[int, ...]
    relation: str | None
    place: str | None = None


def scenes(sizes: Mapping[str, int]) -> dict[str, list[Scene]]:
    """Return scenes by split, the same on every machine.

    Args:
        sizes: the number of scenes of each split.
    """
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
    """Return the scene as JSON types; positions and radii are in pixels."""
    statement = scene.statement
    objects = []
    for each in scene.objects:
        group = statement.groups[each.group]
        look = {name: getattr(group, name) for name in ("shape", "colour", "size", "texture")}
        position = {name: round(getattr(each, name), 1) for name in ("x", "y", "radius")}
        objects.append({"group": each.group} | look | position)
    facts = {name: getattr(statement, name) for name in ("relation", "place", "ground", "ground_colour")}
    return {"objects": objects} | facts


def novelty(statement: Statement) -> str | None:
    """Return which held-out combination the scene has: "pair", else "role", else None."""
    if any(is_held_out_pair(group.colour, group.shape) for group in statement.groups):
        return "pair"
    for index, group in enumerate(statement.groups):
        if held_out_role(group.colour, group.shape) in roles(statement, index):
            return "role"
    return None


def is_held_out_pair(colour: str | None, shape: str) -> bool:
    """Return whether this pair of colour and shape is held out."""
    assert colour is not None
    return (3 * COLOURS.index(colour) + SHAPES.index(shape)) % len(SHAPES) == 0


def held_out_role(colour: str | None, shape: str) -> Role:
    """Return the held-out role of such an object: a relation and a side."""
    assert colour is not None
    number = (COLOURS.index(colour) + 2 * SHAPES.index(shape)) % 6
    return RELATIONS[number // 2], ("first", "second")[number % 2]


def roles(statement: Statement, index: int) -> set[Role]:
    """Return the roles of group `index`: relations and sides."""
    if statement.relation is None:
        return set()
    sides = {"first"} if index < len(statement.groups) - 1 else set()
    return {(statement.relation, side) for side in sides | ({"second"} if index else set())}


def _draw_plan(rng: random.Random, related: bool) -> Plan:
    """Draw the groups, their counts and their arrangement; `related` excludes a single group."""
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
    """Draw shapes, colours and the ground; None if the objects would not be clearly visible."""
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
    """Draw a group: small if there is little room, plain if a pattern would not be visible."""
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
