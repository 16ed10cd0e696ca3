"""Clips in folders: tables, labels, splits, images, people, notes; videos are stubs that say their length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.data import clip_sources
from pipelines.data.clip_sources import ClipFiles, read_clip, read_clips, shown_at
from pipelines.data.people import by_person
from pipelines.data.recordings import Recording, Span
from pipelines.data.video_files import Frames, Video
from pipelines.errors import UserError


@pytest.fixture(autouse=True)
def stubs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file that holds "FRAMES RATE" be a video."""

    def read_video(path: Path, wanted: Frames) -> Video:
        if path.is_dir():
            count, rate, notes = len(list(path.iterdir())), wanted.rate or 25.0, ()
        else:
            try:
                count, own = map(int, path.read_text().split())
            except ValueError:
                raise UserError(f"{path}: expected a video") from None
            rate, notes = wanted.rate or float(own), (f"{path.name}: it was odd",) * (count == 7)
        pixels = np.arange(count, dtype=np.uint8)[:, None, None, None]
        shape = (count, wanted.size, wanted.size, wanted.colours)
        return Video(np.broadcast_to(pixels, shape).copy(), rate, notes)

    monkeypatch.setattr(clip_sources, "read_video", read_video)


VIDEOS, JOINTS = ClipFiles("video", Frames(4)), ClipFiles("joints", rate=10.0)


def film(path: Path, content: str = "20 10") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def skeleton(path: Path, frames: int = 20, **more: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, joints=np.random.default_rng(0).normal(size=(frames, 3, 3)), **more)
    return path


def table(path: Path, *rows: str) -> None:
    path.write_text("\n".join([*rows, ""]))


def told(clips: list[Recording]) -> list[tuple[str, str, str, str]]:
    return [
        (each.name, " ".join(span.label for span in each.spans), each.split, each.subject) for each in clips
    ]


def test_folders_of_labels_and_of_splits(tmp_path: Path) -> None:
    for name in (
        "up/2.mp4",
        "up/10.avi",
        "down/deep/1.MOV",
        "down/notes.txt",
        ".hidden/1.mp4",
        "empty/x.txt",
    ):
        film(tmp_path / "a" / name)
    film(tmp_path / "a" / "beside.mp4")
    clips, notes = read_clips(tmp_path / "a", VIDEOS)
    expected = [("down/deep/1.MOV", "down", "", ""), ("up/2.mp4", "up", "", ""), ("up/10.avi", "up", "", "")]
    assert told(clips) == expected
    assert notes == ["a: 1 clips beside the folders are left out"]
    assert clips[0].spans == (Span(0.0, 2.0, "down"),)
    assert (clips[0].signal.shape, clips[0].signal.dtype, clips[0].rate) == ((20, 4, 4, 1), np.uint8, 10.0)
    for name in ("Training/up/1.mp4", "val/up/1.mp4", "test/cafe\u0301/1.mp4"):
        film(tmp_path / "b" / name)
    clips, notes = read_clips(tmp_path / "b", VIDEOS)
    assert [each[1:3] for each in told(clips)] == [
        ("caf\u00e9", "test"),
        ("up", "train"),
        ("up", "validation"),
    ]
    assert not notes


def test_folders_of_images_are_clips(tmp_path: Path) -> None:
    for number in range(12):
        film(tmp_path / "a" / "wave" / "one" / f"{number}.png")
        film(tmp_path / "a" / "wave" / "two" / "inner" / f"{number}.jpg")
    film(tmp_path / "a" / "wave" / "two" / "poster.png")
    clips, _ = read_clips(tmp_path / "a", VIDEOS)
    assert [each[:2] for each in told(clips)] == [("wave/one", "wave"), ("wave/two/inner", "wave")]
    assert {each.rate for each in clips} == {25.0}
    (one,), _ = read_clip(tmp_path / "a" / "wave" / "one", ClipFiles("video", Frames(4, rate=5.0), rate=10.0))
    assert one.signal[:, 0, 0, 0].tolist() == [0, 2, 4, 6, 8, 10]
    assert (one.name, one.rate, one.spans) == ("one", 5.0, ())
    assert shown_at(3, 10.0, 20.0).tolist() == [0, 0, 1, 1, 2, 2]


