"""Read tables with columns of numbers as pandas frames: CSV or TSV, also gzipped, and Parquet."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError
from ..files import read_file
from .tables import DELIMITERS, Form, bare, read_text

if TYPE_CHECKING:
    import pandas as pd

PARQUET = (".parquet", ".pq")
SUFFIXES = (*DELIMITERS, *PARQUET)
"""The suffixes of frames, before .gz."""
LARGEST = 1e30
"""Larger numbers are refused: their squares are no float32 numbers."""
_MOST_BYTES = 2**30
_TIMES = ("datetime64", "datetime", "date", "period")
_FIELDS = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


def is_frame(path: Path, form: Form | None = None) -> bool:
    """Return whether a file is a table of numbers: by its suffix, or because columns are named."""
    return bare(path).suffix.lower() in SUFFIXES or bool(form and (form.delimiter or form.columns))


def read_frame(path: Path, form: Form | None = None, *, index: Collection[str] | None = None) -> pd.DataFrame:
    """Return all columns of a table. The row that is on line n of a CSV has the index n.

    Empty cells, NA, NaN, null and the like are missing values. A column of a CSV holds numbers, or texts if
    one of its cells is text. Rows of a Parquet file are counted from 1. An index that pandas wrote into it
    becomes the first columns, if it has a name or holds times; times without a name are called `time`.

    Args:
        path: the file. Its suffix decides the format.
        form: how a CSV or TSV file is written.
        index: what to keep of such an index, by name. Default: all.

    Raises:
        UserError: the file can't be read, a row has too many fields, two columns have one name, or there are
            no rows.
    """
    form = form or Form()
    if bare(path).suffix.lower() in PARQUET:
        frame = _parquet(path, index)
        frame.index = np.arange(1, len(frame) + 1)
    else:
        frame = _csv(path, read_text(path, form.encoding), form)
    if frame.empty:
        raise UserError(f"{path}: expected a table with rows, found none")
    return frame


def _parquet(path: Path, index: Collection[str] | None) -> pd.DataFrame:
    import pandas as pd
    import pyarrow  # noqa: F401  # pandas needs it here, and would not say so in one line

    content = io.BytesIO(read_file(path, _MOST_BYTES, "a Parquet file"))
    try:
        return _with_index(pd.read_parquet(content), index)  # whose times may be beyond what pandas knows
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: expected a Parquet file: {_one_line(error)}") from None


def _with_index(frame: pd.DataFrame, wanted: Collection[str] | None) -> pd.DataFrame:
    """Return the frame with its index as the first columns, unless that only counts the rows."""
    import pandas as pd

    kept: dict[str, Any] = {}
    for level in map(frame.index.get_level_values, range(frame.index.nlevels)):
        name = str(level.name) if level.name is not None else "time" * (level.inferred_type in _TIMES)
        counts = isinstance(level, pd.RangeIndex)
        if name and name not in frame.columns and not counts and (wanted is None or name in wanted):
            kept[name] = level.to_timestamp() if level.inferred_type == "period" else level
    frame = frame.reset_index(drop=True)
    for place, (name, level) in enumerate(kept.items()):
        frame.insert(place, name, level)
    return frame


def _csv(path: Path, text: str, form: Form) -> pd.DataFrame:
    import pandas as pd

    delimiter = form.delimiter or DELIMITERS.get(bare(path).suffix.lower(), ",")
    delimiter = "\t" if delimiter in ("tab", "\\t") else delimiter
    names = list(form.columns) or _header(path, text, delimiter)
    if repeated := {name for name in names if names.count(name) > 1}:
        raise UserError(f"{path}: expected one column of each name, got {sorted(repeated)[0]!r} twice")
    options: dict[str, Any] = {"names": names, "header": None, "skiprows": 0 if form.columns else 1}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(text),
                sep=delimiter,
                index_col=False,
                low_memory=False,
                skipinitialspace=True,
                skip_blank_lines=False,
                **options,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as error:
        raise UserError(_told(path, error)) from None
    frame.index = np.arange(1, len(frame) + 1) + (0 if form.columns else 1)
    return frame.dropna(how="all")  # empty lines


def _header(path: Path, text: str, delimiter: str) -> list[str]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    names = [name.strip() for name in next(lines, [])]
    if not any(names):
        raise UserError(f"{path}:1: expected the names of columns, found an empty line")
    return names


def _told(path: Path, error: Exception) -> str:
    if found := _FIELDS.search(str(error)):
        expected, line, got = found.groups()
        return f"{path}:{line}: expected {expected} fields, got {got}"
    if "Length of header" in str(error):
        return f"{path}:2: expected as many fields as there are names of columns, got more"
    return f"{path}: expected a table: {_one_line(error)}"


def require_columns(path: Path, frame: pd.DataFrame, columns: list[str], option: str) -> None:
    """Raise a UserError, which lists the columns, if the frame lacks one of these."""
    for column in columns:
        if column not in frame.columns:
            listed = ", ".join(repr(str(each)) for each in list(frame.columns)[:20])
            raise UserError(f"{path}: expected a column {column!r} ({option}), the columns are {listed}")


def is_numeric(frame: pd.DataFrame, column: str) -> bool:
    """Return whether a column holds numbers, truth values or nothing."""
    return frame[column].dtype.kind in "biuf" or bool(frame[column].isna().all())


def numbers(path: Path, frame: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column as float64 (rows,), NaN where a value is missing.

    Raises:
        UserError: a cell is a text, infinite or beyond 1e30. The message names its line, or row of a Parquet
            file, and what it holds.
    """
    import pandas as pd

    cells = frame[column]
    values = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = np.isnan(values) & ~cells.isna().to_numpy() | (np.abs(values) > LARGEST)
    if wrong.any():
        place = int(np.argmax(wrong))
        where = f"{path}:{frame.index[place]}: {column!r}"
        cell = cells.iloc[place]
        found = cell.item() if isinstance(cell, np.generic) else cell
        raise UserError(f"{where}: expected a number of at most {LARGEST:g}, got {found!r}")
    return values


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
