"""Joints in files: arrays and tables, times and rates, lost joints, mistakes in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipelines.data.grouped_notes import Noted, grouped
from pipelines.data.joint_files import JointReading, read_joints, with_joints
from pipelines.data.joint_times import unit_of
from pipelines.data.recording_tables import Columns, Told
from pipelines.data.recordings import Recording, Span
from pipelines.errors import UserError

RNG = np.random.default_rng(0)


def walk(frames: int, joints: int = 4) -> np.ndarray:
    return (RNG.normal(size=(frames, joints, 3)).cumsum(axis=0) + 99).astype(np.float32)


def reading(rate: float | None = 10.0, to: float | None = None, **names: str) -> JointReading:
    return JointReading(Columns(rate=rate, **names), to)


def read(path: Path, how: JointReading, told: Told | None = None) -> tuple[list[Recording], list[str]]:
    found, noted = read_joints(path, how, told or Told())
    return found, [note.removeprefix("f: ").replace(f"{path}", "F") for note in grouped("f", noted)]


def saved(folder: Path, **arrays: object) -> Path:
    np.savez(folder / "a.npz", **arrays)
    return folder / "a.npz"


def table(folder: Path, joints: np.ndarray, names: str = "hand.{}", **more: list) -> Path:
    columns = dict(zip(map(names.format, "xyz"), joints[:, 0].T, strict=True)) | more
    rows = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    (folder / "a.csv").write_text("\n".join([",".join(columns), *rows, ""]))
    return folder / "a.csv"


@pytest.mark.parametrize("form", ["solid", "rows", "flat"])
def test_one_sequence_in_arrays_of_three_shapes(tmp_path: Path, form: str) -> None:
    joints = walk(20)
    given = {"solid": joints, "rows": joints.reshape(20, 12), "flat": joints[:, :, :2]}[form]
    labels = np.array(["a"] * 12 + [""] * 2 + ["b"] * 6)
    more = {"rate": 20.0, "names": list("NESW"), "label": labels, "subject": 7.0}
    (one,), notes = read(saved(tmp_path, joints=given, **more), reading())
    expected = joints * [1, 1, form != "flat"]
    np.testing.assert_array_equal(one.signal, expected.astype(np.float32))
    assert (one.signal.dtype, one.rate, one.channels, one.subject) == (np.float32, 20, (*"NESW",), "7")
    assert one.spans == (Span(0.0, 0.6, "a"), Span(0.7, 1.0, "b"))
    assert not notes


@pytest.mark.parametrize("by_frame", [False, True])
def test_many_sequences_in_one_file(tmp_path: Path, by_frame: bool) -> None:
    joints, lengths, labels = walk(30), np.array([12, 8, 10]), np.array([3, 1, 3], np.uint8)
    arrays = {"action": np.repeat(labels, lengths) if by_frame else labels, "who": ["x", "y", "x"]}
    path = saved(tmp_path, joints=joints, lengths=lengths, split=["train", "VAL", "test"], take=1, **arrays)
    found, notes = read(path, reading(15.0, label="action", subject="who"))
    assert [each.name for each in found] == [f"{path}[{number}]" for number in range(3)]
    assert [each.subject for each in found] == ["x", "y", "x"]
    assert [each.split for each in found] == ["train", "validation", "test"]
    assert [each.spans for each in found] == [
        (Span(0.0, length / 15, str(label)),) for length, label in zip(lengths, labels, strict=True)
    ]
    np.testing.assert_array_equal(np.concatenate([each.signal for each in found]), joints)
    assert notes == ["arrays that are not read: take (F)"]


def test_columns_in_any_order_and_style(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    joints = walk(9, 3)
    columns = {f"{name}{axis}": joints[:, n, "xyz".index(axis.lower()[-1])]
               for n, (name, axes) in enumerate({"lh": "zxy", "elbow": ("_Y", "_X", "_Z"), "": "xzy"}.items())
               for axis in axes}  # fmt: skip
    more = {"activity": ["up"] * 9, "who": 3, "quality": "good", "timestamp": np.arange(9) * 40}
    frame = pandas.DataFrame(columns | more)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    for file in ("a.parquet", "a.tsv"):
        (one,), notes = read(tmp_path / file, reading(None, label="activity", subject="who"))
        assert (one.channels, one.rate, one.subject) == (("lh", "elbow", "joint"), 25.0, "3")
        assert one.spans == (Span(0.0, 9 / 25, "up"),)
        np.testing.assert_allclose(one.signal, joints, rtol=1e-6)
        assert notes == [
            "column 'timestamp' is taken for milliseconds (F)",
            "columns that are not read: quality (F)",
        ]


def test_flat_columns_and_a_mark_that_was_encoded_twice(tmp_path: Path) -> None:
    mark = "\ufeff".encode().decode("latin-1")
    (tmp_path / "a.csv").write_text(f"{mark}ax,ay,bx,by\n1,2,3,4\n5,6,7,8\n", encoding="utf-8")
    (one,), _ = read(tmp_path / "a.csv", reading())
    assert one.channels == ("a", "b")
    assert one.signal.tolist() == [[[1, 2, 0], [3, 4, 0]], [[5, 6, 0], [7, 8, 0]]]


@pytest.mark.parametrize(
    ("step", "said", "unit"),
    [
        (1 / 30, None, "seconds"),
        (1.0, None, "seconds"),
        (33, None, "milliseconds"),
        (1.0, 1000.0, "milliseconds"),
        (33_333, None, "microseconds"),
        (33_333, 30.0, "microseconds"),
        (3.3e7, None, "nanoseconds"),
        (33, 7.0, "milliseconds"),
        (0.0, None, "seconds"),
    ],
)
def test_units_of_times(step: float, said: float | None, unit: str) -> None:
    assert unit_of(np.arange(9) * step, said) == unit


def test_uneven_times_are_put_at_even_ones(tmp_path: Path) -> None:
    times = np.cumsum(np.r_[0, RNG.uniform(28, 38, 60)]).round()
    joints = np.stack([times, 2 * times, 1 - times], axis=1)[:, None]
    labels = ["a" if time < 1000 else "b" for time in times]
    path = table(tmp_path, joints, time=list(times), label=labels)
    (one,), notes = read(path, reading(to=20.0), Told({"rate": "30"}))
    seconds = np.arange(len(one.signal)) / 20
    np.testing.assert_allclose(one.signal[:, 0, 0], 1000 * seconds, atol=1e-3)
    assert len(one.signal) == int(times[-1] / 1000 * 20) + 1
    assert [span.label for span in one.spans] == ["a", "b"]
    assert abs(one.spans[0].end - 1.0) < 0.06
    assert notes[1:] == [
        "frames at uneven times are put at even ones by straight lines (F)",
        "resampled from 30 to 20 frames a second (F)",
    ]
    (same,), _ = read(path, reading(7.0))
    assert abs(same.rate - 30) < 2
    times[5] = times[4]
    _, notes = read(table(tmp_path, joints, time=list(times)), reading(30.0))
    assert notes[1] == "1 frames are left out that have the time of the one before (F)"


def test_a_rate_is_measured_from_whole_milliseconds_and_kept_frame_by_frame(tmp_path: Path) -> None:
    joints = walk(200, 1)
    times = (np.arange(200) * 1000 / 30).round() + 5e6
    (one,), notes = read(table(tmp_path, joints, timestamp=list(times)), reading(None))
    assert abs(one.rate - 30) < 0.02
    np.testing.assert_array_equal(one.signal, joints)
    assert len(notes) == 1


def lose(joints: np.ndarray, *frames: slice, nan: bool = False) -> np.ndarray:
    for each in frames:
        joints[each] = np.nan if nan else 0
    return joints


@pytest.mark.parametrize("nan", [False, True])
def test_short_losses_are_filled_and_long_ones_cut_a_stream(tmp_path: Path, nan: bool) -> None:
    joints = walk(60)
    lost = lose(joints.copy(), slice(0, 1), slice(10, 12), slice(30, 33), slice(34, 37), nan=nan)
    labels = np.array(["a"] * 40 + ["b"] * 20)
    found, notes = read(saved(tmp_path, joints=lost, label=labels), reading())
    assert [(len(each.signal), each.start) for each in found] == [(29, 0.1), (23, 3.7)]
    np.testing.assert_array_equal(found[0].signal[:9], joints[1:10])
    np.testing.assert_allclose(found[0].signal[9], (2 * joints[9] + joints[12]) / 3, rtol=1e-6)
    np.testing.assert_array_equal(found[0].signal[11:], joints[12:30])
    np.testing.assert_array_equal(found[1].signal, joints[37:])
    assert found[1].spans == (Span(0.0, 0.3, "a"), Span(0.3, 2.3, "b"))
    assert notes == [
        "2 lost frames are filled by straight lines, over at most 0.2 s (F)",
        "8 frames are left out: lost at an end, for longer than 0.2 s, or alone between such losses (F)",
        "2 pieces of streams, cut at losses longer than 0.2 s or jumps in time (F)",
    ]


def test_a_clip_with_a_long_loss_stays_one_and_one_of_losses_is_left_out(tmp_path: Path) -> None:
    joints = walk(45)
    lost = lose(joints.copy(), slice(10, 15), slice(30, 45))
    path = saved(tmp_path, joints=lost, lengths=[30, 15], label=["up", "down"])
    (one,), notes = read(path, reading())
    np.testing.assert_allclose(one.signal, np.delete(joints[:30], slice(10, 15), axis=0), rtol=1e-6)
    assert one.spans == (Span(0.0, 2.5, "up"),)
    assert notes[1:] == [
        "1 clips with losses longer than 0.2 s: the rest is joined (F[0])",
        "1 sequences are left out: the joints are lost in all frames (F[1])",
    ]


def test_single_joints_are_filled_and_a_root_at_zero_stays(tmp_path: Path) -> None:
    joints = walk(40)
    joints[:, 0] = 0  # the root
    joints[7] = 0  # a lost frame
    whole = joints.copy()
    joints[20:22, 1] = 0
    joints[25:30, 2, 1] = np.nan
    joints[:, 3] = np.nan
    (one,), notes = read(saved(tmp_path, joints=joints), reading())
    assert not one.signal[:, (0, 3)].any()
    np.testing.assert_allclose(one.signal[20, 1], (2 * whole[19, 1] + whole[22, 1]) / 3, rtol=1e-6)
    np.testing.assert_allclose(one.signal[27, 2], (whole[24, 2] + whole[30, 2]) / 2, rtol=1e-6)
    assert notes == [
        "46 joints are lost in frames with others, and filled by straight lines (F)",
        "5 of such joints are lost for longer than 0.2 s (F)",
        "1 joints are never seen, and put at zero (F)",
        "1 lost frames are filled by straight lines, over at most 0.2 s (F)",
    ]


def test_what_tables_say_counts_more_than_the_file_and_a_folder_less(tmp_path: Path) -> None:
    path = saved(tmp_path, joints=walk(20), label=["a"] * 10 + ["b"] * 10, subject="p")
    (one,), _ = read(path, reading(), Told({"label": "c", "subject": "q", "split": "dev"}))
    assert (one.spans, one.subject, one.split) == ((Span(0.0, 2.0, "c"),), "q", "validation")
    (one,), _ = read(path, reading(), Told(spans=(Span(0.5, 1.0, "d"), Span(1.5, 9.0, "e"))))
    assert one.spans == (Span(0.5, 1.0, "d"), Span(1.5, 2.0, "e"))
    (one,), _ = read(path, reading(), Told(label="folder"))
    assert [span.label for span in one.spans] == ["a", "b"]
    (one,), _ = read(saved(tmp_path, joints=walk(20)), reading(), Told({"rate": "5"}, label="folder"))
    assert (one.spans, one.rate) == ((Span(0.0, 4.0, "folder"),), 5.0)


def test_joints_are_chosen_by_name() -> None:
    one = Recording("r", walk(5), 10.0, (*"abcd",))
    two = with_joints(one, ("c", "a"))
    np.testing.assert_array_equal(two.signal, one.signal[:, [2, 0]])
    assert two.channels == ("c", "a")
    with pytest.raises(UserError, match="r: expected a joint 'e', the joints are a, b, c, d"):
        with_joints(one, ("e",))
    with pytest.raises(UserError, match="r: expected 3 joints, found 4"):
        with_joints(one, (), 3)


def test_notes_are_grouped() -> None:
    noted = [Noted("lost", "a", 3), Noted("odd", "b"), *(Noted("lost", f"c{n}", 1000) for n in range(4))]
    assert grouped("s", noted) == ["s: 4,003 lost (a, c0, c1 and 2 more)", "s: odd (b)"]


MISTAKES: dict[str, tuple[Callable[[Path], Path], JointReading, str]] = {
    "no joints": (lambda f: saved(f, x=[1]), reading(), r"expected an array `joints` .* the arrays are x"),
    "shape": (lambda f: saved(f, joints=np.ones((5, 4))), reading(), r"found \(5, 4\) of float64"),
    "texts": (lambda f: saved(f, joints=np.full((5, 3), "a")), reading(), r"found \(5, 3\) of <U1"),
    "objects": (lambda f: saved(f, joints=np.array([{}])), reading(), "Python objects"),
    "infinite": (lambda f: saved(f, joints=np.full((5, 1, 3), np.inf)), reading(), "frame 1, joint 1: "),
    "no rate": (lambda f: saved(f, joints=walk(5)), reading(None), "expected a rate, times of two frames"),
    "rate": (lambda f: saved(f, joints=walk(5), rate=-1), reading(), "frames a second, got -1"),
    "text rate": (lambda f: saved(f, joints=walk(5), rate="b"), reading(), "expected numbers in `rate`"),
    "times": (
        lambda f: saved(f, joints=walk(5), rate=25.0, time=np.arange(5) / 30),
        reading(),
        r"a\.npz: its times say 30 frames a second, expected 25",
    ),
    "backwards": (
        lambda f: saved(f, joints=walk(5), time=[0, 1 / 8, 2 / 8, 1 / 8, 3 / 8]),
        reading(None),
        r"a\.npz: expected times that rise, frame 4 has 0\.125",
    ),
    "too few times": (lambda f: saved(f, joints=walk(5), time=[0]), reading(), "each of 5 frames"),
    "labels": (
        lambda f: saved(f, joints=walk(5), lengths=[2, 3], label=list("abc")),
        reading(),
        r"expected 'label' of 2 sequences, or of 5 frames, found \(3\)",
    ),
    "lengths": (lambda f: saved(f, joints=walk(5), lengths=[2, 4]), reading(), "as many frames as the"),
    "names": (lambda f: saved(f, joints=walk(5), names=["a"]), reading(), "expected 4 different `names`"),
    "pair": (lambda f: table(f, walk(3), hx=[1, 2, 3], hz=[1, 2, 3]), reading(), "column for y beside 'hx'"),
    "no columns": (lambda f: table(f, walk(3), "a{}b"), reading(), "expected columns of joints"),
    "text": (lambda f: table(f, walk(3), "{}", hx=[1, 2, 3], hy=[1, 2, 3], hz=[1, "b", 3]), reading(),
             r"a\.csv:3: 'hz': expected a number"),
    "people": (lambda f: table(f, walk(2), subject=["a", "b"]), reading(), "expected one person"),
    "suffix": (lambda f: f / "a.txt", reading(), r"a\.txt: expected joints \(\.csv"),
    "missing": (lambda f: f / "a.npz", reading(), r"a\.npz: expected an \.npz"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line(tmp_path: Path, name: str) -> None:
    make, how, said = MISTAKES[name]
    with pytest.raises(UserError, match=said) as caught:
        read_joints(make(tmp_path), how)
    assert "\n" not in str(caught.value)


def test_tables_that_contradict_a_file(tmp_path: Path) -> None:
    other = saved(tmp_path, joints=walk(6), time=np.arange(6) / 25)
    with pytest.raises(UserError, match="its times say 25 frames a second, expected 20"):
        read_joints(other, reading(), Told({"rate": "20"}))
    path = saved(tmp_path, joints=walk(6), lengths=[3, 3], rate=10.0)
    with pytest.raises(UserError, match=r"it says 10 frames a second, recordings\.csv says 20"):
        read_joints(path, reading(), Told({"rate": "20"}))
    with pytest.raises(UserError, match=r"labels\.csv labels one sequence, the file has 2"):
        read_joints(path, reading(), Told(spans=(Span(0.0, 0.1, "a"),)))
    with pytest.raises(UserError, match=r"expected a number above 0 in column 'rate', got 'fast'"):
        read_joints(path, reading(), Told({"rate": "fast"}))
