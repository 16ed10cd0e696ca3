"""Read sentences of tagged words from columns, as in the CoNLL shared tasks: a word a line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ..errors import UserError
from .tables import bare, read_text
from .tag_schemes import Sentence

SUFFIXES = (".conll", ".conllu", ".iob", ".iob2", ".bio")
_OF_CONLLU = (1, 3)
_JOINED = re.compile(r"\d+[-.]\d+")  # the number of a multiword token, or of an empty node
_DOCUMENT = "-DOCSTART-"


def read_conll(
    path: Path, word_column: int | None = None, tag_column: int | None = None, encoding: str = "utf-8"
) -> tuple[list[Sentence], list[str]]:
    """Return the sentences of a file, and notes about what was left out.

    Blank lines separate sentences. Columns are separated by tabs, or by spaces in a file without tabs. A
    line that begins with "#" and has another number of columns than the others is a comment. -DOCSTART-
    begins a document.

    Args:
        path: the file, also gzipped.
        word_column: counted from 1. Default: the first, in .conllu files the second.
        tag_column: counted from 1, from the end if negative. Default: the last, in .conllu files the fourth.
        encoding: the text encoding.

    Raises:
        UserError: a line lacks a column, or there is no sentence.
    """
    is_conllu = bare(path).suffix.lower() == ".conllu"
    default = _OF_CONLLU if is_conllu else (0, -1)
    word, tag = (
        given if each is None else (each - 1 if each > 0 else each)
        for each, given in zip((word_column, tag_column), default, strict=True)
    )
    lines = [line.rstrip() for line in read_text(path, encoding).split("\n")]
    between = "\t" if any("\t" in line for line in lines) else None
    columns = _commonest(lines, between)
    found: list[Sentence] = []
    comments = documents = 0
    for start, rows in _blocks(path, lines, between, columns):
        comments += sum(row is None for row in rows)
        kept = [row for row in rows if row and not (is_conllu and _JOINED.fullmatch(row[0]))]
        if kept and kept[0][0] == _DOCUMENT:
            documents, kept = documents + 1, kept[1:]
        if not kept:
            continue
        needed = max(word, tag if tag >= 0 else -tag - 1) + 1
        if columns < needed:
            raise UserError(f"{path}: expected at least {needed} columns, got {columns}")
        found.append(Sentence(tuple(row[word] for row in kept), tuple(row[tag] for row in kept), start))
    if not found:
        raise UserError(f"{path}: expected lines with a word and its tag, found none")
    notes = [f"{path}: {documents:,} documents"] if documents else []
    return found, notes + ([f"{path}: {comments:,} comment lines left out"] if comments else [])


def _commonest(lines: list[str], between: str | None) -> int:
    counts = Counter(len(line.split(between)) for line in lines if line and not line.startswith(_DOCUMENT))
    return counts.most_common(1)[0][0] if counts else 0


def _blocks(
    path: Path, lines: list[str], between: str | None, columns: int
) -> Iterator[tuple[int, list[list[str] | None]]]:
    """Yield for each run of lines that aren't blank its first line, and its columns; None for a comment."""
    rows: list[list[str] | None] = []
    for number, line in enumerate([*lines, ""], start=1):
        if not line:
            if rows:
                yield number - len(rows), rows
            rows = []
            continue
        row = line.split(between)
        if len(row) == columns or row[0] == _DOCUMENT:
            rows.append(row)
        elif line.startswith("#"):
            rows.append(None)
        else:
            raise UserError(f"{path}:{number}: expected {columns} columns as in most lines, got {len(row)}")
