"""Which of the user's images has which captions: JSONL, or Flickr8k's token file with its lists of splits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipelines.data.text_files import JSON_SUFFIXES, SPLIT_NAMES
from pipelines.errors import UserError

from .captions import words
from .config import CaptioningConfig

_TOKEN_FILES = ("*.token", "*.token.txt")
_TOKEN = re.compile(r"(?P<image>[^\t]+)#\d+\t(?P<caption>.*)")


@dataclass
class Picture:
    """An image as the file names it, what people say of it, and its split (as the project calls it)."""

    image: str
    captions: list[str]
    split: str


class Entry(NamedTuple):
    """What one line says; an empty split is unsaid."""

    line: int
    image: str
    captions: list[str]
    split: str


def find_captions(path: Path) -> Path:
    """Return the file with the captions: `path`, or the one such file in that folder."""
    if not path.is_dir():
        return path
    patterns = (*(f"*{suffix}" for suffix in JSON_SUFFIXES), *_TOKEN_FILES)
    found = sorted(file for pattern in patterns for file in path.glob(pattern))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise UserError(
            f"{path}: expected one file of captions in it (.jsonl, .token, .token.txt), got {names}"
        )
    return found[0]


def read_captions(path: Path, config: CaptioningConfig) -> tuple[list[Picture], list[str]]:
    """Return the images of one file with their captions, and notes on what was left out or joined.

    Captions without a word are left out, and images without a caption. An image that is listed twice has
    the captions of both lines.

    Raises:
        UserError: one line with file and line number, when the file is not what it should be.
    """
    json_lines = path.suffix.lower() in JSON_SUFFIXES
    entries = _json_entries(path, config) if json_lines else _token_entries(path)
    pictures: dict[str, Picture] = {}
    again: set[str] = set()
    for entry in entries:
        picture = pictures.setdefault(entry.image, Picture(entry.image, [], entry.split))
        if picture.split != entry.split:
            raise UserError(
                f"{path}:{entry.line}: {entry.image} is here in {entry.split} and above in {picture.split}"
            )
        if picture.captions and json_lines:
            again.add(entry.image)
        picture.captions += entry.captions
    notes = [f"{path.name}: listed twice, and given all captions: {_some_of(sorted(again))}"] if again else []
    listed, more = _with_split_lists(path, list(pictures.values()))
    return _with_words(path, listed, notes + more)


def find_images(path: Path, pictures: list[Picture], image_dir: str | None) -> Path:
    """Return the folder of the images that the file at `path` names."""
    if image_dir:
        return Path(image_dir).expanduser()
    folders = [path.parent, *sorted(folder for folder in path.parent.iterdir() if folder.is_dir())]
    some = [picture.image for picture in pictures[:20]]
    for folder in folders:
        if any((folder / image).is_file() for image in some):
            return folder
    raise UserError(f"{path}: no {some[0]} in {path.parent} or a folder in it: name it with --image-dir")


def _json_entries(path: Path, config: CaptioningConfig) -> Iterator[Entry]:
    for line, text in _lines(path):
        where = f"{path}:{line}"
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{where}: not JSON: {error}") from None
        if not isinstance(row, dict):
            raise UserError(f"{where}: expected a JSON object, got {text[:40]}")
        image, said = row.get(config.image_column), row.get(config.caption_column)
        if not isinstance(image, str) or not image:
            raise UserError(f"{where}: expected a path as {config.image_column!r} (--image-column)")
        captions = [said] if isinstance(said, str) else said
        if not isinstance(captions, list) or not all(isinstance(caption, str) for caption in captions):
            raise UserError(
                f"{where}: expected a text or a list of texts as {config.caption_column!r} (--caption-column)"
            )
        split = row.get(config.split_column, "train")
        if split not in SPLIT_NAMES:
            raise UserError(
                f"{where}: expected one of {', '.join(SPLIT_NAMES)} as {config.split_column!r} "
                f"(--split-column), got {split!r}"
            )
        yield Entry(line, image, captions, SPLIT_NAMES[split])


def _token_entries(path: Path) -> Iterator[Entry]:
    for line, text in _lines(path):
        match = _TOKEN.fullmatch(text)
        if not match:
            raise UserError(f"{path}:{line}: expected IMAGE#NUMBER, a tab and a caption, got {text[:40]}")
        yield Entry(line, match["image"], [match["caption"]], "train")


def _with_split_lists(path: Path, pictures: list[Picture]) -> tuple[list[Picture], list[str]]:
    """Put the images into the splits of Flickr8k's lists, X.trainImages.txt and so on beside the file."""
    lists = {
        split: {text for _, text in _lines(file)}
        for name, split in SPLIT_NAMES.items()
        for file in path.parent.glob(f"*.{name}Images.txt")
    }
    if "train" not in lists or path.suffix.lower() in JSON_SUFFIXES:
        return pictures, []
    listed = [
        Picture(picture.image, picture.captions, split)
        for picture in pictures
        for split, images in lists.items()
        if picture.image in images
    ]
    unlisted = len(pictures) - len({picture.image for picture in listed})
    notes = [f"{path.name}: {unlisted:,} images are in no list of a split and left out"] if unlisted else []
    return listed, notes


def _with_words(path: Path, pictures: list[Picture], notes: list[str]) -> tuple[list[Picture], list[str]]:
    kept, empty = [], 0
    for picture in pictures:
        captions = [caption for caption in picture.captions if words(caption)]
        empty += len(picture.captions) - len(captions)
        if captions:
            kept.append(Picture(picture.image, captions, picture.split))
    if empty:
        notes = [*notes, f"{path.name}: {empty:,} captions without a word left out"]
    if len(kept) < len(pictures):
        with_words = {picture.image for picture in kept}
        silent = [picture.image for picture in pictures if picture.image not in with_words]
        notes = [
            *notes,
            f"{path.name}: {len(silent):,} images without a caption left out: {_some_of(silent)}",
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


def _some_of(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")
