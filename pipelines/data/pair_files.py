"""Read pairs of texts from tables, two files in step, translation memories, and stories with questions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UserError
from .tables import TABLES, Form, as_text, bare, lines_of, read_text, table_rows
from .tmx_files import TMX, read_tmx

SUFFIXES = (*TABLES, *TMX)
"""The suffixes of files that hold both sides of their pairs, besides .txt of stories."""
_STORY = re.compile(r"(\d+) (.*)")


class Pair(NamedTuple):
    """A text, what it becomes, and the line of the file on which the pair starts."""

    source: str
    target: str
    line: int


def read_pairs(
    path: Path, source: str | None = None, target: str | None = None, form: Form | None = None
) -> tuple[list[Pair], list[str]]:
    """Return the pairs of one file, and notes about what was left out.

    The suffix (before .gz) decides the format: a table, a translation memory (.tmx), or else stories with
    questions as in bAbI.

    Args:
        path: the file.
        source, target: the names of the columns of a table, by default "source" and "target", or the
            languages of a translation memory, by default its own two.
        form: how a table is written.

    Raises:
        UserError: the file is malformed. The message is one line with file and line number.
    """
    form = form or Form()
    if bare(path).suffix.lower() in TMX:
        units, notes = read_tmx(path, source, target)
        return [Pair(*unit) for unit in units], notes
    if not form.is_table(path):
        return _stories(path, read_text(path, form.encoding)), []
    columns = {"--source": source or "source", "--target": target or "target"}
    rows, notes = _rows(path, columns, form)
    found: list[Pair] = []
    for line, (first, second) in rows:
        first = as_text(first, f"{path}:{line}: {columns['--source']!r}")
        found.append(Pair(first, as_text(second, f"{path}:{line}: {columns['--target']!r}"), line))
    return found, notes


def _rows(path: Path, columns: dict[str, str], form: Form) -> tuple[list[tuple[int, list[Any]]], list[str]]:
    """Return the rows of a table, and a note if the quotes of a TSV are no marks of fields.

    Sentences may begin with a quote, and many programs write them between tabs as they are.
    """
    content = read_text(path, form.encoding)
    try:
        return list(table_rows(path, content, columns, form)), []
    except UserError:
        if form.between(path) != "\t" or '"' not in content:
            raise
        rows = list(table_rows(path, content, columns, form._replace(quoted=False)))
        return rows, [f"{path}: quotes are read as characters of the texts"]


def read_aligned(source: Path, target: Path, encoding: str = "utf-8") -> list[Pair]:
    """Return the pairs of two files in which line i of one belongs to line i of the other, also gzipped.

    Raises:
        UserError: the files have different numbers of lines.
    """
    sides = [lines_of(read_text(path, encoding)) for path in (source, target)]
    first, second = map(len, sides)
    if first != second:
        raise UserError(
            f"{source} and {target}: expected as many lines in both, got {first:,} and {second:,}: "
            "a line is missing or broken in two"
        )
    return [Pair(one, other, line) for line, (one, other) in enumerate(zip(*sides, strict=True), start=1)]


def _stories(path: Path, text: str) -> list[Pair]:
    """Return a pair for each question: the sentences before it and itself, a line each; the answer.

    Lines are numbered from 1 in each story. A question has its answer after a tab.
    """
    found: list[Pair] = []
    story: list[str] = []
    for number, line in enumerate(lines_of(text), start=1):
        if not line.strip():
            continue
        parts = _STORY.fullmatch(line)
        if parts is None:
            raise UserError(
                f"{path}:{number}: expected a line of a story, such as '1 Mary is here.', got {line[:40]!r} "
                "(tables end in .csv, .tsv or .jsonl; --target names the second of two files in step)"
            )
        said, *answer = parts[2].split("\t")
        story = [] if parts[1] == "1" else story
        if answer:
            found.append(Pair("\n".join([*story, said.strip()]), answer[0].strip(), number))
        else:
            story.append(said.strip())
    return found
