"""Read labelled text from tables, "label text" lines (both also gzipped), or folders of texts by label."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UserError
from .tables import TABLES, Form, as_text, bare, read_text, table_rows

SUFFIXES = (*TABLES, ".txt")
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "dev": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
"""The project's name of a split, by its name in a file or a column."""


_UNLABELLED = ("unsup", "unlabeled", "unlabelled")
"""Folders of texts without a label, such as that of aclImdb."""
_NAMED = 3  # the number of lines, files or labels that a note names


class Row(NamedTuple):
    """One labelled text, and the line of the file on which it starts; 0 if it is a whole file."""

    text: str
    label: str
    line: int


def read_labelled_text(
    path: Path,
    text_column: str = "text",
    label_column: str = "label",
    encoding: str = "utf-8",
    *,
    delimiter: str | None = None,
    columns: tuple[str, ...] = (),
) -> tuple[list[Row], list[str]]:
    """Return the rows of one file, or of a folder of texts by label, and notes about what was left out.

    The suffix (before .gz) decides the format: .csv, .tsv, .jsonl, .ndjson or .json. The lines of any other
    file hold a label, a space and the text, unless a delimiter or columns are named. In a folder, each folder
    is a label with texts in files LABEL/*.txt. Labels are stripped. Rows with an empty text are left out.

    Args:
        path: the file or the folder.
        text_column, label_column: the names of the columns in a table.
        encoding: the text encoding.
        delimiter: the character between the fields of a CSV, or "tab". Default: by the suffix.
        columns: the names of the columns of a CSV without a header.

    Raises:
        UserError: the file is malformed. The message is one line with file and line number.
    """
    if path.is_dir():
        found: Iterable[Row]
        found, notes = _texts_by_label(path, encoding)
    else:
        form = Form(encoding, delimiter, columns)
        content, notes = read_text(path, encoding), []
        if form.is_table(path):
            found = _labelled_rows(path, content, form, (text_column, label_column))
        else:
            found = _lines(content)
    kept: list[Row] = []
    empty: list[int] = []
    for row in found:
        label = row.label.strip()
        if not label:
            raise UserError(f"{path}:{row.line}: expected a label, got none")
        if row.text.strip():
            kept.append(row._replace(label=label))
        else:
            empty.append(row.line)
    if not kept:
        raise UserError(f"{path}: expected labelled text, found none")
    lines = "" if path.is_dir() else f" (line {_some(list(map(str, empty)), ', ')})"
    return kept, notes + ([f"{path}: {len(empty):,} empty texts left out{lines}"] if empty else [])


def _some(names: Sequence[str], between: str) -> str:
    return between.join(names[:_NAMED]) + (f"{between}..." if len(names) > _NAMED else "")


def read_splits(
    path: Path, *, for_training: bool = True, **reading: Any
) -> tuple[dict[str, list[Row]], list[str]]:
    """Return the rows by split, and notes. `validation` and `test` are optional.

    `path` is a file, a folder with a train file, a file X.train with X.dev or X.test in the same folder, a
    folder of texts by label, or a folder of splits with such folders.

    Args:
        path: the file or folder.
        for_training: whether to raise for what only a training needs: the train file, two classes, two
            training examples of each class, and no other class in a held-out file.
        **reading: further arguments of `read_labelled_text`.

    Raises:
        UserError: a file is malformed, or something is missing.
    """
    files, notes = find_splits(path, for_training=for_training)
    splits = {}
    for name, file in files.items():
        splits[name], more = read_labelled_text(file, **reading)
        notes += more
    if for_training:
        _check_classes(files, splits)
    return splits, notes + _alike(path, splits)


