"""Read columns of tables: CSV or TSV with a header, or lines of JSON objects, also gzipped."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_SUFFIXES = (".jsonl", ".ndjson")
TABLES = (*DELIMITERS, *JSON_SUFFIXES)
"""The suffixes of tables."""


def bare(path: Path) -> Path:
    """Return the path without .gz."""
    return path.with_suffix("") if path.suffix.lower() == ".gz" else path


def is_table(path: Path) -> bool:
    """Return whether the suffix (before .gz) is that of a table."""
    return bare(path).suffix.lower() in TABLES


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """Return the text of a file, without a byte order mark.

    Raises:
        UserError: the file can't be read or unpacked, or has another encoding.
    """
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix.lower() == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        codecs.lookup(encoding)
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        if b"\0" in data:
            raise UserError(f"{path}: expected text, got binary data") from None
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}:{line}: byte 0x{data[error.start]:02x} is not {encoding}: "
            "name the file's encoding, for example --encoding latin-1"
        ) from None
    except (LookupError, ValueError):
        raise UserError(f"--encoding: expected the name of a text encoding, got {encoding!r}") from None


def table_rows(path: Path, content: str, columns: Mapping[str, str]) -> Iterator[tuple[int, list[Any]]]:
    """Yield for each row of a table the line on which it starts, and its values in some columns.

    The values of a CSV or TSV file are texts, those of JSON lines are of any type.

    Args:
        path: the table; its suffix decides the format.
        content: the text of the file.
        columns: the names of the columns, by the option that names them.

    Raises:
        UserError: a row is malformed, or a column is missing or there twice.
    """
    suffix = bare(path).suffix.lower()
    if suffix in DELIMITERS:
        return _csv_rows(path, content, DELIMITERS[suffix], columns)
    return _json_rows(path, content, columns)


def read_column(path: Path, column: str, option: str, encoding: str = "utf-8") -> list[str]:
    """Return the texts in one column of a table, row by row.

    Args:
        path: the table.
        column: the name of the column.
        option: the option that names the column, for error messages.
        encoding: the text encoding of the file.

    Raises:
        UserError: the table can't be read, has no such column, or has a value that is no text.
    """
    values = []
    for line, (value,) in table_rows(path, read_text(path, encoding), {option: column}):
        values.append(as_text(value, f"{path}:{line}: {column!r}"))
    return values


def as_text(value: Any, where: str) -> str:
    """Return `value` if it is a text; raise UserError if not."""
    if not isinstance(value, str):
        raise UserError(f"{where}: expected a string, got {json.dumps(value)[:40]}")
    return value


def _csv_rows(
    path: Path, content: str, delimiter: str, columns: Mapping[str, str]
) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(2**31 - 1)  # the default limit is 131,072 characters
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    start = 1
    try:
        for fields in reader:
            if header is None:
                header = fields
                _require_columns(f"{path}:{start}", header, columns)
            elif fields and len(fields) != len(header):
                raise UserError(f"{path}:{start}: expected {len(header)} fields, got {len(fields)}")
            elif fields:
                yield start, [fields[header.index(column)] for column in columns.values()]
            start = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path}:{start}: {error}") from None


def _json_rows(path: Path, content: str, columns: Mapping[str, str]) -> Iterator[tuple[int, list[Any]]]:
    for line, source in enumerate(content.split("\n"), start=1):
        if source.strip():
            row = json_object(source, f"{path}:{line}")
            _require_columns(f"{path}:{line}", list(row), columns)
            yield line, [row[column] for column in columns.values()]


def _require_columns(where: str, found: Sequence[str], columns: Mapping[str, str]) -> None:
    for option, column in columns.items():
        if found.count(column) != 1:
            listed = ", ".join(map(repr, found))
            raise UserError(f"{where}: expected one column {column!r} ({option}), the columns are {listed}")


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
