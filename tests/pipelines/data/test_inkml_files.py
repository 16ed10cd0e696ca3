"""Drawings in InkML."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data.inkml_traces import Channels, decoded
from pipelines.data.stroke_files import read_drawings
from pipelines.data.stroke_reading import Reading
from pipelines.data.strokes import Drawing
from pipelines.errors import UserError

FORMAT = '<traceFormat><channel name="X"/><channel name="Y"/><channel name="T" units="s"/></traceFormat>'
TRUTH = '<annotation type="truth">a b</annotation><annotation type="writer">w1</annotation>'


def ink(inner: str) -> str:
    return f'<?xml version="1.0"?><ink xmlns="http://www.w3.org/2003/InkML">{inner}</ink>'


def read(tmp_path: Path, inner: str, **settings) -> list[Drawing]:
    path = tmp_path / "a.inkml"
    path.write_text(ink(inner))
    return read_drawings(path, Reading(**settings))[0]


def test_a_file_is_a_drawing(tmp_path: Path) -> None:
    traces = "<trace>1 2, 3 4</trace><trace>5 6.5,-7 8,\n9 1e1</trace>"
    (drawing,) = read(tmp_path, TRUTH + traces)
    assert drawing.points.tolist() == [[1, 2, 0], [3, 4, 1], [5, 6.5, 0], [-7, 8, 0], [9, 10, 1]]
    assert drawing[1:] == ("a b", "w1", "a.inkml:1")
    (tmp_path / "b.inkml.gz").write_bytes(gzip.compress((tmp_path / "a.inkml").read_bytes()))
    np.testing.assert_array_equal(read_drawings(tmp_path / "b.inkml.gz")[0][0].points, drawing.points)


def test_differences_are_added_up_as_in_the_recommendation() -> None:
    text = "1125 18432,'23'43,\"7\"-8,3-5,7 -3,6 2,6 8,3 6 T,2 4*T,3 6,3-6 F F"
    found = decoded(text, Channels(("X", "Y", "S1", "S2")))
    expected = [
        [1125, 18432],
        [1148, 18475],
        [1178, 18510],
        [1211, 18540],
        [1251, 18567],
        [1297, 18596],
        [1349, 18633],
        [1404, 18676],
        [1461, 18723],
        [1521, 18776],
        [1584, 18823],
    ]
    np.testing.assert_array_equal(found[:, :2], expected)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-999, 999), st.integers(-999, 999)), min_size=3), st.integers(0, 2))
def test_marked_values_come_back(points: list[tuple[int, int]], order: int) -> None:
    values = np.array(points)
    marks = ["", *"'\""][: order + 1]
    rows = []
    for number in range(len(values)):
        level = min(number, order)
        row = np.diff(values, n=level, axis=0)[number - level]
        mark = marks[level] if number <= order else ""
        rows.append(f"{mark}{row[0]} {mark}{row[1]}")
    np.testing.assert_array_equal(decoded(",".join(rows), Channels(("X", "Y")))[:, :2], values)


def test_wildcards_unknown_and_hexadecimal_values() -> None:
    found = decoded("1 #1F,'2 *,* !5,? *", Channels(("X", "Y")))
    np.testing.assert_array_equal(found[:, :2], [[1, 31], [3, 31], [5, 5], [np.nan, 5]])


def test_other_channels_times_and_their_order(tmp_path: Path) -> None:
    channels = "".join(f'<channel name="{name}" units="ms"/>' for name in "FYTX")
    (drawing,) = read(
        tmp_path, f"<traceFormat>{channels}</traceFormat><trace>9 2 0 1,9 2 100 3</trace>", rate=20
    )
    assert drawing.points.tolist() == [[1, 2, 0], [2, 2, 0], [3, 2, 1]]
    (drawing,) = read(tmp_path, FORMAT + "<trace>1 2 0,3 2 1</trace>", rate=1)
    assert len(drawing.points) == 2


def test_groups_with_labels_are_drawings(tmp_path: Path) -> None:
    group = '<traceGroup><annotation type="truth">{}</annotation>{}</traceGroup>'
    inner = '<trace id="t0">0 0,1 1</trace><trace type="penUp">3 3,4 4</trace>'
    inner += group.format("a", '<traceView traceDataRef="#t0"/><trace>1 0,2 2</trace>')
    inner += group.format(
        "b", "<traceGroup><annotation type='truth'>x</annotation><trace>5 5,6 6</trace></traceGroup>"
    )
    drawings = read(tmp_path, inner)
    assert [each.label for each in drawings] == ["a", "b"]
    assert drawings[0].points.tolist() == [[0, 0, 0], [1, 1, 1], [1, 0, 0], [2, 2, 1]]
    assert drawings[1].points.tolist() == [[5, 5, 0], [6, 6, 1]]
    (whole,) = read(tmp_path, TRUTH + inner)
    assert whole.label == "a b"
    assert len(whole.points) == 6
    (named,) = read(tmp_path, TRUTH + inner, label="writer")
    assert named.label == "w1"


def test_continued_traces_are_one_stroke(tmp_path: Path) -> None:
    inner = '<trace xml:id="a" continuation="begin">0 0,1 1</trace><trace xml:id="b">9 9,8 8</trace>'
    inner += '<trace continuation="middle" priorRef="#a">2 2</trace>'
    (drawing,) = read(tmp_path, inner)
    assert drawing.points.tolist() == [[0, 0, 0], [1, 1, 0], [2, 2, 1], [9, 9, 0], [8, 8, 1]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            '<!DOCTYPE ink [<!ENTITY x SYSTEM "file:///etc/hostname">]><ink>&x;</ink>',
            "a.inkml:1: expected no decl",
        ),
        ('<!DOCTYPE ink SYSTEM "http://localhost/a.dtd"><ink/>', "a.inkml:1: expected no declarations"),
        ("<ink><trace>&x;</trace></ink>", "a.inkml:1: not XML: undefined entity"),
        ("<svg/>", "a.inkml: expected InkML, <ink>, got <svg>"),
        ("<ink>" + "<traceGroup>" * 99, "expected elements at most 64 deep"),
        ("<ink><trace>1 2,3", "a.inkml:1: not XML"),
        ("<ink><trace>1 2,3</trace></ink>", "a.inkml:1: expected 2 values of a point, got '3'"),
        ("<ink><trace>1 2 3</trace></ink>", "expected 2 values of a point, got '1 2 3'"),
        ("<ink><trace>1 a</trace></ink>", "expected 2 values of a point, got '1 a'"),
        ("<ink><traceFormat><channel name='X'/></traceFormat></ink>", "expected channels X and Y, got X"),
        (
            f"<ink>{FORMAT}<traceFormat><channel name='X'/></traceFormat></ink>",
            "expected one format of traces",
        ),
        ("<ink><trace id='a'>1 2</trace><trace id='a'>1 2</trace></ink>", "got 'a' twice"),
        ("<ink><traceGroup><traceView traceDataRef='#a' from='1'/></traceGroup></ink>", "got a part"),
        (f"<ink><trace>{'1 1,' * 250_001}</trace></ink>", "expected at most 250,000 points, found more"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "a.inkml"
    path.write_text(content)
    with pytest.raises(UserError) as told:
        read_drawings(path)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_a_large_file_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.inkml.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(17):
            file.write(b" " * 2**20)
    with pytest.raises(UserError, match="expected at most 16,777,216 bytes when unpacked, found more"):
        read_drawings(path)
