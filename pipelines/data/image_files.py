"""Find the captions of images and the images themselves in the user's files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import UserError
from ..ondevice.vocabulary import words
from .caption_files import SUFFIXES, Columns, entries, lines
from .tables import JSON_SUFFIXES
from .text_files import SPLIT_NAMES

_PART_OF_COCO = ("train", "val")
_TRIED = 20  # images of each split that are looked for


@dataclass
class CaptionedImage:
    """An image: its name in the caption file, its captions and its split."""

    image: str
    captions: list[str]
    split: str


def find_captions(path: Path) -> Path:
    """Return the caption file: `path` itself, or the only caption file in the folder `path`.

    Of COCO's two files, captions_train*.json and captions_val*.json, it is the first.
    """
    if not path.is_dir():
        return path
    found = sorted(file for file in path.iterdir() if file.name.lower().endswith(SUFFIXES))
    of_coco = [file for file in found if file.name.startswith("captions_train")]
    found = of_coco if len(of_coco) == 1 else found
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise UserError(f"{path}: expected one file of captions in it ({', '.join(SUFFIXES)}), got {names}")
    return found[0]


def read_captions(path: Path, columns: Columns) -> tuple[list[CaptionedImage], list[str]]:
    """Return the images of one file with their captions, and notes about those left out or merged.

    Captions without a word are left out, and so are images without a caption. An image that is listed twice
    gets the captions of both places. Beside COCO's captions_train*.json, captions_val*.json is the validation
    split.

    Raises:
        UserError: the file is malformed. The message is one line with file and place.
    """
    if not path.name.lower().endswith((*SUFFIXES, ".txt")):
        raise UserError(f"{path}: expected captions in a file of {', '.join(SUFFIXES)}")
    images, notes = _by_image(path, columns)
    held_out = path.with_name(path.name.replace(*_PART_OF_COCO))
    if path.name.startswith("captions_train") and held_out.is_file():
        more, _ = _by_image(held_out, columns)
        images += [replace(each, split="validation") for each in more]
        notes.append(f"{path.name}: {held_out.name} in the same folder is the validation split")
    listed, more_notes = _with_split_lists(path, images)
    return _with_words(path, listed, notes + more_notes)


def _by_image(path: Path, columns: Columns) -> tuple[list[CaptionedImage], list[str]]:
    """Return the images of a file, each once, and a note if JSON has one on several lines."""
    images: dict[str, CaptionedImage] = {}
    repeated: set[str] = set()
    for entry in entries(path, columns):
        known = images.setdefault(entry.image, CaptionedImage(entry.image, [], entry.split))
        if known.split != entry.split:
            raise UserError(
                f"{entry.where}: {entry.image} is in {entry.split} here and in {known.split} above"
            )
        if known.captions and path.suffix.lower() in JSON_SUFFIXES:
            repeated.add(entry.image)
        known.captions += entry.captions
    notes = []
    if repeated:
        notes.append(f"{path.name}: listed twice, captions of both lines kept: {_first(sorted(repeated))}")
    return list(images.values()), notes


def find_images(path: Path, images: Sequence[CaptionedImage], image_dir: str | None) -> list[Path]:
    """Return the folders of the images that the file at `path` names.

    They are `image_dir`; or the file's folder and the folders in it that have one of the first images
    of a split; or, if there are none, of the folder above and the folders in it.
    """
    if image_dir:
        return [Path(image_dir).expanduser()]
    by_split: dict[str, list[str]] = {}
    for image in images:
        names = by_split.setdefault(image.split, [])
        if len(names) < _TRIED:
            names.append(image.image)
    tried = [name for names in by_split.values() for name in names]
    parent = path.absolute().parent
    for outer in (parent, parent.parent):
        around = [outer, *sorted(each for each in outer.iterdir() if each.is_dir())]
        if found := [folder for folder in around if any((folder / name).is_file() for name in tried)]:
            return found
    raise UserError(f"{path}: no {tried[0]} in {path.parent} or a folder in it: name it with --image-dir")


def _with_split_lists(path: Path, images: list[CaptionedImage]) -> tuple[list[CaptionedImage], list[str]]:
    """Assign the splits of Flickr8k's lists (X.trainImages.txt and so on) in the same folder."""
    lists = {
        split: {text for _, text in lines(file)}
        for name, split in SPLIT_NAMES.items()
        for file in path.parent.glob(f"*.{name}Images.txt")
    }
    if "train" not in lists or not path.name.lower().endswith((".token", ".txt")):
        return images, []
    listed = [
        CaptionedImage(each.image, each.captions, split)
        for each in images
        for split, names in lists.items()
        if each.image in names
    ]
    unlisted = len(images) - len({each.image for each in listed})
    notes = [f"{path.name}: {unlisted:,} images are in no list of a split and left out"] if unlisted else []
    return listed, notes


def _with_words(
    path: Path, images: list[CaptionedImage], notes: list[str]
) -> tuple[list[CaptionedImage], list[str]]:
    kept, empty = [], 0
    for each in images:
        captions = [caption for caption in each.captions if words(caption)]
        empty += len(each.captions) - len(captions)
        if captions:
            kept.append(CaptionedImage(each.image, captions, each.split))
    if empty:
        notes = [*notes, f"{path.name}: {empty:,} captions without a word left out"]
    if len(kept) < len(images):
        captioned = {each.image for each in kept}
        without = [each.image for each in images if each.image not in captioned]
        notes = [
            *notes,
            f"{path.name}: {len(without):,} images without a caption left out: {_first(without)}",
        ]
    if not kept:
        raise UserError(f"{path}: no captions in it")
    return kept, notes


def _first(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")
