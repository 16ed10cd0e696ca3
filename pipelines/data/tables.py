"""Read columns of tables: CSV or TSV, lines of JSON objects, or an array of them, also gzipped."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UserError
from ..files import read_regular

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_SUFFIXES = (".jsonl", ".ndjson")
TABLES = (*DELIMITERS, *JSON_SUFFIXES, ".json")
"""The suffixes of tables."""
_MOST_BYTES = 2**30
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks at the beginning of a file, longest first."""
_MARK_AS_TEXT = codecs.BOM_UTF8.decode("latin-1")
"""What becomes of the mark of UTF-8 if a program reads it as Latin-1, and writes it again."""
_SPACES = re.compile(r"[ \t\n\r]*")


class Form(NamedTuple):
    """How the user's tables are written."""

    encoding: str = "utf-8"
    delimiter: str | None = None
    """The character between the fields of a CSV, or "tab". Default: by the suffix."""
    columns: tuple[str, ...] = ()
    """The names of the columns of a CSV without a header."""
    quoted: bool = True
    """Whether a field may stand in quotes; if not, they are characters as any other."""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Form:
        """Return the form that the settings of an app name; they may lack any of the fields."""
        columns = tuple(settings.get("columns") or ())
        return cls(settings.get("encoding", "utf-8"), settings.get("delimiter"), columns)

    def between(self, path: Path) -> str:
        """Return the character between the fields of a CSV or TSV file."""
        delimiter = self.delimiter or DELIMITERS.get(bare(path).suffix.lower(), ",")
        return "\t" if delimiter in ("tab", "\\t") else delimiter

    def is_table(self, path: Path) -> bool:
        """Return whether a file is a table: by its suffix, or because a delimiter or columns are named."""
        return is_table(path) or bool(self.delimiter or self.columns)


def bare(path: Path) -> Path:
    """Return the path without .gz."""
    return path.with_suffix("") if path.suffix.lower() == ".gz" else path


def is_table(path: Path) -> bool:
    """Return whether the suffix (before .gz) is that of a table."""
    return bare(path).suffix.lower() in TABLES


def lines_of(text: str) -> list[str]:
    """Return the lines; only line feeds end them, since texts may hold other separators of lines."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines if lines[-1] else lines[:-1]


def read_text(path: Path, encoding: str = "utf-8", most: int | None = None) -> str:
    """Return the text of a file of at most `most` bytes (1 GiB), without a byte order mark.

    Raises:
        UserError: the file can't be read or unpacked, is no regular file, has more bytes, packed or not, or
            has another encoding. The message names the likely one.
    """
    data = read_bytes(path, most)
    try:
        codecs.lookup(encoding)
        text = data.decode(encoding).removeprefix("\ufeff").removeprefix(_MARK_AS_TEXT)
    except UnicodeDecodeError as error:
        if b"\0" in data and not _likely(data):
            raise UserError(f"{path}: expected text, got binary data") from None
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}:{line}: byte 0x{data[error.start]:02x} is not {encoding}: "
            f"name the file's encoding, for example --encoding {_likely(data) or 'latin-1'}"
        ) from None
    except (LookupError, ValueError):
        raise UserError(f"--encoding: expected the name of a text encoding, got {encoding!r}") from None
    if "\0" in text[:2] and (likely := _likely(data)):
        raise UserError(f"{path}: every second byte is zero, as in {likely}: --encoding {likely}")
    return text


def read_bytes(path: Path, most: int | None = None) -> bytes:
    """Return the content of a file of at most `most` bytes (1 GiB), unpacked if it is gzipped.

    Raises:
        UserError: see `read_text`.
    """
    most = _MOST_BYTES if most is None else most
    try:
        data = read_regular(path, most, "a text")
        return _unpacked(path, data, most) if path.suffix.lower() in (".gz", ".svgz") else data
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _unpacked(path: Path, data: bytes, most: int) -> bytes:
    """Unpack no more than is accepted: a small file may hold gigabytes."""
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        unpacked = file.read(most + 1)
    if len(unpacked) > most:
        raise UserError(f"{path}: expected at most {most:,} bytes when unpacked, found more")
    return unpacked


def _likely(data: bytes) -> str:
    """Return the encoding that the first bytes tell; "" if they tell none."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return encoding
    head = data[:1000]
    zeros = [part.count(0) / max(1, len(part)) for part in (head[::2], head[1::2])]
    if len(head) >= 8 and max(zeros) > 0.9 > 10 * min(zeros):
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    return ""


