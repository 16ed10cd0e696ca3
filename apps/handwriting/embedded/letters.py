"""The strokes of a text in a hand, before the pen's speed: letters in a row, some of them joined."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .stroke_font import X_HEIGHT, Glyph, glyphs
from .writers import Hand

_LOYALTY = 0.92  # how often a writer uses the preferred shape
_BAND = (-1.0, 11.0)  # the heights between which small letters keep their distance
_REACH = 2.5  # how far a letter may reach over a neighbour
_WIDER = {"cl": 4.0, "ol": 1.5}  # pairs that would read as d
_NARROWEST = 2.5  # the room of a letter, a dot for example
_STEMS, _ROUND, _OPEN, _TALL = "ijmnpruvwyz", "acdgoqs", "cs", "bhkt"
_APPROACH = {
    **dict.fromkeys(_STEMS, (0.5, 0.87)),
    **dict.fromkeys(_ROUND, (1.0, 0.08)),
    "e": (0.97, 0.24),
    "l": (0.8, 0.6),
}
"""The direction in which a joining curve reaches a letter, if it comes from the baseline."""
_LEVEL = (0.95, 0.3)  # the same, if it comes from above
_ABOVE = 6.0  # where that begins
_LOOP = (-0.6, 0.8)  # the same for a tall letter: the curve turns back over it
_BRIDGE = np.linspace(0, 1, 22)[1:-1, None]


class _Placed(NamedTuple):
    """A letter in its place."""

    character: str
    strokes: list[np.ndarray]
    leaves: bool


def strokes_of(text: str, by: Hand, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the strokes of a text in the order of writing, each (S, 2) float64, y up from the baseline.

    Args:
        text: of `CHARACTERS`.
        by: the hand.
        rng: draws what differs from one repetition to the next.
    """
    letters = _in_a_row(text, by, rng)
    strokes: list[np.ndarray] = []
    run: list[np.ndarray] = []  # the pieces of a stroke that goes on
    marks: list[np.ndarray] = []  # dots and bars that wait for its end
    for letter, following in zip(letters, [*letters[1:], None], strict=True):
        if letter is None:
            continue
        first, *rest = letter.strokes
        if run:
            first = _entered(first, letter.character, float(run[-1][-1, 1]))
            run.append(_bridge(run[-1], first, letter.character))
        run.append(first)
        if following is not None and _joined(letter, following, by, rng):
            marks += rest
            continue
        strokes += [np.concatenate(run), *marks, *rest]
        run, marks = [], []
    return strokes


def _in_a_row(text: str, by: Hand, rng: np.random.Generator) -> list[_Placed | None]:
    """Return the letters of a text, each right of the one before, and None for a space.

    All letters are computed together: that is twice as fast.
    """
    written = text.replace(" ", "")
    shapes = _shapes(written, by, rng)
    chosen = [glyphs(character)[shape] for character, shape in zip(written, shapes, strict=True)]
    habits = [by.habits[character][shape] for character, shape in zip(written, shapes, strict=True)]
    drawn = _varied(chosen, habits, by, rng)
    rows = [len(glyph.basis) for glyph in chosen]
    firsts = np.cumsum([0, *rows[:-1]])
    drawn[:, 1] = _proportioned(drawn[:, 1], np.repeat([each.islower() for each in written], rows), by)
    lefts, rights = _extents(drawn, firsts)
    moved = _places(text, (lefts, rights), by, rng)
    drawn[:, 0] += np.repeat(moved, rows)
    row: list[_Placed | None] = []
    letters = iter(zip(written, chosen, firsts.tolist(), strict=True))
    for each in text:
        if each == " ":
            row.append(None)
            continue
        character, glyph, first = next(letters)
        own = drawn[first : first + len(glyph.basis)]
        row.append(_Placed(character, [own[stroke] for stroke in glyph.strokes], glyph.leaves))
    return row


def _shapes(written: str, by: Hand, rng: np.random.Generator) -> list[int]:
    """Return which shape each character has this time."""
    loyal, other = rng.random((2, len(written))).tolist()
    return [
        by.shapes[each] if stays < _LOYALTY else int(instead * len(glyphs(each)))
        for each, stays, instead in zip(written, loyal, other, strict=True)
    ]


