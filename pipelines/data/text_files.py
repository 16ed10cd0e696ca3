"""Read labelled text from CSV or TSV with a header, JSONL or "label text" lines, also gzipped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError
from .tables import TABLES, as_text, bare, is_table, read_text, table_rows

SUFFIXES = (*TABLES, ".txt")
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
    if bare(path).suffix.lower() == ".json":
        raise UserError(f"{path}: expected one JSON object per line, in a .jsonl file")
    content = read_text(path, encoding)
    found = (
        _labelled_rows(path, content, text_column, label_column) if is_table(path) else _line_rows(content)
    )
    kept: list[Row] = []
    empty: list[int] = []
    for row in found:
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
    path: Path,
    text_column: str = "text",
    label_column: str = "label",
    encoding: str = "utf-8",
    *,
    for_training: bool = True,
) -> tuple[dict[str, list[Row]], list[str]]:
    """Return the rows by split, and notes. `validation` and `test` are optional.

    `path` is a file, a folder with a train file, or a file X.train with X.dev or X.test in the same folder.

    Args:
        path: the file or folder.
        text_column, label_column: the names of the columns.
        encoding: the text encoding of the files.
        for_training: whether to raise for what only a training needs: the train file, two classes, two
            training examples of each class, and no other class in a held-out file.

    Raises:
        UserError: a file is malformed, or something is missing.
    """
    files, notes = find_splits(path, for_training=for_training)
    splits = {}
    for name, file in files.items():
        splits[name], more = read_labelled_text(file, text_column, label_column, encoding)
        notes += more
    if for_training:
        _check_classes(files, splits)
    return splits, notes


def find_splits(path: Path, *, for_training: bool = True) -> tuple[dict[str, Path], list[str]]:
    """Return the file of each split, and notes about files that are used but not named by `path`.

    A folder must have a train file, or any of them if it is not `for_training`.
    """
    if path.is_dir():
        return _splits_in_folder(path, for_training), []
    stem = bare(path)
    if stem.suffix != ".train":
        return {"train": path}, []
    siblings = [file for file in sorted(path.parent.glob("*")) if bare(file).stem == stem.stem]
    files = _by_split({file: bare(file).suffix[1:] for file in siblings})
    others = [file.name for name, file in files.items() if name != "train"]
    notes = [f"{path}: {' and '.join(others)} in the same folder are the held-out splits"] if others else []
    return files | {"train": path}, notes


def _splits_in_folder(folder: Path, for_training: bool) -> dict[str, Path]:
    files = _by_split({file: bare(file).stem for file in sorted(folder.iterdir()) if file.is_file()})
    if not files or (for_training and "train" not in files):
        raise UserError(
            f"{folder}: expected a train file (train.csv, train.tsv, train.jsonl or train.txt), found none"
        )
    kinds = {bare(file).suffix.lower() for file in files.values()}
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


def _labelled_rows(path: Path, content: str, text: str, label: str) -> Iterator[Row]:
    columns = {"--text-column": text, "--label-column": label}
    for line, (of_text, of_label) in table_rows(path, content, columns):
        if not isinstance(of_label, str | int):
            raise UserError(f"{path}:{line}: {label!r}: expected a string or an integer")
        said = of_label if isinstance(of_label, str) else json.dumps(of_label)
        yield Row(as_text(of_text, f"{path}:{line}: {text!r}"), said, line)


def _line_rows(content: str) -> Iterator[Row]:
    for line, source in enumerate(content.split("\n"), start=1):
        if source.strip():
            label, text = [*source.split(maxsplit=1), ""][:2]
            yield Row(text.strip(), label, line)
