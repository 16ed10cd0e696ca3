"""Draws a scene: shapes are polygons, drawn at four times the size and then averaged."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from .layout import SIDE, Object, Scene
from .statements import Group

COLOUR_VALUES = {
    "red": (215, 30, 35),
    "orange": (255, 135, 15),
    "yellow": (250, 222, 40),
    "green": (35, 150, 55),
    "blue": (35, 90, 225),
    "purple": (125, 45, 170),
    "pink": (252, 140, 195),
    "brown": (120, 70, 35),
    "black": (18, 18, 20),
    "white": (250, 250, 250),
}
GROUND_VALUES = {
    "white": (242, 242, 242),
    "black": (20, 20, 22),
    "grey": (132, 132, 132),
    "beige": (222, 204, 168),
    "navy": (24, 34, 84),
    "mint": (180, 232, 204),
    "teal": (10, 112, 118),
}


def _arc(start: float, end: float, count: int) -> np.ndarray:
    """Return points on the unit circle, (count, 2); a whole turn does not repeat the first point."""
    whole = math.isclose(abs(end - start), 2 * math.pi)
    angles = np.linspace(start, end, count, endpoint=not whole)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _polygon(corners: int, first: float) -> np.ndarray:
    """Return a regular polygon whose first corner is at this angle, in half turns."""
    return _arc(first * math.pi, (first + 2) * math.pi, corners)


def _heart() -> np.ndarray:
    t = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    height = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([16 * np.sin(t) ** 3, -height - 2.5], axis=1) / 16.5


def _cross(half_width: float = 0.32, reach: float = 0.95) -> np.ndarray:
    arm = np.array([(half_width, -reach), (half_width, -half_width), (reach, -half_width)])
    quarter_turn = np.array([(0, 1), (-1, 0)])
    return np.concatenate([arm @ np.linalg.matrix_power(quarter_turn, turns) for turns in range(4)])


def _crescent(shift: float = 0.55, opening: float = math.pi / 3) -> np.ndarray:
    """Return a disc without another disc that lies `shift` to its right; their edges meet at `opening`."""
    outer = _arc(opening, 2 * math.pi - opening, 32)
    across, up = math.cos(opening) - shift, math.sin(opening)
    tip = math.atan2(up, across)
    inner = math.hypot(across, up) * _arc(-tip, tip - 2 * math.pi, 32) + np.array([shift, 0])
    return np.vstack([outer, inner]) + np.array([0.25, 0])


OUTLINES = {
    "circle": _arc(0, 2 * math.pi, 48),
    "square": 1.15 * _polygon(4, -0.25),
    "triangle": 1.12 * _polygon(3, -0.5),
    "diamond": 1.1 * _polygon(4, -0.5) * (0.75, 1),
    "star": _polygon(10, -0.5) * np.where(np.arange(10) % 2, 0.45, 1.05)[:, None],
    "heart": _heart(),
    "cross": _cross(),
    "crescent": _crescent(),
}
"""The corners of each shape around its centre, (points, 2); the radius is about 1, y points down."""
_FINE = 4
_LIGHT = 140
"""Colours brighter than this get a darker pattern, others a lighter one."""


def distance(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the Euclidean distance of two RGB colours in CIELAB; about 2 is just noticeable."""
    return float(np.linalg.norm(_lab(first) - _lab(second)))


def render(scene: Scene) -> np.ndarray:
    """Return the image of a scene, uint8 (SIDE, SIDE, 3); the same scene always has the same image."""
    rng = np.random.default_rng(scene.seed)
    canvas = _ground(scene, rng)
    for each in scene.objects:
        group = scene.statement.groups[each.group]
        assert group.colour is not None
        tone = np.array(COLOUR_VALUES[group.colour]) + rng.uniform(-6, 6, 3)
        _draw(canvas, each, group, tone, rng=rng)
    return np.clip(np.round(canvas), 0, 255).astype(np.uint8)


def _draw(
    canvas: np.ndarray, each: Object, group: Group, tone: np.ndarray, *, rng: np.random.Generator
) -> None:
    """Draw one object on a float canvas (SIDE, SIDE, 3)."""
    reach = math.ceil(1.3 * each.radius) + 1
    left, top, size = int(each.x) - reach, int(each.y) - reach, 2 * reach + 1
    cos, sin = math.cos(each.angle), math.sin(each.angle)
    points = each.radius * OUTLINES[group.shape] @ np.array([(cos, sin), (-sin, cos)]) + (
        each.x - left,
        each.y - top,
    )
    patch = Image.new("L", (size * _FINE, size * _FINE))
    ImageDraw.Draw(patch).polygon([tuple(point) for point in points * _FINE], fill=255)
    cover = _average(patch)
    colours = cover * tone
    if group.texture and group.texture != "plain":
        pattern = _pattern(group.texture, size * _FINE, each.radius * _FINE, rng)
        colours += _average(Image.fromarray(np.asarray(patch) * pattern)) * (_other(tone) - tone)
    rows, columns = (slice(max(0, start), min(SIDE, start + size)) for start in (top, left))
    own = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
    canvas[rows, columns] = (1 - cover[own]) * canvas[rows, columns] + colours[own]


def _pattern(texture: str, size: int, radius: float, rng: np.random.Generator) -> np.ndarray:
    """Return 1 at pixels of the second tone and 0 elsewhere, (size, size)."""
    period = max(5.0 * _FINE, 0.46 * radius)
    angle = rng.uniform(0, math.pi)
    y, x = np.mgrid[:size, :size] - size / 2
    u = (x * math.cos(angle) + y * math.sin(angle)) / period + rng.random()
    if texture == "striped":
        return (u % 1 < 0.45).astype(np.uint8)
    v = (y * math.cos(angle) - x * math.sin(angle)) / period + rng.random()
    return (((u % 1) - 0.5) ** 2 + ((v % 1) - 0.5) ** 2 < 0.29**2).astype(np.uint8)


def _other(tone: np.ndarray) -> np.ndarray:
    """Return the tone of stripes and dots: clearly different, but not another named colour."""
    return 0.45 * tone if tone @ (0.3, 0.59, 0.11) > _LIGHT else 0.3 * tone + 0.7 * 255


def _average(fine: Image.Image) -> np.ndarray:
    return np.asarray(fine.reduce(_FINE), np.float64)[..., None] / 255


def _ground(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    assert scene.statement.ground_colour is not None
    value = np.array(GROUND_VALUES[scene.statement.ground_colour], float) + rng.uniform(-5, 5, 3)
    canvas = np.broadcast_to(value, (SIDE, SIDE, 3)).copy()
    if scene.statement.ground == "shaded":
        angle = rng.uniform(0, 2 * math.pi)
        y, x = np.mgrid[:SIDE, :SIDE] / (SIDE - 1) - 0.5
        canvas += 52 * (x * math.cos(angle) + y * math.sin(angle))[..., None]
    if scene.statement.ground == "grainy":
        canvas += rng.normal(0, 13, (SIDE, SIDE, 1))
    return canvas


def _lab(colour: Sequence[float]) -> np.ndarray:
    """Return CIELAB (D65) of an sRGB colour of 0 to 255."""
    srgb = np.asarray(colour, float) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([(0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505)])
    x, y, z = np.cbrt(np.maximum(to_xyz @ linear / (0.9505, 1.0, 1.089), 1e-9))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