def _alike(path: Path, splits: Mapping[str, Sequence[Row]]) -> list[str]:
    """Return a list with a note about labels that differ by case only; empty without any."""
    counts = Counter(row.label for rows in splits.values() for row in rows)
    groups: dict[str, list[str]] = {}
    for label in sorted(counts):
        groups.setdefault(label.casefold(), []).append(f"{label!r} ({counts[label]:,})")
    alike = [" and ".join(group) for group in groups.values() if len(group) > 1]
    return [f"{path}: labels differ by case only: {_some(alike, '; ')}"] if alike else []


def find_splits(path: Path, *, for_training: bool = True) -> tuple[dict[str, Path], list[str]]:
    """Return the file of each split, and notes about files that are used but not named by `path`.

    A folder must have a train file, or any of them if it is not `for_training`.
    """
    if path.is_dir():
        return _folders_of_texts(path, for_training) or _splits_in_folder(path, for_training), []
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
            f"{folder}: expected a train file (train.csv, train.tsv, train.jsonl or train.txt), or a folder "
            "of texts for each label, found none"
        )
    kinds = {bare(file).suffix.lower() for file in files.values()}
    if len(kinds) > 1:
        names = ", ".join(file.name for file in files.values())
        raise UserError(f"{folder}: expected split files of one format, got {names}")
    return files


def _folders_of_texts(folder: Path, for_training: bool) -> dict[str, Path]:
    """Return the folders of the splits if texts are in files: SPLIT/LABEL/*.txt, or LABEL/*.txt for train."""
    inner = _folders(folder)
    splits = _by_split({each: each.name.lower() for each in inner if any(map(_texts, _folders(each)))})
    if "train" in splits or (splits and not for_training):
        return splits
    labels = [each for each in inner if _texts(each)]
    beside = any(bare(file).stem in SPLIT_NAMES for file in folder.iterdir() if file.is_file())
    return {"train": folder} if labels and not beside else {}


def _folders(folder: Path) -> list[Path]:
    inside = sorted(folder.iterdir())
    return [each for each in inside if each.is_dir() and not each.name.startswith(".")]


def _texts(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.suffix.lower() == ".txt" and each.is_file())


def _texts_by_label(folder: Path, encoding: str) -> tuple[list[Row], list[str]]:
    """Return a row for each text in the folders of labels, and notes about files and folders left out."""
    rows, notes, broken = [], [], []
    for label in _folders(folder):
        if label.name.lower() in _UNLABELLED:
            notes.append(f"{folder}: {label.name} left out: its texts have no label")
            continue
        for file in _texts(label):
            try:
                rows.append(Row(read_text(file, encoding).strip(), label.name, 0))
            except UserError as error:
                broken.append(str(error))
    if broken:
        notes.append(f"{folder}: {len(broken):,} texts left out: {_some(broken, '; ')}")
    if not rows and broken:
        raise UserError(broken[0])
    return rows, notes


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
            where = _place(files["train"], lines[0])
            raise UserError(f"{where}: class {label!r} has only one example: expected more")
    for name, rows in splits.items():
        for row in rows:
            if row.label not in by_class:
                where = _place(files[name], row.line)
                raise UserError(f"{where}: expected a class of {files['train']}, got {row.label!r}")


def _place(file: Path, line: int) -> str:
    return f"{file}:{line}" if line else str(file)


def _labelled_rows(path: Path, content: str, form: Form, names: tuple[str, str]) -> Iterator[Row]:
    text, label = names
    columns = {"--text-column": text, "--label-column": label}
    for line, (of_text, of_label) in table_rows(path, content, columns, form):
        if not isinstance(of_label, str | int):
            raise UserError(f"{path}:{line}: {label!r}: expected a string or an integer")
        said = of_label if isinstance(of_label, str) else json.dumps(of_label)
        yield Row(as_text(of_text, f"{path}:{line}: {text!r}"), said, line)


def _lines(content: str) -> Iterator[Row]:
    for line, source in enumerate(content.split("\n"), start=1):
        if source.strip():
            label, text = [*source.split(maxsplit=1), ""][:2]
            yield Row(text.strip(), label, line)
