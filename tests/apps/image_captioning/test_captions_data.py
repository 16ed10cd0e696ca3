"""The three roads to images with captions, and every kind of picture file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference.images import noise, written

from apps.image_captioning.config import CaptioningConfig
from apps.image_captioning.data import load
from apps.image_captioning.embedded import scenes
from pipelines.data.examples import Data
from pipelines.data.image_sources import captioned_examples
from pipelines.data.splits import complete
from pipelines.errors import UserError
from pipelines.ondevice.image import FORMATS


def jsonl(folder: Path, rows: list[dict[str, Any]], name: str = "captions.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def numbered(folder: Path, counts: dict[str, int], first: int = 0) -> list[dict[str, Any]]:
    """Write images of noise and return a row for each: so many of each split."""
    splits = [split for split, count in counts.items() for _ in range(count)]
    rows = []
    for number, split in enumerate(splits, start=first):
        written(folder / "images" / f"{number}.png", noise(number))
        said = [f"Number {number} .", f"image {number}"]
        rows.append({"image": f"images/{number}.png", "split": split, "captions": said})
    return rows


def test_jsonl_with_splits(tmp_path: Path) -> None:
    path = jsonl(tmp_path, numbered(tmp_path, {"train": 10, "val": 4}))
    data = load(CaptioningConfig(dataset=str(path), image_size=40, seed=3))
    assert data.counts == {"train": 9, "validation": 1, "test": 4}
    assert data.source == "captions.jsonl"
    assert data.notes == (
        "captions.jsonl: no test split, so its validation split is the test split",
        "captions.jsonl: no validation split: 1 images held out of train (10%, seed 3)",
    )
    seen = set()
    for split in data.splits.values():
        assert split.targets.dtype == object
        for pixels, said in zip(split.inputs, split.targets, strict=True):
            number = int(said[1].split()[1])
            assert said == (f"Number {number} .", f"image {number}")
            assert np.array_equal(pixels, np.asarray(noise(number)))
            seen.add(number)
    assert seen == set(range(14))
    assert [int(said[1].split()[1]) for said in data.splits["test"].targets] == [10, 11, 12, 13]
    again = load(CaptioningConfig(dataset=str(tmp_path), image_size=40, seed=3))
    assert again.fingerprint == data.fingerprint
    other = load(CaptioningConfig(dataset=str(path), image_size=40, seed=4))
    assert other.fingerprint != data.fingerprint


def test_own_field_names_one_caption_and_a_folder_elsewhere(tmp_path: Path) -> None:
    numbered(tmp_path / "far", {"train": 5})
    rows = [{"file": f"{number}.png", "text": f"image {number}", "part": "train"} for number in range(5)]
    path = jsonl(tmp_path, rows)
    config = {"image_column": "file", "caption_column": "text", "split_column": "part"}
    data = load(
        CaptioningConfig(
            dataset=str(path), image_dir=str(tmp_path / "far" / "images"), image_size=20, **config
        )
    )
    assert data.counts == {"train": 3, "validation": 1, "test": 1}
    with pytest.raises(UserError, match=r"no 0.png in .*: name it with --image-dir"):
        load(CaptioningConfig(dataset=str(path), **config))


def test_broken_and_missing_images_are_counted_and_named(tmp_path: Path) -> None:
    rows = numbered(tmp_path, {"train": 20})
    (tmp_path / "images" / "3.png").write_bytes(b"broken")
    (tmp_path / "images" / "7.png").unlink()
    data = load(CaptioningConfig(dataset=str(jsonl(tmp_path, rows)), image_size=20))
    assert sum(data.counts.values()) == 18
    assert data.notes[0] == (
        "captions.jsonl: 2 images left out: images/3.png: not an image in a format that is read: "
        f"{', '.join(FORMATS)}; "
        "images/7.png: can't be read as an image: No such file or directory"
    )
    for row in rows[1:]:
        (tmp_path / row["image"]).write_bytes(b"")
    (tmp_path / "images" / "0.png").write_bytes(b"")
    with pytest.raises(
        UserError, match=r"expected training images with captions, found none \(.*20 images"
    ) as caught:
        load(CaptioningConfig(dataset=str(tmp_path / "captions.jsonl")))
    assert "and 10 more" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_empty_captions_and_images_listed_twice(tmp_path: Path) -> None:
    rows = numbered(tmp_path, {"train": 8})
    rows[2]["captions"] = [" . ", "!"]
    rows[3]["captions"] = ["", "image 3"]
    rows.append({"image": "images/4.png", "split": "train", "captions": ["again"]})
    data = load(CaptioningConfig(dataset=str(jsonl(tmp_path, rows)), image_size=40))
    said = {captions for split in data.splits.values() for captions in split.targets}
    assert len(said) == 7
    assert ("image 3",) in said
    assert ("Number 4 .", "image 4", "again") in said
    assert data.notes[:3] == (
        "captions.jsonl: listed twice, captions of both lines kept: images/4.png",
        "captions.jsonl: 3 captions without a word left out",
        "captions.jsonl: 1 images without a caption left out: images/2.png",
    )
    rows[-1]["split"] = "test"
    with pytest.raises(UserError, match=r"captions.jsonl:9: images/4.png is in test here and in train above"):
        load(CaptioningConfig(dataset=str(jsonl(tmp_path, rows))))


def test_the_same_picture_is_never_on_both_sides(tmp_path: Path) -> None:
    rows = numbered(tmp_path, {"train": 12, "val": 3, "test": 3})
    written(tmp_path / "images" / "0.png", noise(13))  # a validation image under another name
    data = load(CaptioningConfig(dataset=str(jsonl(tmp_path, rows)), image_size=40))
    assert data.counts == {"train": 11, "validation": 3, "test": 3}
    assert data.notes == ("captions.jsonl: 1 training images left out: they are in a held-out split",)
    twins = captioned_examples(
        [np.full((4, 4, 3), number // 2, np.uint8) for number in range(60)], [("a",)] * 60
    )
    cut = complete(Data({"train": twins}, (), "here"), 1, "images")
    assert cut.counts == {"train": 48, "validation": 6, "test": 6}
    values = [{int(image[0, 0, 0]) for image in split.inputs} for split in cut.splits.values()]
    assert not values[0] & values[1]
    assert not values[0] & values[2]
    same = captioned_examples(twins.inputs[:2], [("a",)] * 2)
    with pytest.raises(UserError, match=r"too few images to hold out a validation split: got 0"):
        complete(Data({"train": same, "test": same}, (), "here"), 1, "images")
    with pytest.raises(UserError, match=r"too few images to hold out a test split: got 2"):
        complete(Data({"train": same}, (), "here"), 1, "images")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"captions.jsonl:2: not JSON"),
        ("[1]", r"captions.jsonl:2: expected a JSON object, got \[1\]"),
        ('{"captions": ["a"]}', r":2: expected a path as 'image' \(--image-column\)"),
        ('{"image": "a.png"}', r":2: expected a text or a list of texts as 'captions' \(--caption-column\)"),
        ('{"image": "a.png", "captions": [1]}', r":2: expected a text or a list"),
        ('{"image": "a.png", "captions": "a", "split": "holdout"}', r":2: expected one of .* got 'holdout'"),
    ],
)  # fmt: skip
def test_wrong_lines_are_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "captions.jsonl"
    path.write_text('{"image": "x.png", "captions": ["a"]}\n' + line)
    with pytest.raises(UserError, match=message) as caught:
        load(CaptioningConfig(dataset=str(path)))
    assert "\n" not in str(caught.value)


def test_files_that_hold_nothing(tmp_path: Path) -> None:
    path = tmp_path / "captions.jsonl"
    path.write_text("")
    with pytest.raises(UserError, match=r"captions.jsonl: no captions in it"):
        load(CaptioningConfig(dataset=str(path)))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"captions.jsonl: not UTF-8: .* byte 0"):
        load(CaptioningConfig(dataset=str(path)))
    with pytest.raises(UserError, match="no such file"):
        load(CaptioningConfig(dataset="./absent.jsonl"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"expected one file of captions in it .*, got none"):
        load(CaptioningConfig(dataset=str(tmp_path / "empty")))


def test_flickr8k_token_file_with_its_lists(tmp_path: Path) -> None:
    numbered(tmp_path / "folder", {"train": 9})
    lines = [
        f"{number}.png#{which}\timage {number} , said {which} ." for number in range(9) for which in (0, 1)
    ]
    (tmp_path / "folder" / "Flickr8k.token.txt").write_text("\n".join(lines))
    plain = load(CaptioningConfig(dataset=str(tmp_path / "folder"), image_size=40))
    assert plain.counts == {"train": 7, "validation": 1, "test": 1}
    for name, numbers in {"train": range(5), "dev": range(5, 6), "test": range(6, 8)}.items():
        listed = "".join(f"{number}.png\n" for number in numbers)
        (tmp_path / "folder" / f"Flickr_8k.{name}Images.txt").write_text(listed)
    data = load(CaptioningConfig(dataset=str(tmp_path / "folder" / "Flickr8k.token.txt"), image_size=40))
    assert data.counts == {"train": 5, "validation": 1, "test": 2}
    assert data.splits["validation"].targets.tolist() == [("image 5 , said 0 .", "image 5 , said 1 .")]
    assert np.array_equal(data.splits["validation"].inputs[0], np.asarray(noise(5)))
    assert data.notes == ("Flickr8k.token.txt: 1 images are in no list of a split and left out",)
    (tmp_path / "folder" / "Flickr8k.token.txt").write_text("0.png a caption")
    with pytest.raises(UserError, match=r"txt:1: expected IMAGE#NUMBER, a tab and a caption, got 0.png a"):
        load(CaptioningConfig(dataset=str(tmp_path / "folder")))


def test_coco_captions_as_tfds_has_them(tmp_path: Path) -> None:
    tfds = pytest.importorskip("tensorflow_datasets")
    prepare_small_coco(tfds, tmp_path, {"train": 6, "val": 2, "test": 2, "restval": 3})
    data = load(CaptioningConfig(dataset="coco_captions", data_dir=tmp_path, image_size=32))
    assert data.source == "coco_captions/2014/1.1.0"
    assert data.counts == {"train": 9, "validation": 2, "test": 2}
    assert sorted(data.splits["test"].targets.tolist()) == [
        (f"A test {number} .", f"test {number}") for number in range(2)
    ]
    restval = {said[1] for said in data.splits["train"].targets if said[1].startswith("restval")}
    assert restval == {"restval 0", "restval 1", "restval 2"}
    assert "restval is also used as training images" in data.notes[0]
    assert all(pixels.shape == (32, 32, 3) for pixels in data.splits["train"].inputs)
    few = load(CaptioningConfig(dataset="coco_captions", data_dir=tmp_path, image_size=32, max_images=2))
    assert few.counts == {"train": 4, "validation": 2, "test": 2}
    for name in ("text", "objects", "image/id"):
        with pytest.raises(UserError, match=rf"to name texts, got {name}; the set has image, .*captions$"):
            load(CaptioningConfig(dataset="coco_captions", data_dir=tmp_path, caption_feature=name))
    with pytest.raises(
        UserError, match=r"to name one Image feature, got captions; the set has image \(Image\)"
    ):
        load(CaptioningConfig(dataset="coco_captions", data_dir=tmp_path, image_feature="captions"))


def prepare_small_coco(tfds: Any, folder: Path, sizes: dict[str, int]) -> None:
    """Write a few examples as TFDS would have prepared its own `coco_captions`, features and files alike."""
    from tensorflow_datasets.object_detection.coco_captions import CocoCaptions

    class Small(CocoCaptions, skip_registration=True):
        name = "coco_captions"

        def _split_generators(self, dl_manager: Any) -> Any:
            return {split: self._generate_examples(split, size) for split, size in sizes.items()}

        def _generate_examples(self, split: str, size: int) -> Any:
            for number in range(size):
                buffer = io.BytesIO()
                noise(1000 * len(split) + number, (64, 48)).save(buffer, "JPEG")
                buffer.seek(0)
                said = [{"id": 0, "text": f"A {split} {number} ."}, {"id": 1, "text": f"{split} {number}"}]
                box = {
                    "id": 1,
                    "area": 4,
                    "bbox": tfds.features.BBox(0.0, 0.0, 0.5, 0.5),
                    "label": 1,
                    "is_crowd": False,
                }
                yield (
                    number,
                    {
                        "image": buffer,
                        "image/filename": f"{number}.jpg",
                        "image/id": number,
                        "objects": [box],
                        "captions": said,
                    },
                )

    builder = Small(data_dir=str(folder))
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))


def test_the_embedded_set_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow_datasets")
    monkeypatch.setitem(scenes.SPLIT_SIZES, "small", {"train": 9, "validation": 3, "test": 4, "novel": 4})
    data = load(CaptioningConfig(dataset="embedded/small", data_dir=tmp_path))
    assert data.source == "rendered_scenes/small/1.0.0"
    assert data.counts == {"train": 9, "validation": 3, "test": 4, "novel": 4}
    assert data.test_splits == ["test", "novel"]
    assert data.notes == ()
    assert all(len(said) == 5 for split in data.splits.values() for said in split.targets)
    assert data.fingerprint == load(CaptioningConfig(dataset="embedded/small", data_dir=tmp_path)).fingerprint
    smaller = load(CaptioningConfig(dataset="embedded/small", data_dir=tmp_path, image_size=48))
    assert smaller.splits["train"].inputs[0].shape == (48, 48, 3)
    monkeypatch.setitem(scenes.SPLIT_SIZES, "full", scenes.SPLIT_SIZES["small"])
    full = load(CaptioningConfig(data_dir=tmp_path, image_size=16))
    assert full.source == "rendered_scenes/full/1.0.0"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"image_size": 8}, "--image-size: expected at least 16, got 8"),
        ({"min_count": 0}, "--min-count: expected at least 1, got 0"),
        ({"max_words": 0}, "--max-words: expected at least 1, got 0"),
        ({"max_images": 0}, "--max-images: expected at least 1, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        CaptioningConfig(**setting)