def _varied(chosen: list[Glyph], habits: list[np.ndarray], by: Hand, rng: np.random.Generator) -> np.ndarray:
    """Return the points of letters as the hand writes them this time, one letter after another."""
    sizes = [len(glyph.points) for glyph in chosen]
    points = np.concatenate([glyph.points for glyph in chosen]) + np.concatenate(habits)
    points += rng.normal(0, by.looseness, points.shape)
    changes = rng.normal(0, by.looseness, (5, len(chosen)))
    turned, sheared, wider, taller, lifted = np.repeat(changes, sizes, axis=1)
    x, y = points.T
    x, y = (
        x * by.aspect * np.exp(0.1 * wider) + 0.1 * y * (sheared - turned),
        y * np.exp(0.1 * taller) + 0.1 * x * turned + lifted,
    )
    ends = np.cumsum(sizes)
    moved = np.column_stack([x, y])
    return np.concatenate(
        [glyph.basis @ moved[end - size : end] for glyph, end, size in zip(chosen, ends, sizes, strict=True)]
    )


def _proportioned(heights: np.ndarray, small: np.ndarray, by: Hand) -> np.ndarray:
    """Return the heights with the proportions of a hand, above the small letters and below the line."""
    above = np.maximum(heights - X_HEIGHT * small, 0)
    return heights + (by.tall - 1) * above + (by.deep - 1) * np.minimum(heights, 0)


def _extents(points: np.ndarray, firsts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where letters begin and end; what is above and below their neighbours may reach over them."""
    x, y = points.T
    inside = (y > _BAND[0]) & (y < _BAND[1])
    left, right = np.minimum.reduceat(x, firsts), np.maximum.reduceat(x, firsts)
    lefts = np.minimum(np.minimum.reduceat(np.where(inside, x, np.inf), firsts), left + _REACH)
    rights = np.maximum(np.maximum.reduceat(np.where(inside, x, -np.inf), firsts), right - _REACH)
    nothing = lefts > rights  # inside
    lefts, rights = np.where(nothing, left, lefts), np.where(nothing, right, rights)
    narrow = np.maximum(_NARROWEST - (rights - lefts), 0) / 2
    return lefts - narrow, rights + narrow


def _places(
    text: str, extents: tuple[np.ndarray, np.ndarray], by: Hand, rng: np.random.Generator
) -> list[float]:
    """Return how far each letter is moved to the right."""
    draws = rng.random(len(text)).tolist()
    ends = iter(zip(*(each.tolist() for each in extents), strict=True))
    moved, right = [], 0.0
    for before, character, draw in zip(f" {text}", text, draws, strict=False):
        if character == " ":
            right += by.space * (0.9 + 0.3 * draw)
            continue
        left, end = next(ends)
        moved.append(right + by.gap * (0.75 + 0.5 * draw) + _WIDER.get(before + character, 0.0) - left)
        right = end + moved[-1]
    return moved


def _joined(letter: _Placed, following: _Placed, by: Hand, rng: np.random.Generator) -> bool:
    """Return whether the pen goes on to the next letter."""
    if not letter.leaves or (len(letter.strokes) > 1 and not by.delays):
        return False
    begins = following.character in _APPROACH or (by.loops and following.character in _TALL)
    return begins and bool(rng.random() < by.joins)


def _entered(stroke: np.ndarray, character: str, height: float) -> np.ndarray:
    """Return a letter's first stroke from where a joining curve reaches it.

    An open letter is reached at its top: a curve to its first point would cross it, and c would read as e.
    An l that begins at the baseline is reached higher if the curve comes from above: ol would read as al.

    Args:
        stroke: the stroke.
        character: which letter it is.
        height: where the curve begins.
    """
    if character in _OPEN:
        return stroke[int(np.argmax(stroke[: len(stroke) // 3, 1])) :]
    if character == "l" and height > _ABOVE:
        return stroke[int(np.argmax(stroke[:, 1] > height)) :]
    return stroke


def _bridge(before: np.ndarray, after: np.ndarray, character: str) -> np.ndarray:
    """Return the curve from the end of a stroke to the beginning of the next letter.

    Args:
        before: the stroke.
        after: the letter's first stroke.
        character: which letter it is.
    """
    start, end = before[-1], after[0]
    leaving = start - before[-3]
    leaving /= max(float(np.linalg.norm(leaving)), 1e-6)
    reached = _LOOP if character in _TALL else _LEVEL if start[1] > _ABOVE else _APPROACH[character]
    far = float(np.linalg.norm(end - start))
    first, second = start + 0.35 * far * leaving, end - 0.45 * far * np.array(reached)
    t = _BRIDGE
    return (1 - t) ** 3 * start + 3 * t * (1 - t) ** 2 * first + 3 * t**2 * (1 - t) * second + t**3 * end
