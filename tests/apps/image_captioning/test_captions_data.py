"""The three roads to images with captions, and every kind of picture file."""

from __future__ import annotations

import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from apps.image_captioning import images, scenes
from apps.image_captioning.config import CaptioningConfig
from apps.image_captioning.data import complete, examples, load
from apps.image_captioning.images import read_image
from pipelines.errors import UserError

RED, WHITE, GREY = (220, 10, 10), (255, 255, 255), (128, 128, 128)


def written(path: Path, image: Image.Image, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def noise(number: int, size: tuple[int, int] = (40, 40)) -> Image.Image:
    pixels = np.random.default_rng(number).integers(0, 256, (*size[::-1], 3), np.uint8)
    return Image.fromarray(pixels)


def quadrants(mode: str = "RGB", side: int = 64) -> Image.Image:
    """Return a picture with a red quarter at the top left, the rest white."""
    image = Image.new("RGB", (side, side), WHITE)
    image.paste(RED, (0, 0, side // 2, side // 2))
    return image.convert(mode)


def near(pixel: np.ndarray, colour: tuple[int, int, int], tolerance: int = 12) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() <= tolerance)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.webp", "a.bmp", "a.tiff"])
def test_formats_give_the_same_picture(tmp_path: Path, name: str) -> None:
    pixels = read_image(written(tmp_path / name, quadrants()), 32)
    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8
    assert near(pixels[4, 4], RED)
    assert near(pixels[4, 28], WHITE)
    assert near(pixels[28, 4], WHITE)


def test_greyscale_cmyk_sixteen_bits_and_palettes(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 64).astype(np.uint8)[None].repeat(64, axis=0)
    grey = read_image(written(tmp_path / "grey.png", Image.fromarray(ramp)), 64)
    assert np.array_equal(grey, ramp[..., None].repeat(3, axis=2))
    deep = Image.fromarray(ramp.astype(np.uint16) * 257)
    assert np.array_equal(read_image(written(tmp_path / "deep.png", deep), 64), grey)
    assert near(read_image(written(tmp_path / "cmyk.jpg", quadrants("CMYK")), 32)[4, 4], RED)
    assert near(read_image(written(tmp_path / "palette.png", quadrants("P")), 32)[4, 4], RED, 50)
    bits = read_image(written(tmp_path / "bits.png", Image.fromarray(ramp > 127)), 64)
    assert set(np.unique(bits)) == {0, 255}


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    image = quadrants("RGBA")
    image.paste((0, 0, 0, 0), (32, 32, 64, 64))
    pixels = read_image(written(tmp_path / "alpha.png", image), 64)
    assert near(pixels[50, 50], WHITE, 0)
    assert near(pixels[10, 10], RED, 0)
    half = Image.new("LA", (8, 8), (0, 128))
    assert near(read_image(written(tmp_path / "half.png", half), 16)[8, 8], (127, 127, 127), 1)


def test_exif_rotation_is_undone(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    lying = quadrants().transpose(Image.Transpose.ROTATE_90)
    pixels = read_image(written(tmp_path / "turned.jpg", lying, exif=exif, quality=95), 32)
    assert near(pixels[4, 4], RED)
    assert near(pixels[28, 4], WHITE)


def test_what_is_not_square_is_padded_and_keeps_its_edges(tmp_path: Path) -> None:
    wide = Image.new("RGB", (80, 40), WHITE)
    wide.paste(RED, (0, 0, 20, 40))
    pixels = read_image(written(tmp_path / "wide.png", wide), 32)
    assert near(pixels[3, 16], GREY, 0)
    assert near(pixels[28, 16], GREY, 0)
    assert near(pixels[16, 1], RED)
    assert near(pixels[16, 31], WHITE)
    thin = read_image(written(tmp_path / "thin.png", Image.new("RGB", (2000, 1), RED)), 32)
    assert (thin == RED).all(axis=2).sum() == 32


def test_extreme_sizes_and_several_frames(tmp_path: Path) -> None:
    assert (read_image(written(tmp_path / "dot.png", Image.new("RGB", (1, 1), RED)), 24) == RED).all()
    large = written(tmp_path / "large.jpg", quadrants().resize((8000, 6000), Image.Resampling.NEAREST))
    pixels = read_image(large, 32)
    assert near(pixels[6, 6], RED)
    assert near(pixels[1, 16], GREY)
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, WHITE)]
    animated = written(tmp_path / "moves.gif", frames[0], save_all=True, append_images=frames[1:])
    assert near(read_image(animated, 16)[8, 8], RED)


def png_of_size(width: int, height: int) -> bytes:
    """Return a small PNG that says it is that large."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG")
    data = buffer.getvalue()
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + data[24:29]
    return data[:12] + header + zlib.crc32(header).to_bytes(4, "big") + data[33:]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png_of_size(10_000, 9_000), r"bomb.png: 10,000 x 9,000 pixels, refused: at most 80,000,000"),
        (png_of_size(60_000, 60_000), r"bomb.png: far more than 80,000,000 pixels, refused"),
        (b"no picture at all", r"bomb.png: not a picture in a format that Pillow knows"),
        (b"", r"bomb.png: not a picture"),
        (png_of_size(4, 4)[:-20], r"bomb.png: can't be read as a picture: "),
    ],
    ids=["large", "huge", "text", "empty", "cut"],
)
def test_what_is_no_picture_or_too_large_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(data)
    with pytest.raises(UserError, match=message) as caught:
        read_image(path, 32)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"^from memory: "):
        read_image(data, 32, "from memory")


def test_a_truncated_jpeg_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "cut.jpg", noise(0, (200, 200)))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"cut.jpg: can't be read as a picture: .*truncated"):
        read_image(path, 32)
    with pytest.raises(UserError, match=r"absent.jpg: can't be read as a picture: No such file"):
        read_image(tmp_path / "absent.jpg", 32)


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
        "captions.jsonl: no validation split, so 1 images (10%, seed 3) are held out of train",
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
        "captions.jsonl: 2 images left out: images/3.png: not a picture in a format that Pillow knows; "
        "images/7.png: can't be read as a picture: No such file or directory"
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
        "captions.jsonl: listed twice, and given all captions: images/4.png",
        "captions.jsonl: 3 captions without a word left out",
        "captions.jsonl: 1 images without a caption left out: images/2.png",
    )
    rows[-1]["split"] = "test"
    with pytest.raises(UserError, match=r"captions.jsonl:9: images/4.png is here in test and above in train"):
        load(CaptioningConfig(dataset=str(jsonl(tmp_path, rows))))


def test_the_same_picture_is_never_on_both_sides(tmp_path: Path) -> None:
    rows = numbered(tmp_path, {"train": 12, "val": 3, "test": 3})
    written(tmp_path / "images" / "0.png", noise(13))  # a validation image under another name
    data = load(CaptioningConfig(dataset=str(jsonl(tmp_path, rows)), image_size=40))
    assert data.counts == {"train": 11, "validation": 3, "test": 3}
    assert data.notes == ("captions.jsonl: 1 training images left out, being in a held-out split",)
    twins = examples([np.full((4, 4, 3), number // 2, np.uint8) for number in range(60)], [("a",)] * 60)
    cut = complete({"train": twins}, "here", [], seed=1)
    assert cut.counts == {"train": 48, "validation": 6, "test": 6}
    values = [{int(image[0, 0, 0]) for image in split.inputs} for split in cut.splits.values()]
    assert not values[0] & values[1]
    assert not values[0] & values[2]
    same = examples(twins.inputs[:2], [("a",)] * 2)
    with pytest.raises(UserError, match=r"found none \(here: 2 training images left out"):
        complete({"train": same, "test": same}, "here", [], seed=1)
    with pytest.raises(UserError, match=r"too few images to hold out a test split: got 1"):
        complete({"train": same}, "here", [], seed=1)


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
    with pytest.raises(UserError, match="No such file"):
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
    assert "restval is read as training images" in data.notes[0]
    assert all(pixels.shape == (32, 32, 3) for pixels in data.splits["train"].inputs)
    few = load(CaptioningConfig(dataset="coco_captions", data_dir=tmp_path, image_size=32, max_images=2))
    assert few.counts == {"train": 4, "validation": 2, "test": 2}
    for name in ("text", "objects", "image/id"):
        with pytest.raises(UserError, match=rf"to name texts, got {name}: it has image, .*captions$"):
            load(CaptioningConfig(dataset="coco_captions", data_dir=tmp_path, caption_feature=name))
    with pytest.raises(UserError, match=r"to name one Image feature, got captions: it has image \(Image\)"):
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
    asked = []
    monkeypatch.setattr("apps.image_captioning.data._embedded", lambda size, config: asked.append(size))
    monkeypatch.setattr("apps.image_captioning.data._from_builder", lambda builder, config: "data")
    assert load(CaptioningConfig()) == "data"
    assert asked == ["full"]


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


def test_the_limit_on_pixels_is_above_a_large_photograph() -> None:
    assert images.MAX_PIXELS > 8_000 * 6_000
