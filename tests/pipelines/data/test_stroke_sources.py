"""Drawings as data: which files are splits, which writers are held out, what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipelines.data.stroke_arrays import save_npz
from pipelines.data.stroke_reading import Found, Reading
from pipelines.data.stroke_sources import drawings_from_files, drawn
from pipelines.data.stroke_splits import by_writer
from pipelines.data.strokes import Drawing
from pipelines.errors import UserError


def drawing(number: int, label: str | None = "a", writer: str | None = None) -> Drawing:
    points = np.array([[0, 0, 0], [number, 1, 0], [2, number, 1]], np.float32)
    return Drawing(points, label, writer, f"a[{number}]")


def numbers(drawings: Sequence[Drawing]) -> set[int]:
    return {int(each.points[-1, 1]) for each in drawings}


def many(count: int, writers: int = 0) -> list[Drawing]:
    return [drawing(n, "ab"[n % 2], f"w{n % writers}" if writers else None) for n in range(count)]


def test_a_writer_is_in_one_split(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", many(600, writers=30))
    data = drawings_from_files(tmp_path / "a.npz")
    assert data.source == "a.npz"
    assert data.notes == ("a.npz: writers held out of 30: 3 for validation and 3 for test",)
    assert data.counts == {"train": 480, "validation": 60, "test": 60}
    writers = [{each.writer for each in split.inputs} for split in data.splits.values()]
    assert len(set.union(*writers)) == sum(map(len, writers)) == 30
    for split in data.splits.values():
        assert split.targets.tolist() == [each.label for each in split.inputs]
    again = drawings_from_files(tmp_path / "a.npz", seed=5)
    assert again.fingerprint == data.fingerprint  # the seed does not choose writers


def test_train_keeps_labels_that_several_writers_have() -> None:
    first, _ = by_writer({"train": many(600, writers=30)}, "s")
    held = next(iter(first["test"])).writer or ""
    rare = [drawing(1000, "rare", held), drawing(1001, "rare", "w29"), drawing(1002, "once", held)]
    splits, _ = by_writer({"train": [*many(600, writers=30), *rare]}, "s")
    trained = {each.label for each in splits["train"]}
    assert "rare" in trained


def test_without_writers_drawings_are_held_out(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", many(100))
    data = drawings_from_files(tmp_path / "a.npz", Reading(targets="labels"))
    assert data.labels == ("a", "b")
    assert data.counts == {"train": 82, "validation": 8, "test": 10}
    assert data.notes[0] == "a.npz: the data names no writers, so the figures say nothing about other writers"
    assert np.bincount(data.splits["test"].targets).tolist() == [5, 5]
    assert (
        data.fingerprint != drawings_from_files(tmp_path / "a.npz", Reading(targets="labels"), 1).fingerprint
    )


@pytest.mark.parametrize(
    ("writers", "note"),
    [
        (["x", "y"], "s: all drawings are by x and y, so"),
        (["x", None], "s: some drawings name no writer, so"),
        (["x"], "s: all drawings are by x, so"),
    ],
)
def test_too_few_writers_are_told(writers: list[str | None], note: str) -> None:
    splits, notes = by_writer({"train": [drawing(n, "a", who) for n, who in enumerate(writers)]}, "s")
    assert list(splits) == ["train"]
    assert [each[: len(note)] for each in notes] == [note]


def test_given_splits_stay() -> None:
    given = {"train": many(30, 3), "validation": many(3, 3)}
    splits, notes = by_writer(given, "s")
    assert notes[0] == "s: no test split, so its validation split is the test split"
    assert splits["test"] == given["validation"]
    assert len({each.writer for each in splits["validation"]}) == 1
    assert "writers are in more than one split" in notes[-1]


def test_files_beside_a_train_file_and_in_a_folder_are_splits(tmp_path: Path) -> None:
    for name, some in {"train": many(40), "valid": many(50)[40:], "test": many(60)[50:]}.items():
        save_npz(tmp_path / f"kanji_{name}.npz", some)
    save_npz(tmp_path / "other_test.npz", many(3))
    data = drawings_from_files(tmp_path / "kanji_train.npz")
    assert data.counts == {"train": 40, "validation": 10, "test": 10}
    said = "kanji_train.npz: kanji_test.npz and kanji_valid.npz in the same folder are the held-out splits"
    assert said in data.notes
    (tmp_path / "other_test.npz").unlink()
    (tmp_path / "rest.csv").write_text("x,y\n")
    folder = drawings_from_files(tmp_path)
    assert folder.counts == data.counts
    assert f"{tmp_path.name}: 1 files that name no split left out" in folder.notes
    assert drawings_from_files(tmp_path / "kanji_train.npz", seed=None).counts == {"train": 40}
    (tmp_path / "kanji_train.npz").unlink()
    with pytest.raises(UserError, match=r"expected a train file, found kanji_test\.npz, kanji_valid\.npz"):
        drawings_from_files(tmp_path)


def test_folders_are_splits_or_labels_and_broken_files_are_left_out(tmp_path: Path) -> None:
    for number in range(30):
        folder = tmp_path / ("train/a", "train/b", "test")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        save_npz(folder / f"{number}.npz", [drawing(number, None if number % 3 < 2 else "b")])
    (tmp_path / "train/a/bad.csv").write_text("x,y\n1,z\n")
    data = drawings_from_files(tmp_path, Reading(targets="labels"))
    assert data.labels == ("a", "b")
    assert data.counts == {"train": 18, "validation": 2, "test": 10}
    assert data.splits["test"].inputs[0].where == "test/11.npz[0]"
    broken = [note for note in data.notes if "left out" in note]
    assert len(broken) == 1
    assert broken[0].startswith(f"{tmp_path.name}: 1 of 31 files left out: {tmp_path}/train/a/bad.csv:2: ")


def test_splits_in_a_file_and_copies(tmp_path: Path) -> None:
    rows = "".join(
        f"{n},{x},{n},{split}\n"
        for n in range(40)
        for x in range(2)
        for split in ["dev" if n < 4 else "train"]
    )
    (tmp_path / "a.csv").write_text(f"drawing,x,y,split\n{rows}")
    data = drawings_from_files(tmp_path / "a.csv")
    assert data.counts == {"train": 32, "validation": 4, "test": 4}
    assert numbers(data.splits["test"].inputs) == {0, 1, 2, 3}
    found = [Found(each, split="test" * (n > 8)) for n, each in enumerate([*many(9), *many(3)])]
    copies = drawn(found, "s", [], reading=Reading(), seed=0)
    assert "s: 3 training drawings left out: they are in a held-out split" in copies.notes


def test_what_can_not_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected drawings \(.*\), found none"):
        drawings_from_files(tmp_path)
    (tmp_path / "a.csv").write_text("x,y\n1,nan\n")
    with pytest.raises(UserError, match=r"a\.csv: expected drawings, found none; 1 drawings left out"):
        drawings_from_files(tmp_path / "a.csv")
    save_npz(tmp_path / "b.npz", [*many(4), drawing(9, None)])
    with pytest.raises(UserError, match=r"b\.npz: too few drawings to hold out a test split"):
        drawings_from_files(tmp_path / "b.npz", Reading(targets="labels"))
    only = [Found(drawing(1, "z"), split="test"), *(Found(each) for each in many(20))]
    with pytest.raises(UserError, match=r"s: a\[1\]: expected label 'z' also in train, found it in test"):
        drawn(only, "s", [], reading=Reading(targets="labels"), seed=0)
    assert drawn(only, "s", [], reading=Reading(targets="labels"), seed=None).labels == ("a", "b", "z")
