"""Read the captions in a file: JSONL, JSON of COCO and Karpathy, CSV of Kaggle and Flickr30k, token files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

from ..errors import UserError
from ..files import read_regular
from .tables import JSON_SUFFIXES, json_object, json_value
from .text_files import SPLIT_NAMES

SUFFIXES = (*JSON_SUFFIXES, ".token", ".token.txt", ".json", ".csv", ".tsv", "captions.txt")
_MOST_BYTES = 2**30
_TOKEN = re.compile(r"(?P<image>[^\t]+)#\d+\t(?P<caption>.*)")
_SPLITS = SPLIT_NAMES | {"restval": "train"}
_IMAGE_COLUMNS = ("image", "image_name", "file_name", "filename", "file", "path")
_CAPTION_COLUMNS = ("captions", "caption", "comment", "text", "sentence", "raw")
_COMMON_DELIMITERS = ",|\t;"


class Columns(NamedTuple):
    """The fields of a JSONL, JSON or CSV file."""

    image: str = "image"
    captions: str = "captions"
    split: str = "split"


class Entry(NamedTuple):
    """One place in a file that names an image."""

    where: str
    """The file and the line, or the place in a JSON file."""
    image: str
    captions: list[str]
    split: str


def entries(path: Path, columns: Columns) -> Iterator[Entry]:
    """Yield the images of a caption file with their captions, in order. An image may come several times.

    Args:
        path: JSONL with an image on each line; `.json` of COCO (`images` and `annotations`), of Karpathy
            (`images` with `sentences`) or with a list of such objects; a CSV, TSV or `.txt` whose header
            names image and caption; or a token file of Flickr.
        columns: the fields of JSONL, of a list in JSON, and of a CSV. In a CSV, common names are found, too.

    Raises:
        UserError: the file is malformed, or the name of an image leads out of its folder.
    """
    suffix = path.suffix.lower()
    if suffix in JSON_SUFFIXES:
        found = _json_lines(path, columns)
    elif suffix == ".json":
        found = _json_file(path, columns)
    else:
        content = _text(path)
        first = content.lstrip().partition("\n")[0]
        tokens = _TOKEN.fullmatch(first.strip()) or ".token" in path.name.lower() or not _delimiter(first)
        is_table = suffix in (".csv", ".tsv") or (suffix == ".txt" and not tokens)
        found = _table(path, content, columns) if is_table else _tokens(path, content)
    for entry in found:
        _require_inside(entry.image, entry.where)
        yield entry


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file that aren't empty, with their numbers."""
    yield from _lines(_text(path))


