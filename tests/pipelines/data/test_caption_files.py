"""Captions in the files that people download, and in files that are damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.images import noise, written

from pipelines.data.caption_files import Columns, entries
from pipelines.data.image_files import read_captions
from pipelines.data.image_sources import captioned_from_files
from pipelines.errors import UserError

CAT = "a cat , asleep"
COCO = {
    "info": {"year": 2017},
    "images": [{"id": 7, "file_name": "7.png"}, {"id": 8, "file_name": "8.png"}],
    "annotations": [
        {"image_id": 7, "id": 1, "caption": "a dog"},
        {"image_id": 8, "id": 2, "caption": "a cat , asleep"},
        {"image_id": 7, "id": 3, "caption": "one dog"},
    ],
}
KARPATHY = {
    "dataset": "coco",
    "images": [
        {"filename": "7.png", "split": "restval", "sentences": [{"raw": "a dog"}, {"raw": "one dog"}]},
        {
            "filename": "8.png",
            "filepath": "val2014",
            "split": "val",
            "sentences": [{"raw": "a cat , asleep"}],
        },
    ],
}
ROWS = [
    {"image": "7.png", "captions": ["a dog", "one dog"]},
    {"image": "8.png", "captions": "a cat , asleep"},
]
KAGGLE = 'image,caption\n7.png,a dog\n8.png,"a cat , asleep"\n7.png,one dog\n'
FLICKR30K = (
    "image_name| comment_number| comment\n7.png| 0| a dog\n8.png| 0| a cat , asleep\n7.png| 1| one dog\n"
)
TOKEN = "7.png#0\ta dog\n8.png#0\ta cat , asleep\n7.png#1\tone dog\n"
FILES: dict[str, Any] = {
    "captions_train2017.json": COCO,
    "dataset_coco.json": KARPATHY,
    "list.json": ROWS,
    "captions.txt": KAGGLE,
    "captions.csv": KAGGLE,
    "unquoted.csv": KAGGLE.replace('"', ""),
    "numbered.csv": 'image_name,comment_number,comment\r\n7.png,0,a dog\r\n8.png,0,"a cat , asleep"\r\n'
    "7.png,1,one dog\r\n",
    "results.csv": FLICKR30K,
    "captions.tsv": KAGGLE.replace('"', "").replace(",", "\t", 1).replace("png,", "png\t"),
    "Flickr8k.token.txt": TOKEN,
    "results_20130124.token": TOKEN,
}


def saved(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("name", FILES)
def test_every_format(tmp_path: Path, name: str) -> None:
    images, notes = read_captions(saved(tmp_path, name, FILES[name]), Columns())
    found = {each.image.rpartition("/")[2]: each.captions for each in images}
    assert found == {"7.png": ["a dog", "one dog"], "8.png": ["a cat , asleep"]}
    splits = {each.split for each in images}
    assert splits == ({"train", "validation"} if "dataset" in name else {"train"})
    assert notes == []


def test_a_line_of_flickr30k_without_its_delimiter_is_counted(tmp_path: Path) -> None:
    path = saved(tmp_path, "results.csv", FLICKR30K + '9.png| 4   A dog runs .\n7.png| 2| a "dog\n')
    images, notes = read_captions(path, Columns())
    assert {each.image: each.captions for each in images} == {
        "7.png": ["a dog", "one dog", 'a "dog'],
        "8.png": ["a cat , asleep"],
    }
    assert notes == [
        "results.csv: 1 captions without a word left out",
        "results.csv: 1 images without a caption left out: 9.png",
    ]


def test_a_table_may_name_splits_and_other_columns(tmp_path: Path) -> None:
    path = saved(tmp_path, "mine.csv", "Part;Picture;Said\nTEST;a.png;one; two\ntrain;b.png;three\n")
    found = list(entries(path, Columns("picture", "said", "part")))
    assert [entry[1:] for entry in found] == [
        ("a.png", ["one; two"], "test"),
        ("b.png", ["three"], "train"),
    ]


def test_coco_with_its_two_files_and_folders(tmp_path: Path) -> None:
    folder = tmp_path / "annotations"
    folder.mkdir()
    for split, first in (("train", 0), ("val", 20)):
        numbers = range(first, first + 12)
        for number in numbers:
            written(tmp_path / f"{split}2017" / f"{number}.png", noise(number))
        content = {
            "images": [{"id": number, "file_name": f"{number}.png"} for number in numbers],
            "annotations": [{"image_id": number, "caption": f"image {number}"} for number in numbers],
        }
        saved(folder, f"captions_{split}2017.json", content)
    data = captioned_from_files(folder, 16, Columns())
    assert data.counts == {"train": 11, "validation": 1, "test": 12}
    said = "captions_val2017.json in the same folder is the validation split"
    assert data.notes[0] == f"captions_train2017.json: {said}"
    assert sorted(data.splits["test"].targets.tolist()) == [(f"image {number}",) for number in range(20, 32)]


@pytest.mark.parametrize(
    "image", ["../a.png", "/etc/a.png", "b/../../a.png", "C:\\a.png", "..\\a.png", "//x/y/a"]
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.token", "captions_train2014.json"])
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path: Path, name: str, image: str) -> None:
    row = {"image": image, "captions": ["a dog"]}
    coco = {"images": [{"id": 1, "file_name": image}], "annotations": [{"image_id": 1, "caption": "a dog"}]}
    contents = {
        "a.jsonl": json.dumps(row),
        "a.json": [row],
        "a.csv": f"image,caption\n{image},a dog\n",
        "a.token": f"{image}#0\ta dog\n",
    }
    path = saved(tmp_path, name, contents.get(name, coco))
    with pytest.raises(UserError, match=r"a.*: expected an image in the folder of the images, got "):
        list(entries(path, Columns()))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", ": not JSON"),
        ("[" * 100_000, ": not JSON"),
        ("3", ": expected JSON of COCO"),
        (
            {"images": [{"id": 1}], "annotations": []},
            r"images\[0\]: expected a text as 'file_name', got None",
        ),
        ({"annotations": []}, "images: expected a list, got None"),
        (COCO | {"images": [5]}, r"images\[0\]: expected an object, got 5"),
        (COCO | {"images": []}, r"annotations\[0\]: image_id: expected one of the images, got 7"),
        (COCO | {"annotations": [{"image_id": 7}]}, r"annotations\[0\]: expected a text as 'caption'"),
        (COCO | {"annotations": [{"image_id": [7], "caption": "a"}]}, r"one of the images, got \[7\]"),
        ({"images": [{"filename": "a"}]}, r"images\[0\]: sentences: expected a list, got None"),
        ({"images": [{"filename": "a", "sentences": [3]}]}, r"sentences\[0\]: expected an object, got 3"),
        ([{"image": "a", "captions": "b", "split": ["train"]}], r"as 'split' .*, got \['train'\]"),
        ([{"image": "a", "captions": "b", "split": {"a": 1}}], r"as 'split' .*, got \{'a': 1\}"),
        ([{"image": ["a"], "captions": "b"}], r"\[0\]: expected a path as 'image'"),
        ([3], r"\[0\]: expected an object, got 3"),
    ],
)
def test_mistakes_in_json_are_told_by_their_place(tmp_path: Path, content: Any, message: str) -> None:
    path = saved(tmp_path, "captions.json", content)
    with pytest.raises(UserError, match=message) as caught:
        list(entries(path, Columns()))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_mistakes_in_tables_are_told_by_line(tmp_path: Path) -> None:
    for content, message in {
        "name,words\na.png,b\n": ":1: expected a column 'image' .*, the columns are 'name', 'words'",
        "image,words\na.png,b\n": ":1: expected a column 'captions' .--caption-column.",
        "image,caption\n,b\n": ":2: expected the name of an image, got none",
        "split,image,caption\nmine,a.png,b\n": ":2: expected one of train.* got 'mine'",
    }.items():
        with pytest.raises(UserError, match=message):
            list(entries(saved(tmp_path, "a.csv", content), Columns()))


NAMES = ["a.json", "a.jsonl", "a.csv", "captions.txt", "a.token"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(
        {"images", "annotations", "id", "file_name", "image_id", "caption", "filename", "sentences", "raw",
         "split", "image", "captions"})), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    JSON | st.text(max_size=40), st.sampled_from(["a.json", "a.jsonl", "a.csv", "captions.txt", "a.token"])
)
def test_any_content_gives_entries_or_one_line(tmp_path_factory, content: Any, name: str) -> None:
    path = saved(tmp_path_factory.getbasetemp(), name, content)
    said = "a: b"
    try:
        for entry in entries(path, Columns()):
            assert all(isinstance(caption, str) for caption in entry.captions)
    except UserError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