def test_tables_of_recordings_and_stretches(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4")
    film(tmp_path / "in" / "b.mp4", "40 20")
    film(tmp_path / "c.mp4", "7 10")
    header = "file,action,split,rate,who"
    table(tmp_path / "recordings.csv", header, "a.mp4,up,train,,1", "in/b.mp4,,dev,,2", "c.mp4,down,,,")
    table(
        tmp_path / "labels.csv",
        "file,start,end,label",
        "in/b.mp4,0,0.5,x",
        "in/b.mp4,1,9,y",
        "in/b.mp4,5,6,z",
    )
    wanted = ClipFiles("video", Frames(4), "action", "who")
    clips, notes = read_clips(tmp_path, wanted)
    assert told(clips) == [
        ("a.mp4", "up", "train", "1"),
        ("in/b.mp4", "x y", "validation", "2"),
        ("c.mp4", "down", "", ""),
    ]
    assert clips[1].rate == 10.0  # that of the first
    assert clips[1].spans == (Span(0.0, 0.5, "x"), Span(1.0, 4.0, "y"))
    assert [note.partition(": ")[2] for note in notes] == [
        "1 labelled stretches are left out, after the end (in/b.mp4)",
        "it was odd (c.mp4)",
    ]
    table(tmp_path / "recordings.csv", "file", "none.mp4")
    (tmp_path / "labels.csv").unlink()
    with pytest.raises(UserError, match=r"recordings\.csv: no file 'none\.mp4'"):
        read_clips(tmp_path, VIDEOS)
    (tmp_path / "recordings.csv").unlink()
    table(tmp_path / "labels.csv", "file,start,end,label", "c.mp4,0,1,x")
    assert [each[1] for each in told(read_clips(tmp_path, VIDEOS)[0])] == ["", "x", ""]


def test_videos_that_cannot_be_read_are_left_out_by_name(tmp_path: Path) -> None:
    film(tmp_path / "d" / "up" / "1.mp4")
    film(tmp_path / "d" / "up" / "2.mp4", "broken")
    clips, notes = read_clips(tmp_path / "d", VIDEOS)
    assert [each.name for each in clips] == ["up/1.mp4"]
    assert notes == ["d: 1 videos are left out that can't be read (up/2.mp4: expected a video)"]
    with pytest.raises(UserError, match=r"2\.mp4: expected a video"):
        read_clip(tmp_path / "d" / "up" / "2.mp4", VIDEOS)


def test_joints_in_folders_of_labels(tmp_path: Path) -> None:
    skeleton(tmp_path / "up" / "1.npz", names=list("abc"))
    skeleton(tmp_path / "up" / "2.npz", names=list("cab"), rate=20.0)
    skeleton(tmp_path / "down" / "3.npz", label=["x"] * 5 + ["y"] * 15, names=list("abc"))
    film(tmp_path / "down" / "4.csv", "cx,cy,cz,ax,ay,az,bx,by,bz\n" + "1,2,3,4,5,6,7,8,9\n" * 3)
    clips, notes = read_clips(tmp_path, JOINTS)
    assert [each[:2] for each in told(clips)] == [
        ("down/3.npz", "x y"),
        ("down/4.csv", "down"),
        ("up/1.npz", "up"),
        ("up/2.npz", "up"),
    ]
    assert {each.channels for each in clips} == {("a", "b", "c")}
    assert clips[1].signal[0].tolist() == [[4, 5, 6], [7, 8, 9], [1, 2, 3]]
    np.testing.assert_array_equal(clips[3].signal, clips[2].signal[::2][:, [1, 2, 0]])
    assert {each.rate for each in clips} == {10.0}
    assert [note.partition(": ")[2] for note in notes] == [
        "resampled from 20 to 10 frames a second (up/2.npz)"
    ]
    clips, _ = read_clips(tmp_path, ClipFiles("joints", Frames(rate=5.0), rate=10.0, joints=("b",)))
    assert {(each.channels, each.rate) for each in clips} == {(("b",), 5.0)}


def test_pieces_of_a_file_stay_in_one_split(tmp_path: Path) -> None:
    joints = np.random.default_rng(0).normal(size=(90, 3, 3))
    joints[20:30] = joints[50:60] = 0
    for name in "abcdefghij":
        np.savez(tmp_path / f"{name}.npz", joints=joints, label=np.repeat(["u", "v", "w"], 30))
    clips, notes = read_clips(tmp_path, JOINTS)
    assert len(clips) == 30
    assert [note.partition(": ")[2].split()[:2] for note in notes] == [["200", "frames"], ["30", "pieces"]]
    split, said = by_person(clips, "s")
    homes = {(each.name, each.split) for each in split}
    assert len(homes) == 10
    assert sorted(home for _, home in homes) == ["test"] * 2 + ["train"] * 6 + ["validation"] * 2
    assert any("the figures say nothing about other people" in note for note in said)


def test_one_file_of_many_sequences(tmp_path: Path) -> None:
    path = skeleton(tmp_path / "all.npz", 30, lengths=[10] * 3, label=[1, 2, 1], subject=[1, 2, 2])
    clips, notes = read_clips(path, JOINTS)
    assert told(clips) == [
        ("all.npz[0]", "1", "", "1"),
        ("all.npz[1]", "2", "", "2"),
        ("all.npz[2]", "1", "", "2"),
    ]
    assert not notes
    assert [each.signal.shape for each in read_clip(path, JOINTS)[0]] == [(10, 3, 3)] * 3


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none: expected videos .* found no such file or folder"):
        read_clips(tmp_path / "none", VIDEOS)
    with pytest.raises(UserError, match=r"expected videos \(\.mp4.*in a folder for each label, found none"):
        read_clips(tmp_path, VIDEOS)
    with pytest.raises(UserError, match=r"a\.txt: expected joints .* found another file"):
        read_clips(film(tmp_path / "a.txt"), JOINTS)
    skeleton(tmp_path / "up" / "1.npz")
    np.savez(tmp_path / "up" / "2.npz", joints=np.ones((5, 4, 3)))
    with pytest.raises(UserError, match=r"2\.npz: expected 3 joints, found 4"):
        read_clips(tmp_path, JOINTS)
    np.savez(tmp_path / "lost.npz", joints=np.zeros((5, 4, 3)))
    with pytest.raises(UserError, match="1 sequences are left out: the joints are lost in all frames"):
        read_clips(tmp_path / "lost.npz", JOINTS)