def _lines(content: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            yield number, line.strip()


def _text(path: Path) -> str:
    try:
        return read_regular(path, _MOST_BYTES, "a file of captions").decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8: {error.reason} at byte {error.start:,}") from None


def _require_inside(image: str, where: str) -> None:
    """Refuse names that lead out of the folder of the images, on any system."""
    name = PureWindowsPath(image)
    if name.anchor or ".." in name.parts:
        raise UserError(f"{where}: expected an image in the folder of the images, got {image!r}")


def _json_lines(path: Path, columns: Columns) -> Iterator[Entry]:
    for line, text in lines(path):
        where = f"{path}:{line}"
        yield _from_object(json_object(text, where), where, columns)


def _from_object(row: Mapping[str, Any], where: str, columns: Columns) -> Entry:
    image, captions = row.get(columns.image), row.get(columns.captions)
    if not isinstance(image, str) or not image:
        raise UserError(f"{where}: expected a path as {columns.image!r} (--image-column)")
    captions = [captions] if isinstance(captions, str) else captions
    if not isinstance(captions, list) or not all(isinstance(caption, str) for caption in captions):
        raise UserError(
            f"{where}: expected a text or a list of texts as {columns.captions!r} (--caption-column)"
        )
    return Entry(where, image, captions, _split(row.get(columns.split, "train"), where, columns.split))


def _split(given: Any, where: str, column: str) -> str:
    if not isinstance(given, str) or given.lower() not in _SPLITS:
        raise UserError(
            f"{where}: expected one of {', '.join(_SPLITS)} as {column!r} (--split-column), got {given!r:.40}"
        )
    return _SPLITS[given.lower()]


def _json_file(path: Path, columns: Columns) -> Iterator[Entry]:
    content = json_value(_text(path), str(path))
    if isinstance(content, list):
        for i, row in enumerate(content):
            yield _from_object(_object(row, f"{path}: [{i}]"), f"{path}: [{i}]", columns)
    elif isinstance(content, dict) and isinstance(content.get("annotations"), list):
        yield from _coco(path, content)
    elif isinstance(content, dict) and isinstance(content.get("images"), list):
        yield from _karpathy(path, content["images"])
    else:
        raise UserError(
            f"{path}: expected JSON of COCO (images and annotations), of Karpathy (images with sentences), "
            "or a list of objects"
        )


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected an object, got {value!r:.40}")
    return value


def _texts(row: Any, where: str, *names: str) -> list[str]:
    """Return the texts of these names in an object."""
    found = []
    for name in names:
        value = _object(row, where).get(name)
        if not isinstance(value, str) or not value:
            raise UserError(f"{where}: expected a text as {name!r}, got {value!r:.40}")
        found.append(value)
    return found


def _coco(path: Path, content: Mapping[str, Any]) -> Iterator[Entry]:
    images = content.get("images")
    if not isinstance(images, list):
        raise UserError(f"{path}: images: expected a list, got {images!r:.40}")
    names: dict[str, str] = {}
    for i, row in enumerate(images):
        where = f"{path}: images[{i}]"
        names[repr(_object(row, where).get("id"))] = _texts(row, where, "file_name")[0]
    for i, row in enumerate(content["annotations"]):
        where = f"{path}: annotations[{i}]"
        (caption,) = _texts(row, where, "caption")
        image = names.get(repr(row.get("image_id")))
        if image is None:
            raise UserError(f"{where}: image_id: expected one of the images, got {row.get('image_id')!r:.40}")
        yield Entry(where, image, [caption], "train")


def _karpathy(path: Path, images: Sequence[Any]) -> Iterator[Entry]:
    for i, row in enumerate(images):
        where = f"{path}: images[{i}]"
        (image,) = _texts(row, where, "filename")
        folder, sentences = row.get("filepath"), row.get("sentences")
        if not isinstance(sentences, list):
            raise UserError(f"{where}: sentences: expected a list, got {sentences!r:.40}")
        captions = [_texts(each, f"{where}: sentences[{j}]", "raw")[0] for j, each in enumerate(sentences)]
        image = f"{folder}/{image}" if isinstance(folder, str) and folder else image
        yield Entry(where, image, captions, _split(row.get("split", "train"), where, "split"))


def _delimiter(header: str) -> str:
    """Return the commonest delimiter in a header; "" if there is none."""
    commonest = max(_COMMON_DELIMITERS, key=header.count)
    return commonest if commonest in header else ""


def _table(path: Path, content: str, columns: Columns) -> Iterator[Entry]:
    """Yield the rows of a table. A caption in the last column may hold the delimiter."""
    delimiter = _delimiter(content.lstrip().partition("\n")[0]) or ","
    file = io.StringIO(content, newline="")
    if delimiter == "|":  # Flickr30k has lone quotes
        reader = csv.reader(file, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(file, delimiter=delimiter)
    header: list[str] = []
    try:
        for row in reader:
            where, last = f"{path}:{reader.line_num}", len(header) - 1
            if not any(field.strip() for field in row):
                continue
            if not header:
                header = [name.strip().lower() for name in row]
                places = _places(header, columns, where)
                continue
            row += [""] * (len(header) - len(row))  # a line of Flickr30k lacks a delimiter
            fields = [field.strip() for field in (*row[:last], delimiter.join(row[last:]))]
            image, caption = fields[places["image"]], fields[places["captions"]]
            if not image:
                raise UserError(f"{where}: expected the name of an image, got none")
            given = fields[places["split"]] if "split" in places else "train"
            yield Entry(where, image, [caption], _split(given, where, columns.split))
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: {error}") from None


def _places(header: Sequence[str], columns: Columns, where: str) -> dict[str, int]:
    """Return where a header has the image, the captions, and the split if it has one."""
    names = {
        "image": (columns.image.lower(), *_IMAGE_COLUMNS),
        "captions": (columns.captions.lower(), *_CAPTION_COLUMNS),
        "split": (columns.split.lower(),),
    }
    found = {
        what: header.index(next(name for name in known if name in header))
        for what, known in names.items()
        if any(name in header for name in known)
    }
    for what, option in (("image", "--image-column"), ("captions", "--caption-column")):
        if what not in found:
            listed = ", ".join(map(repr, header))
            wanted = getattr(columns, what)
            raise UserError(f"{where}: expected a column {wanted!r} ({option}), the columns are {listed}")
    return found


def _tokens(path: Path, content: str) -> Iterator[Entry]:
    for line, text in _lines(content):
        match = _TOKEN.fullmatch(text)
        if not match:
            found = " ".join(text[:40].split())
            raise UserError(f"{path}:{line}: expected IMAGE#NUMBER, a tab and a caption, got {found}")
        yield Entry(f"{path}:{line}", match["image"], [match["caption"]], "train")
