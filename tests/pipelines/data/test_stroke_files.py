"""Drawings in `.npz` files and tables, what is refused, and what is mended."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipelines.data import stroke_arrays, stroke_tables
from pipelines.data.stroke_arrays import npz_of, save_npz
from pipelines.data.stroke_files import read_drawings
from pipelines.data.stroke_reading import Reading
from pipelines.data.strokes import Drawing, to_offsets
from pipelines.errors import UserError

OFFSETS = np.array([[1, 1, 0], [2, 0, 1], [0, 3, 0], [5, 5, 0], [1, 0, 1]], np.int16)
"""Two drawings: one of three points, the second point the end of a stroke, and one of two points."""
LENGTHS = [3, 2]
WHOLE = [[[1, 1, 0], [3, 1, 1], [3, 4, 1]], [[5, 5, 0], [6, 5, 1]]]
TABLE = "drawing,x,y,pen,label,writer\na,1,1,0,l,007\na,3,1,1,,007\nb,5,5,0,NA,8\na,3,4,1,l,\nb,6,5,1,,8\n"


def read(path: Path, **settings) -> list[Drawing]:
    return read_drawings(path, Reading(**settings))[0]


def points_of(drawings: list[Drawing]) -> list:
    assert all(each.points.dtype == np.float32 for each in drawings)
    return [each.points.tolist() for each in drawings]


def test_the_pen_begins_at_zero_and_is_lifted_after_the_last_point(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, points=OFFSETS, lengths=LENGTHS, labels=np.uint8([3, 4]), drawer=["x", "y"])
    drawings, notes = read_drawings(path)
    assert points_of(drawings) == WHOLE
    assert [each[1:] for each in drawings] == [("3", "x", "a.npz[0]"), ("4", "y", "a.npz[1]")]
    assert notes == [
        "a.npz: 1 drawings end with the pen down: it is lifted there (a.npz[0])",
        "a.npz: 1 drawings have strokes of one point: they stay as dots (a.npz[0])",
    ]
    np.testing.assert_array_equal(to_offsets(drawings[1].points), OFFSETS[4:])


def test_labels_of_omniglot_and_columns_that_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    names = {"alphabet": ["Greek", "Latin"], "character": ["a", "b"], "hand": [1.0, 2.0]}
    np.savez(path, points=OFFSETS, lengths=LENGTHS, **names)
    assert [each[1:3] for each in read(path)] == [("Greek/a", None), ("Latin/b", None)]
    assert [each[1:3] for each in read(path, label="character", writer="hand")] == [("a", "1"), ("b", "2")]
    with pytest.raises(UserError, match=r"a\.npz: expected 'hands', found 'points', .*'hand'"):
        read(path, writer="hands")


def test_splits_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, train=[OFFSETS[3:], OFFSETS[3:]], test=OFFSETS, test_lengths=LENGTHS, test_label=["u", ""])
    assert points_of(read(path)) == [WHOLE[1], WHOLE[1], *WHOLE]
    assert [each[1:] for each in read(path)[2:]] == [
        ("u", None, "a.npz:test[0]"),
        (None, None, "a.npz:test[1]"),
    ]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"points": OFFSETS.astype(object), "lengths": LENGTHS}, "found Python objects (a pickle)"),
        ({"train": np.array([OFFSETS, OFFSETS[:2]], object)}, "found Python objects (a pickle)"),
        ({"x": OFFSETS}, "`train`, `valid` and `test`, found x"),
        ({"points": OFFSETS}, "of whole numbers, found lengths (0,)"),
        ({"points": OFFSETS, "lengths": [3, 3]}, "as many points as the lengths say, found 5"),
        ({"points": OFFSETS, "lengths": [6, -1]}, "as many points as the lengths say"),
        ({"points": OFFSETS[:, :2], "lengths": LENGTHS}, "found points (5, 2) of int16"),
        ({"points": OFFSETS * 2, "lengths": LENGTHS}, "a.npz[0]: expected 0 or 1 for the pen, got 2"),
        (
            {"points": OFFSETS, "lengths": LENGTHS, "label": ["a"]},
            "expected 2 entries of 'label', found (1,)",
        ),
    ],
)
def test_other_arrays_are_refused_in_one_line(tmp_path: Path, arrays, said: str) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    with pytest.raises(UserError) as told:
        read(path)
    assert said in str(told.value)
    assert str(told.value).startswith(str(path))
    assert "\n" not in str(told.value)


def test_a_table_has_a_row_for_each_point(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TABLE)
    drawings = read(path)
    assert points_of(drawings) == WHOLE
    assert [each[1:] for each in drawings] == [("l", "007", "a.csv:2"), ("NA", "8", "a.csv:4")]
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(TABLE.replace(",", "\t").encode()))
    assert points_of(read(tmp_path / "a.tsv.gz")) == WHOLE
    assert points_of(read(path, y_up=True))[1] == [[5, -5, 0], [6, -5, 1]]


def test_strokes_and_times_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y,stroke,time\n0,0,1,0\n2,0,1,0.5\n2,1,2,2\n2,5,2,3\n")
    assert points_of(read(path)) == [[[0, 0, 0], [2, 0, 1], [2, 1, 0], [2, 5, 1]]]
    expected = [[0, 0, 0], [1, 0, 0], [2, 0, 1], [2, 1, 0], [2, 2, 0], [2, 3, 0], [2, 4, 0], [2, 5, 1]]
    assert points_of(read(path, rate=4)) == [expected]
    path.write_text("x,y,stroke,time\n0,0,1,0\n2,0,1,-1\n0,0,0,0\n")
    assert read_drawings(path, Reading(rate=4)) == (
        [],
        ["a.csv: 1 drawings left out: its times go back, or are no numbers (a.csv:2)"],
    )
    path.write_text("x,y\n0,0\n2,0\n")
    with pytest.raises(UserError, match=r"a\.csv:2: expected times, to resample"):
        read(path, rate=4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,pen\n1,0\n", "a.csv:1: columns: expected 'y', found 'x', 'pen'"),
        ("x,y\n1,one\n", "a.csv:2: expected a number for y, got 'one'"),
        ("x,y,pen\n1,1,0\n1,1,0.5\n", "a.csv:3: expected 0 or 1 for the pen, got '0.5'"),
        ("x,y,label\n1,1,a\n1,1,b\n", "a.csv:3: expected one label of a drawing, got 'a' and 'b'"),
        ("x,y\n1,1,1\n", "a.csv:2: expected 2 fields, got 3"),
        ("", "a.csv:1: columns: expected 'x', found nothing"),
    ],
)
def test_malformed_tables_are_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(UserError) as told:
        read(path)
    assert said in str(told.value)


def test_files_with_too_much_are_refused(tmp_path: Path, monkeypatch) -> None:
    np.savez(tmp_path / "a.npz", points=OFFSETS, lengths=LENGTHS)
    (tmp_path / "a.csv").write_text(TABLE)
    for name, most, said in [("MOST_POINTS", 4, "4 points"), ("MOST_DRAWINGS", 1, "1 drawings")]:
        with monkeypatch.context() as patch:
            patch.setattr(stroke_arrays, name, most)
            patch.setattr(stroke_tables, name, most)
            for file in ("a.npz", "a.csv"):
                with pytest.raises(UserError, match=rf"{file}:.* expected at most .*{said}"):
                    read(tmp_path / file)
    monkeypatch.setattr(stroke_arrays, "_MOST_BYTES", 100)
    with pytest.raises(
        UserError, match=r"a\.npz: expected an \.npz or \.npy file of arrays of at most 100 bytes"
    ):
        read(tmp_path / "a.npz")


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.png: expected drawings \(\.npz, \.csv, "):
        read(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.npz: "):
        read(tmp_path / "a.npz")


def long(count: int) -> str:
    return "x,y\n" + "".join(f"{i % 7},{i}\n" for i in range(count))


@pytest.mark.parametrize(
    ("text", "kept", "note"),
    [
        ("x,y\n1,1\nnan,2\n", 0, "drawings left out: a point is no number, or beyond 1e+09"),
        ("x,y\n1,1\n1,-inf\n", 0, "drawings left out: a point is no number, or beyond 1e+09"),
        ("x,y\n1,1\n,2\n", 0, "drawings left out: a point is no number, or beyond 1e+09"),
        ("x,y\n1,1\n1e300,2\n", 0, "drawings left out: a point is no number, or beyond 1e+09"),
        ("x,y,pen\n1,1,1\n", 0, "drawings left out: a single dot"),
        (long(20_000), 0, "drawings left out: more than 5,000 points"),
        ("x,y\n1,1\n1,2\n", 2, "drawings have a pen that never lifts: it is lifted after the last point"),
        ("x,y,pen\n1,1,1\n2,2,0\n3,3,1\n", 3, "drawings have strokes of one point: they stay as dots"),
        ("x,y,pen\n1,1,0\n1,1,0\n2,3,1\n", 3, "drawings have points that repeat the one before: they stay"),
    ],
)
def test_broken_strokes_are_named(tmp_path: Path, text: str, kept: int, note: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    drawings, notes = read_drawings(path)
    assert sum(len(each.points) for each in drawings) == kept
    assert f"a.csv: 1 {note} (a.csv:2)" in notes
    assert all(each.points[-1, 2] == 1 for each in drawings)


def test_empty_drawings_and_offsets_that_are_no_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    offsets = np.array([[0, 0, 0], [1, 0, 1], [1, np.nan, 0], [1, 0, 1], [0, 0, 0], [3, 4, 1]])
    np.savez(path, points=offsets, lengths=[2, 0, 2, 2, 0, 0, 0])
    drawings, notes = read_drawings(path)
    assert points_of(drawings) == [[[0, 0, 0], [1, 0, 1]], [[0, 0, 0], [3, 4, 1]]]
    assert notes == [
        "a.npz: 1 drawings left out: a point is no number, or beyond 1e+09 (a.npz[2])",
        "a.npz: 4 drawings left out: no points (a.npz[1], a.npz[4], a.npz[5], ...)",
    ]


def test_long_drawings_stay_if_they_are_resampled(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y\n" + "".join(f"0,{i / 100}\n" for i in range(20_001)))
    assert points_of(read(path, step=50)) == [[[0, 0, 0], [0, 50, 0], [0, 100, 0], [0, 150, 0], [0, 200, 1]]]
    assert read_drawings(path, Reading(step=1e-9))[1][-1].startswith("a.csv: 1 drawings left out: more than")
    path.write_text("x,y\n1,1\n1,1\n2,1\n")
    assert points_of(read(path, repeats=False)) == [[[1, 1, 0], [2, 1, 1]]]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            arrays(
                np.float32, st.tuples(st.integers(2, 9), st.just(2)), elements=st.floats(-999, 999, width=16)
            ),
            st.sampled_from([None, "a", "Grüße, Welt", "NA"]),
            st.sampled_from([None, "w1", "2"]),
        ),
        max_size=5,
    ),
    st.booleans(),
)
def test_drawings_come_back_from_npz_exactly(tmp_path_factory, drawn, whole: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "round.npz"
    drawings = []
    for index, (places, label, writer) in enumerate(drawn):
        points = np.concatenate([np.rint(places) if whole else places, np.zeros((len(places), 1))], axis=1)
        points[[0, -1], 2] = 1
        drawings.append(Drawing(points.astype(np.float32), label, writer, f"round.npz[{index}]"))
    path.write_bytes(npz_of(drawings))
    found = read(path)
    assert points_of(found) == points_of(drawings)
    assert [each[1:] for each in found] == [each[1:] for each in drawings]


def test_whole_numbers_are_written_as_in_the_usual_files(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_npz(path, [Drawing(np.float32(points)) for points in WHOLE])
    with np.load(path) as file:
        assert sorted(file.files) == ["lengths", "points"]
        assert file["points"].dtype == np.int16
        np.testing.assert_array_equal(file["points"][:, :2], OFFSETS[:, :2])
