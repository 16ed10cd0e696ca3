"""The facts about an embedded image: scenes.py draws them, the caption grammar describes them."""

from __future__ import annotations

from dataclasses import dataclass

SHAPES = ("circle", "square", "triangle", "diamond", "star", "heart", "cross", "crescent")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
SIZES = ("small", "large")
TEXTURES = ("plain", "striped", "dotted")
RELATIONS = ("left", "above", "inside")
CORNERS = ("top left", "top right", "bottom left", "bottom right")
PLACES = ("centre", *CORNERS, "row", "column")
"""The place of a single object, or the arrangement of a single group."""
GROUNDS = ("plain", "shaded", "grainy")
GROUND_COLOURS = ("white", "black", "grey", "beige", "navy", "mint", "teal")


@dataclass(frozen=True)
class Group:
    """Objects that look alike. None means that a caption does not mention it."""

    count: int
    shape: str
    colour: str | None
    size: str | None = None
    texture: str | None = None


@dataclass(frozen=True)
class Statement:
    """The facts that a caption states; without None, a complete description of a scene.

    `relation` holds between each group and the next: the first is left of, above or inside the second, and
    the second of the third. "Right of" and "below" are the same relations with the groups in reverse order.
    """

    groups: tuple[Group, ...]
    relation: str | None = None
    place: str | None = None
    ground: str | None = None
    ground_colour: str | None = None

    @property
    def details(self) -> list[str]:
        """The stated facts other than shapes, colours, counts and the relation."""
        stated = [detail for group in self.groups for detail in (group.size, group.texture)]
        return [detail for detail in (*stated, self.place, self.ground, self.ground_colour) if detail]
