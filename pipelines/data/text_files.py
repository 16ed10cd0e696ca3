"""Read labelled text from CSV or TSV with a header, JSONL or "label text" lines, also gzipped."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UserError

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_SUFFIXES = (".jsonl", ".ndjson")
SUFFIXES = (*DELIMITERS, *JSON_SUFFIXES, ".txt")
SPLIT_NAMES = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "dev": "validation",
    "val": "validation",
    "test": "test",
}
"""The project's name of a split, by its name in a file or a column."""


class Row(NamedTuple):
    """One labelled text, and the line of the file on which it starts."""

    text: str
    label: str
    line: int


def read_labelled_text(
    path: Path, text_column: str = "text", label_column: str = "label", encoding: str = "utf-8"
) -> tuple[list[Row], list[str]]:
    """Return the rows of one file, and notes about rows that were left out.

    The suffix (before .gz) decides the format: .csv, .tsv, .jsonl or .ndjson. The lines of any other file
    hold a label, a space and the text. Labels are not changed. Rows with an empty text are left out.

    Raises:
        UserError: the file is malformed. The message is one line with file and line number.
    """
    content = _decode(path, _read_bytes(path), encoding)
    suffix = _bare(path).suffix.lower()
    if suffix in DELIMITERS:
        rows = _csv_rows(path, content, delimiter=DELIMITERS[suffix], text=text_column, label=label_column)
    elif suffix in JSON_SUFFIXES:
        rows = _json_rows(path, content, text_column, label_column)
    else:
        rows = _line_rows(content)
    kept: list[Row] = []
    empty: list[int] = []
    for row in rows:
        if not row.label.strip():
            raise UserError(f"{path}:{row.line}: expected a label, got none")
        if row.text.strip():
            kept.append(row)
        else:
            empty.append(row.line)
    if not kept:
        raise UserError(f"{path}: expected labelled text, found none")
    lines = ", ".join(map(str, empty[:3])) + (", ..." if len(empty) > 3 else "")
    return kept, [f"{path}: {len(empty):,} empty texts left out (line {lines})"] if empty else []


def read_splits(
    path: Path, text_column: str = "text", label_column: str = "label", encoding: str = "utf-8"
) -> tuple[dict[str, list[Row]], list[str]]:
    """Return the rows by split, and notes. `train` is required; `validation` and `test` are optional.

    `path` is a file, a folder with a train file, or a file X.train with X.dev or X.test in the same folder.

    Raises:
        UserError: a file is malformed, there are fewer than two classes, a class has only one training
            example, or a class occurs only in a held-out file.
    """
    files, notes = find_splits(path)
    splits = {}
    for name, file in files.items():
        splits[name], more = read_labelled_text(file, text_column, label_column, encoding)
        notes += more
    _check_classes(files, splits)
    return splits, notes


