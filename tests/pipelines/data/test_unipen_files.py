"""Drawings in UNIPEN 1.0."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipelines.data.stroke_files import read_drawings
from pipelines.data.stroke_reading import Reading
from pipelines.data.strokes import Drawing
from pipelines.errors import UserError

DIGITS = """.VERSION 1.0
.COORD X Y
.COMMENT [the file of a pen
 that writes digits]
.WRITER_ID  Ada L
.SEGMENT DIGIT ? ? "8"
.PEN_DOWN
  1 5
  2 3
.PEN_UP
.DT 100
.PEN_DOWN
 3\t4
 4\t4
.PEN_UP
.SEGMENT DIGIT ? ? "1"
.PEN_DOWN
 7 9
 7 2
.PEN_UP
"""
WORDS = """.HIERARCHY WORD CHARACTER
.SEGMENT WORD 0,2-3 OK "ab"
.SEGMENT CHARACTER 0 ? "a"
.SEGMENT CHARACTER 2-3 ? "b"
.COORD X Y P T
.PEN_DOWN
0 0 1 0
1 0 1 100
.PEN_UP
1 1 0 150
.PEN_DOWN
2 0 1 200
3 0 1 300
.PEN_DOWN
4 0 1 400
5 0 1 500
"""


def read(tmp_path: Path, text: str, **settings) -> list[Drawing]:
    path = tmp_path / "a.unp"
    path.write_text(text)
    return read_drawings(path, Reading(**settings))[0]


def test_segments_without_components_go_on_to_the_next_one(tmp_path: Path) -> None:
    eight, one = read(tmp_path, DIGITS)
    assert eight.points.tolist() == [[1, -5, 0], [2, -3, 1], [3, -4, 0], [4, -4, 1]]
    assert one.points.tolist() == [[7, -9, 0], [7, -2, 1]]
    assert [each[1:] for each in (eight, one)] == [("8", "Ada L", "a.unp:6"), ("1", "Ada L", "a.unp:16")]
    assert read(tmp_path, DIGITS, y_up=False)[1].points[0].tolist() == [7, 9, 0]
    (tmp_path / "b.dat.gz").write_bytes(gzip.compress(DIGITS.encode()))
    assert len(read_drawings(tmp_path / "b.dat.gz")[0]) == 2


def test_segments_name_components_of_a_level(tmp_path: Path) -> None:
    (word,) = read(tmp_path, WORDS)
    assert word.label == "ab"
    assert word.points[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert word.points[:, 2].tolist() == [0, 1, 0, 1, 0, 1]
    a, b = read(tmp_path, WORDS, label="character")
    assert (a.label, len(a.points), b.label, len(b.points)) == ("a", 2, "b", 4)


def test_times_are_a_column_or_follow_from_the_rate(tmp_path: Path) -> None:
    assert len(read(tmp_path, WORDS, rate=40)[0].points) == 3 * 5
    found = read(tmp_path, ".POINTS_PER_SECOND 10\n" + DIGITS, rate=20)
    assert [len(each.points) for each in found] == [6, 3]
    with pytest.raises(UserError, match=r"a\.unp:6: expected times"):
        read(tmp_path, DIGITS, rate=20)


def test_a_file_without_segments_is_a_drawing(tmp_path: Path) -> None:
    (drawing,) = read(tmp_path, ".PEN_DOWN\n1 2\n3 4\n")
    assert drawing[1:] == (None, None, "a.unp:1")
    assert read(tmp_path, "nothing") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (".PEN_DOWN\n1 2\n3\n", "a.unp:1: expected rows of X Y, got 3 numbers"),
        ("\n.PEN_DOWN\n1 b\n", "a.unp:2: expected numbers: "),
        (".COORD X Z\n", "a.unp:1: expected the columns X and Y, got 'X Z'"),
        (".INCLUDE ../../etc/hosts\n", "found .INCLUDE ../../etc/hosts: join them"),
        (
            '.SEGMENT A 0-2 ? "a"\n.PEN_DOWN\n1 1\n',
            "a.unp:1: expected a component of the 1 in the file, got 1",
        ),
        ('.SEGMENT A 0:3-2:1 ? "a"\n', "expected numbers of whole components such as 0-2,4, got '0:3-2:1'"),
        ('.SEGMENT A 9-2 ? "a"\n', "got '9-2'"),
        (f'.SEGMENT A 0-{"9" * 5000} ? "a"\n', "expected numbers of whole components"),
        (".SEGMENT\n", "expected a level of .SEGMENT, got ''"),
    ],
)
def test_malformed_files_are_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError) as told:
        read(tmp_path, text)
    assert said in str(told.value)
    assert "\n" not in str(told.value)
