"""The embedded handwriting: sound points, readable shapes, the same again, and splits that share nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.handwriting.embedded import letters, written_lines
from apps.handwriting.embedded.phrases import LONGEST, SHORTEST, phrases
from apps.handwriting.embedded.stroke_font import CHARACTERS, SHAPES, glyphs, polylines
from apps.handwriting.embedded.writers import Hand, hand
from apps.handwriting.embedded.writing import MOST, written
from pipelines.data.strokes import Drawing

ROOT = Path(__file__).parents[4]
SOME = [hand(f"writer_{number:03}") for number in range(8)]
Made = dict[str, list[Drawing]]


@pytest.fixture(scope="module")
def lines() -> tuple[Made, float]:
    """The default set, and the seconds of this processor that it took."""
    start = time.process_time()
    made = written_lines.drawings("lines")
    return made, time.process_time() - start


@pytest.fixture(scope="module")
def small() -> Made:
    return written_lines.drawings("small")


@pytest.fixture(scope="module")
def digits() -> Made:
    return written_lines.drawings("digits")


def along(curve: np.ndarray, count: int = 24) -> np.ndarray:
    """Return points at equal distances on a character, its middle at 0 and its larger side 1, (2 count,)."""
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    at = np.linspace(0, way[-1], count)
    points = np.column_stack([np.interp(at, way, curve[:, axis]) for axis in range(2)])
    points -= points.min(axis=0)
    return (points / max(points.max(), 1e-9)).ravel()


def check(drawing: Drawing) -> None:
    points = drawing.points
    assert points.dtype == np.float32
    assert points.shape[1:] == (3,)
    assert np.isfinite(points).all()
    assert set(np.unique(points[:, 2])) <= {0.0, 1.0}
    assert points[-1, 2] == 1


def test_the_font_has_every_character_and_no_two_shapes_are_alike() -> None:
    assert set(CHARACTERS) == set(" .,'-?!0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert polylines(" ") == []
    for character, shapes in SHAPES.items():
        assert 1 <= len(shapes) <= 4, character
        assert len(set(shapes)) == len(shapes)
        for shape in range(len(shapes)):
            strokes = polylines(character, shape)
            assert 1 <= len(strokes) <= 4, character
            for stroke in strokes:
                assert len(stroke) >= 3
                assert np.linalg.norm(np.diff(stroke, axis=0), axis=1).max() < 1.5, character
                assert (stroke > -11).all()
                assert (stroke < 20).all()


def test_a_curve_passes_its_points_and_turns_sharply_only_where_it_shall() -> None:
    (two,) = polylines("2", 0)
    points = glyphs("2")[0].points
    for point in points:
        assert np.linalg.norm(two - point, axis=1).min() < 1e-9
    steps = np.diff(two, axis=0)
    heading = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    sharp = np.flatnonzero(np.abs(np.diff(heading)) > 0.8) + 1
    assert len(sharp) == 1
    np.testing.assert_allclose(two[sharp[0]], points[6])


def test_moved_points_move_the_curve_with_them() -> None:
    glyph = glyphs("g")[0]
    np.testing.assert_allclose(glyph.basis.sum(axis=1), 1)
    way = np.array([3.0, 4.0])
    np.testing.assert_allclose(glyph.basis @ (glyph.points + way), glyph.basis @ glyph.points + way)


@settings(max_examples=60, deadline=None)
@given(
    st.text(CHARACTERS, min_size=1, max_size=30).filter(str.strip),
    st.sampled_from(SOME),
    st.integers(0, 2**40),
)
def test_whatever_is_written_has_finite_points_and_lifts_the_pen_at_last(
    text: str, by: Hand, repetition: int
) -> None:
    drawing = written(text, "somebody", by, repetition)
    check(drawing)
    assert drawing.label == text
    assert len(drawing.points) >= 2 * drawing.points[:, 2].sum()
    assert len(drawing.points) < 80 * len(text)


@pytest.mark.parametrize("text", ["", "   ", "a" * (MOST + 1)])
def test_nothing_and_too_much_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected 1 to 400 characters that are not all spaces, found '"):
        written(text, "somebody", SOME[0])
    with pytest.raises(KeyError):
        written("ß", "somebody", SOME[0])


def test_the_same_writer_writes_the_same_again_and_each_repetition_a_little_otherwise() -> None:
    first, again = (written("Zoe, 27", "w", hand("w"), 3) for _ in range(2))
    np.testing.assert_array_equal(first.points, again.points)
    other = written("Zoe, 27", "w", hand("w"), 4)
    assert len(other.points) != len(first.points) or not np.allclose(other.points, first.points)
    assert abs(len(other.points) - len(first.points)) < 0.3 * len(first.points)
    assert hand("w").size != hand("v").size


def test_hands_differ_in_all_that_they_have() -> None:
    hands = [hand(f"somebody {number}") for number in range(60)]
    heights = [np.ptp(written("A", "w", each).points[:, 1]) for each in hands]
    assert max(heights) > 1.6 * min(heights)
    assert 0.2 < np.mean([each.joins > 0 for each in hands]) < 0.6
    for character in "a17g":
        assert {each.shapes[character] for each in hands} == set(range(len(SHAPES[character])))


def test_small_letters_are_joined_by_who_joins_and_only_by_them() -> None:
    joining = replace(next(each for each in SOME if each.joins), joins=1.0)
    printing = next(each for each in SOME if not each.joins)

    def count(text: str, by: Hand) -> float:
        """Return the strokes of a text, the mean of 30 repetitions."""
        return np.mean([len(letters.strokes_of(text, by, np.random.default_rng(seed))) for seed in range(30)])

    assert 1 < count("unmunmunm", joining) < 2.5
    assert count("unmunmunm", printing) == 9
    assert count("un mun mu nm", joining) > 4
    assert count("UNMUNMUNM", joining) >= 9


def test_dots_wait_for_the_end_of_joined_letters() -> None:
    by = replace(next(each for each in SOME if each.joins), joins=1.0, delays=True, looseness=0.0)
    by = replace(by, shapes={**by.shapes, "i": 0})
    seen = [letters.strokes_of("nin", by, np.random.default_rng(seed)) for seed in range(20)]
    joined = [strokes for strokes in seen if len(strokes) == 2]
    assert joined
    for line, dot in joined:
        assert dot[:, 1].min() > 12
        assert line[-1, 0] > dot[:, 0].max()


def test_the_pen_is_slow_at_the_ends_and_in_corners() -> None:
    by = next(each for each in SOME if each.tremor < 0.05)
    strokes = [written("L", "w", by, again).points for again in range(20)]
    for points in strokes:
        if points[:, 2].sum() != 1:
            continue
        steps = np.linalg.norm(np.diff(points[:, :2], axis=0), axis=1)
        assert steps[0] < 0.8 * steps.max()
        assert steps[-1] < 0.8 * steps.max()


@pytest.mark.parametrize("name", ["small", "digits"])
def test_sets_have_their_sizes_and_sound_drawings(name: str, request: pytest.FixtureRequest) -> None:
    made, size = request.getfixturevalue(name), written_lines.SIZES[name]
    per_writer = [each * max(1, len(size.characters)) for each in size.each]
    expected = [count * each for count, each in zip(size.writers, per_writer, strict=True)]
    assert [len(made[split]) for split in written_lines.SPLITS] == expected
    for each in chain(*made.values()):
        check(each)
        assert set(each.label) <= set(size.characters or CHARACTERS)
    assert len({each.where for each in made["train"]}) > 0.4 * len(made["train"])


def test_a_set_repeats_also_in_another_process(small: Made) -> None:
    again = written_lines.drawings("small")
    for one, other in zip(chain(*again.values()), chain(*small.values()), strict=True):
        assert one[1:] == other[1:]
        np.testing.assert_array_equal(one.points, other.points)
    code = (
        "import sys; from apps.handwriting.embedded.written_lines import drawings\n"
        "for some in drawings('small').values():\n"
        "    for each in some: sys.stdout.buffer.write(each.points.tobytes())"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    assert done.stdout == b"".join(each.points.tobytes() for each in chain(*small.values()))


def test_nobody_and_no_text_is_in_two_splits_and_a_writer_keeps_the_split(
    lines: tuple[Made, float], small: Made
) -> None:
    homes: dict[str, set[str]] = {}
    for made in (lines[0], small, written_lines.drawings("small_digits")):
        for split, drawings in made.items():
            for each in drawings:
                homes.setdefault(each.writer or "", set()).add(split)
    assert all(len(splits) == 1 for splits in homes.values())
    assert len(homes) == 210
    for made in (lines[0], small):
        for one, other in combinations(made.values(), 2):
            assert not {each.label for each in one} & {each.label for each in other}


def test_the_default_set_is_as_large_as_it_says_and_quickly_made(lines: tuple[Made, float]) -> None:
    made, seconds = lines
    assert {split: len(drawings) for split, drawings in made.items()} == {
        "train": 3000,
        "validation": 300,
        "test": 300,
    }
    for each in chain(*made.values()):
        check(each)
        assert SHORTEST <= len(each.label) <= LONGEST
        assert set(each.label) <= set(CHARACTERS)
        assert 20 < len(each.points) < 900
    texts = "".join(each.label for each in made["train"])
    assert min(texts.count(character) for character in CHARACTERS) >= 60
    per_character = sum(len(each.points) for each in made["train"]) / len(texts)
    assert 11 < per_character < 18
    assert seconds < 20


def test_phrases_are_different_and_a_smaller_count_is_a_beginning() -> None:
    many = phrases(200, 5)
    assert len(set(many)) == 200
    assert phrases(20, 5) == many[:20]
    assert phrases(20, 6) != many[:20]
    assert max(map(len, phrases(50, 5, longest=9))) <= 9


def test_digits_of_unseen_writers_are_nearest_to_the_same_digit(digits: Made) -> None:
    known, asked = (
        np.array([along(each.points[:, :2].astype(float)) for each in digits[split]])
        for split in ("train", "test")
    )
    distance = (known**2).sum(axis=1) - 2 * asked @ known.T
    nearest = distance.argmin(axis=1)
    right = [
        digits["train"][place].label == each.label
        for place, each in zip(nearest, digits["test"], strict=True)
    ]
    assert np.mean(right) > 0.98