def find_splits(path: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the file of each split, and notes about files that are used but not named by `path`."""
    if path.is_dir():
        return _splits_in_folder(path), []
    stem = _bare(path)
    if stem.suffix != ".train":
        return {"train": path}, []
    siblings = [file for file in sorted(path.parent.glob("*")) if _bare(file).stem == stem.stem]
    files = _by_split({file: _bare(file).suffix[1:] for file in siblings})
    others = [file.name for name, file in files.items() if name != "train"]
    notes = [f"{path}: {' and '.join(others)} in the same folder are the held-out splits"] if others else []
    return files | {"train": path}, notes


def _splits_in_folder(folder: Path) -> dict[str, Path]:
    files = _by_split({file: _bare(file).stem for file in sorted(folder.iterdir()) if file.is_file()})
    if "train" not in files:
        raise UserError(
            f"{folder}: expected a train file (train.csv, train.tsv, train.jsonl or train.txt), found none"
        )
    kinds = {_bare(file).suffix.lower() for file in files.values()}
    if len(kinds) > 1:
        names = ", ".join(file.name for file in files.values())
        raise UserError(f"{folder}: expected split files of one format, got {names}")
    return files


def _by_split(names: Mapping[Path, str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for file, name in names.items():
        split = SPLIT_NAMES.get(name)
        if split is None:
            continue
        if split in files:
            both = f"{files[split].name} and {file.name}"
            raise UserError(f"{file.parent}: expected one file for the {split} split, got {both}")
        files[split] = file
    return files


def _check_classes(files: Mapping[str, Path], splits: Mapping[str, list[Row]]) -> None:
    by_class: dict[str, list[int]] = {}
    for row in splits["train"]:
        by_class.setdefault(row.label, []).append(row.line)
    if len(by_class) < 2:
        raise UserError(f"{files['train']}: expected at least two classes, got only {next(iter(by_class))!r}")
    for label, lines in by_class.items():
        if len(lines) == 1:
            raise UserError(
                f"{files['train']}:{lines[0]}: class {label!r} has only one example: expected more"
            )
    for name, rows in splits.items():
        for row in rows:
            if row.label not in by_class:
                raise UserError(
                    f"{files[name]}:{row.line}: expected a class of {files['train']}, got {row.label!r}"
                )


def _bare(path: Path) -> Path:
    """Return the path without .gz."""
    return path.with_suffix("") if path.suffix.lower() == ".gz" else path


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix.lower() == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _decode(path: Path, data: bytes, encoding: str) -> str:
    try:
        codecs.lookup(encoding)
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}:{line}: byte 0x{data[error.start]:02x} is not {encoding}: "
            "name the file's encoding, for example --encoding latin-1"
        ) from None
    except (LookupError, ValueError):
        raise UserError(f"--encoding: expected the name of a text encoding, got {encoding!r}") from None


def _csv_rows(path: Path, content: str, *, delimiter: str, text: str, label: str) -> Iterator[Row]:
    csv.field_size_limit(2**31 - 1)  # the default limit is 131,072 characters
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    start = 1
    try:
        for fields in reader:
            if header is None:
                header = fields
                _require_columns(f"{path}:{start}", header, text, label)
            elif fields and len(fields) != len(header):
                raise UserError(f"{path}:{start}: expected {len(header)} fields, got {len(fields)}")
            elif fields:
                yield Row(fields[header.index(text)], fields[header.index(label)], start)
            start = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path}:{start}: {error}") from None


def _require_columns(where: str, columns: list[str], text: str, label: str) -> None:
    for option, column in (("--text-column", text), ("--label-column", label)):
        if columns.count(column) != 1:
            found = ", ".join(map(repr, columns))
            raise UserError(f"{where}: expected one column {column!r} ({option}), the columns are {found}")


def json_object(text: str, where: str) -> dict[str, Any]:
    """Return the JSON object in one line of a file.

    Raises:
        UserError: no JSON, or not an object; the message begins with `where`.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not JSON: {error}") from None
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected a JSON object, got {text.strip()[:40]}")
    return value


def _json_rows(path: Path, content: str, text: str, label: str) -> Iterator[Row]:
    for line, source in enumerate(content.split("\n"), start=1):
        if not source.strip():
            continue
        row = json_object(source, f"{path}:{line}")
        _require_columns(f"{path}:{line}", list(row), text, label)
        if not isinstance(row[text], str):
            raise UserError(f"{path}:{line}: {text!r}: expected a string, got {json.dumps(row[text])[:40]}")
        if not isinstance(row[label], str | int):
            raise UserError(f"{path}:{line}: {label!r}: expected a string or an integer")
        yield Row(row[text], row[label] if isinstance(row[label], str) else json.dumps(row[label]), line)


def _line_rows(content: str) -> Iterator[Row]:
    for line, source in enumerate(content.split("\n"), start=1):
        if source.strip():
            label, text = [*source.split(maxsplit=1), ""][:2]
            yield Row(text.strip(), label, line)
