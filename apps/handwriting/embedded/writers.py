"""Made-up writers: each has a hand of its own, drawn at random by the name.

A hand is a size, a slant, proportions, preferred shapes of the font and small changes of them, gaps, a
baseline that drifts, tremor, a speed, and whether small letters are joined. Lengths are in units of the
stroke font, where a small letter is 10 high, unless something else is said.
"""

from __future__ import annotations

import dataclasses
import zlib

import numpy as np

from .stroke_font import SHAPES, glyphs


@dataclasses.dataclass(frozen=True)
class Hand:
    """How somebody writes."""

    size: float
    """Units of the drawing in a unit of the font."""
    slant: float
    """How far a letter leans to the right, in its height."""
    aspect: float
    """The width of letters, 1 as in the font."""
    tall: float
    """The height of what rises above small letters, and of capitals, 1 as in the font."""
    deep: float
    """The length of what hangs below the line, 1 as in the font."""
    gap: float
    """Between letters."""
    space: float
    """Between words, beside the gap."""
    slope: float
    """How much the line rises, in its length."""
    wave: float
    """How far the baseline drifts up and down."""
    looseness: float
    """The deviation of a point of a letter from one repetition to the next."""
    tremor: float
    """The deviation of a sampled point."""
    speed: float
    """The way of the pen between two points that are taken, where it is fast."""
    braking: float
    """The exponent with which the speed falls in tight curves."""
    rounding: int
    """How often corners are smoothed."""
    joins: float
    """How often two small letters are joined, where they can be."""
    loops: bool
    """Whether tall letters are joined, too, by a loop."""
    delays: bool
    """Whether dots and bars wait until the joined letters are written."""
    shapes: dict[str, int]
    """The preferred shape of each character."""
    habits: dict[str, tuple[np.ndarray, ...]]
    """How the points of each shape of a character are moved, (K, 2)."""


def hand(writer: str) -> Hand:
    """Return the hand of a writer; the same name has the same hand.

    Args:
        writer: any name.
    """
    rng = np.random.default_rng([2013, zlib.crc32(writer.encode())])
    joins = rng.uniform(0.5, 1.0) if rng.random() < 0.4 else 0.0
    shapes = {each: int(rng.integers(len(found))) for each, found in SHAPES.items()}
    if joins:
        for each in filter(str.islower, shapes):
            leaving = [place for place, glyph in enumerate(glyphs(each)) if glyph.leaves]
            shapes[each] = int(rng.choice(leaving)) if leaving else shapes[each]
    spread = rng.uniform(0.15, 0.5)
    habits = {
        each: tuple(rng.normal(0, spread, glyph.points.shape) for glyph in glyphs(each)) for each in SHAPES
    }
    return Hand(
        size=float(np.exp(rng.normal(0.7, 0.18))),
        slant=float(np.clip(rng.normal(0.12, 0.16), -0.2, 0.5)),
        aspect=float(np.clip(np.exp(rng.normal(0, 0.14)), 0.72, 1.35)),
        tall=rng.uniform(0.85, 1.1),
        deep=rng.uniform(0.75, 1.1),
        gap=rng.uniform(1.6, 4.2),
        space=rng.uniform(7.5, 11.5),
        slope=float(np.clip(rng.normal(0, 0.02), -0.05, 0.05)),
        wave=rng.uniform(0, 0.8),
        looseness=rng.uniform(0.15, 0.45),
        tremor=rng.uniform(0, 0.13),
        speed=float(np.clip(np.exp(rng.normal(1.08, 0.16)), 2.2, 4.0)),
        braking=rng.uniform(0.2, 0.45),
        rounding=int(rng.integers(0, 5)),
        joins=joins,
        loops=bool(rng.random() < 0.5),
        delays=bool(rng.random() < 0.4),
        shapes=shapes,
        habits=habits,
    )
