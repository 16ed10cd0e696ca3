"""What a picture of the embedded set shows, as facts: drawn by scenes.py, said and read by the grammar."""

from __future__ import annotations

from dataclasses import dataclass

SHAPES = ("circle", "square", "triangle", "diamond", "star", "heart", "cross", "crescent")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
SIZES = ("small", "large")
TEXTURES = ("plain", "striped", "dotted")
RELATIONS = ("left", "above", "inside")
CORNERS = ("top left", "top right", "bottom left", "bottom right")
PLACES = ("centre", *CORNERS, "row", "column")
"""Where a single object is; how several are arranged that are alone in the picture."""
GROUNDS = ("plain", "shaded", "grainy")
GROUND_COLOURS = ("white", "black", "grey", "beige", "navy", "mint", "teal")


@dataclass(frozen=True)
class Group:
    """So many objects that look alike. None: unsaid."""

    count: int
    shape: str
    colour: str | None
    size: str | None = None
    texture: str | None = None


@dataclass(frozen=True)
class Statement:
    """What a caption says, or, with nothing unsaid, what a scene is.

    `relation` holds from each group to the next: the first is left of, above or inside the second, that
    of the third. So "right of" and "below" are the same relations with the groups the other way round.
    """

    groups: tuple[Group, ...]
    relation: str | None = None
    place: str | None = None
    ground: str | None = None
    ground_colour: str | None = None

    @property
    def details(self) -> list[str]:
        """What is said beyond shapes, colours, counts and the relation."""
        said = [detail for group in self.groups for detail in (group.size, group.texture)]
        return [detail for detail in (*said, self.place, self.ground, self.ground_colour) if detail]