def table_rows(
    path: Path, content: str, columns: Mapping[str, str], form: Form | None = None
) -> Iterator[tuple[int, list[Any]]]:
    """Yield for each row of a table the line on which it starts, and its values in some columns.

    The values of a CSV or TSV file are texts, those of JSON are of any type. JSON is a line for each object,
    or an array of objects in a `.json` file.

    Args:
        path: the table; its suffix decides the format.
        content: the text of the file.
        columns: the names of the columns, by the option that names them.
        form: how a CSV or TSV file is written.

    Raises:
        UserError: a row is malformed, or a column is missing or there twice.
    """
    form = form or Form()
    suffix = bare(path).suffix.lower()
    if suffix == ".json" and content.lstrip().startswith("["):
        return _json_rows(path, _items(path, content), columns)
    if suffix in TABLES and suffix not in DELIMITERS:
        return _json_rows(path, _objects(path, content), columns)
    return _csv_rows(path, content, columns, form)


def read_column(path: Path, column: str, option: str, form: Form | None = None) -> list[str]:
    """Return the texts in one column of a table, row by row.

    Args:
        path: the table.
        column: the name of the column.
        option: the option that names the column, for error messages.
        form: how the table is written.

    Raises:
        UserError: the table can't be read, has no such column, or has a value that is no text.
    """
    form = form or Form()
    values = []
    for line, (value,) in table_rows(path, read_text(path, form.encoding), {option: column}, form):
        values.append(as_text(value, f"{path}:{line}: {column!r}"))
    return values


def as_text(value: Any, where: str) -> str:
    """Return `value` if it is a text; raise UserError if not."""
    if not isinstance(value, str):
        raise UserError(f"{where}: expected a string, got {json.dumps(value)[:40]}")
    return value


def _csv_rows(
    path: Path, content: str, columns: Mapping[str, str], form: Form
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV; its first row is the header, unless one is given."""
    csv.field_size_limit(2**31 - 1)  # the default limit is 131,072 characters
    lines, between = io.StringIO(content, newline=""), form.between(path)
    if form.quoted:
        reader = csv.reader(lines, delimiter=between, strict=True)
    else:
        reader = csv.reader(lines, delimiter=between, quoting=csv.QUOTE_NONE, strict=True)
    start, places, header = 1, list[int](), list(form.columns)
    if header:
        places = _places("--columns", header, columns)
    try:
        for fields in reader:
            if not header:
                header = fields
                places = _places(f"{path}:{start}", header, columns)
            elif fields and len(fields) != len(header):
                raise UserError(f"{path}:{start}: expected {len(header)} fields, got {len(fields)}")
            elif fields:
                yield start, [fields[place] for place in places]
            start = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path}:{start}: {error}") from None


def _places(where: str, header: list[str], columns: Mapping[str, str]) -> list[int]:
    _require_columns(where, header, columns)
    return [header.index(column) for column in columns.values()]


def _json_rows(
    path: Path, objects: Iterator[tuple[int, dict[str, Any]]], columns: Mapping[str, str]
) -> Iterator[tuple[int, list[Any]]]:
    for line, row in objects:
        _require_columns(f"{path}:{line}", list(row), columns)
        yield line, [row[column] for column in columns.values()]


def _objects(path: Path, content: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, source in enumerate(content.split("\n"), start=1):
        if source.strip():
            yield line, json_object(source, f"{path}:{line}")


def _items(path: Path, content: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of an array, and the line on which each starts."""
    decoder, line, counted = json.JSONDecoder(), 1, 0
    at = _after_spaces(content, content.index("[") + 1)
    while content[at : at + 1] != "]":
        line, counted = line + content.count("\n", counted, at), at
        try:
            value, end = decoder.raw_decode(content, at)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}:{line}: not JSON: {error}") from None
        if not isinstance(value, dict):
            raise UserError(f"{path}:{line}: expected a JSON object, got {content[at:end][:40]!r}")
        yield line, value
        at = _after_spaces(content, end)
        if content[at : at + 1] == ",":
            at = _after_spaces(content, at + 1)
        elif content[at : at + 1] != "]":
            raise UserError(f"{path}:{line}: not JSON: expected a comma or ] after the object")


def _after_spaces(content: str, at: int) -> int:
    found = _SPACES.match(content, at)
    return at if found is None else found.end()


def _require_columns(where: str, found: Sequence[str], columns: Mapping[str, str]) -> None:
    for option, column in columns.items():
        if found.count(column) != 1:
            listed = ", ".join(map(repr, found))
            raise UserError(f"{where}: expected one column {column!r} ({option}), the columns are {listed}")


def json_value(text: str, where: str) -> Any:
    """Return the value of a text in JSON; raise UserError, which begins with `where`, if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not JSON: {error}") from None


def json_object(text: str, where: str) -> dict[str, Any]:
    """Return the JSON object in one line of a file.

    Raises:
        UserError: no JSON, or not an object; the message begins with `where`.
    """
    value = json_value(text, where)
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected a JSON object, got {text.strip()[:40]}")
    return value
