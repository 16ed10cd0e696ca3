"""Read the captions of images from JSONL, or from Flickr8k's token file with its lists of splits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError
from ..ondevice.vocabulary import words
from .tables import JSON_SUFFIXES, json_object
from .text_files import SPLIT_NAMES

SUFFIXES = (*JSON_SUFFIXES, ".token", ".token.txt")
_TOKEN = re.compile(r"(?P<image>[^\t]+)#\d+\t(?P<caption>.*)")


@dataclass
class CaptionedImage:
    """An image: its name in the caption file, its captions and its split."""

    image: str
    captions: list[str]
    split: str


class Columns(NamedTuple):
    """The fields of a JSONL file."""

    image: str = "image"
    captions: str = "captions"
    split: str = "split"


class _Entry(NamedTuple):
    line: int
    image: str
    captions: list[str]
    split: str


def find_captions(path: Path) -> Path:
    """Return the caption file: `path` itself, or the only caption file in the folder `path`."""
    if not path.is_dir():
        return path
    found = sorted(file for suffix in SUFFIXES for file in path.glob(f"*{suffix}"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise UserError(
            f"{path}: expected one file of captions in it (.jsonl, .token, .token.txt), got {names}"
        )
    return found[0]


def read_captions(path: Path, columns: Columns) -> tuple[list[CaptionedImage], list[str]]:
    """Return the images of one file with their captions, and notes about those left out or merged.

    Captions without a word are left out, and so are images without a caption. An image that is listed twice
    gets the captions of both lines.

    Raises:
        UserError: the file is malformed. The message is one line with file and line number.
    """
    if not path.name.lower().endswith((*SUFFIXES, ".txt")):
        raise UserError(f"{path}: expected captions in a file of {', '.join(SUFFIXES)}")
    is_json = path.suffix.lower() in JSON_SUFFIXES
    entries = _json_entries(path, columns) if is_json else _token_entries(path)
    images: dict[str, CaptionedImage] = {}
    repeated: set[str] = set()
    for entry in entries:
        known = images.setdefault(entry.image, CaptionedImage(entry.image, [], entry.split))
        if known.split != entry.split:
            raise UserError(
                f"{path}:{entry.line}: {entry.image} is in {entry.split} here and in {known.split} above"
            )
        if known.captions and is_json:
            repeated.add(entry.image)
        known.captions += entry.captions
    notes = []
    if repeated:
        notes.append(f"{path.name}: listed twice, captions of both lines kept: {_first(sorted(repeated))}")
    listed, more = _with_split_lists(path, list(images.values()))
    return _with_words(path, listed, notes + more)


def find_images(path: Path, images: list[CaptionedImage], image_dir: str | None) -> Path:
    """Return the folder of the images that the file at `path` names."""
    if image_dir:
        return Path(image_dir).expanduser()
    folders = [path.parent, *sorted(folder for folder in path.parent.iterdir() if folder.is_dir())]
    names = [image.image for image in images[:20]]
    for folder in folders:
        if any((folder / name).is_file() for name in names):
            return folder
    raise UserError(f"{path}: no {names[0]} in {path.parent} or a folder in it: name it with --image-dir")


def _json_entries(path: Path, columns: Columns) -> Iterator[_Entry]:
    for line, text in _lines(path):
        where = f"{path}:{line}"
        yield _json_entry(json_object(text, where), line, where, columns)


def _json_entry(row: dict[str, object], line: int, where: str, columns: Columns) -> _Entry:
    image, captions = row.get(columns.image), row.get(columns.captions)
    if not isinstance(image, str) or not image:
        raise UserError(f"{where}: expected a path as {columns.image!r} (--image-column)")
    captions = [captions] if isinstance(captions, str) else captions
    if not isinstance(captions, list) or not all(isinstance(caption, str) for caption in captions):
        raise UserError(
            f"{where}: expected a text or a list of texts as {columns.captions!r} (--caption-column)"
        )
    split = row.get(columns.split, "train")
    if not isinstance(split, str) or split not in SPLIT_NAMES:
        raise UserError(
            f"{where}: expected one of {', '.join(SPLIT_NAMES)} as {columns.split!r} "
            f"(--split-column), got {split!r}"
        )
    return _Entry(line, image, captions, SPLIT_NAMES[split])


def _token_entries(path: Path) -> Iterator[_Entry]:
    for line, text in _lines(path):
        match = _TOKEN.fullmatch(text)
        if not match:
            raise UserError(f"{path}:{line}: expected IMAGE#NUMBER, a tab and a caption, got {text[:40]}")
        yield _Entry(line, match["image"], [match["caption"]], "train")


def _with_split_lists(path: Path, images: list[CaptionedImage]) -> tuple[list[CaptionedImage], list[str]]:
    """Assign the splits of Flickr8k's lists (X.trainImages.txt and so on) in the same folder."""
    lists = {
        split: {text for _, text in _lines(file)}
        for name, split in SPLIT_NAMES.items()
        for file in path.parent.glob(f"*.{name}Images.txt")
    }
    if "train" not in lists or path.suffix.lower() in JSON_SUFFIXES:
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


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8: {error.reason} at byte {error.start:,}") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            yield number, line.strip()


def _first(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")
