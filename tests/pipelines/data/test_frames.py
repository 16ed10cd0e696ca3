"""Tables of numbers: what is read, what is missing, and the one line for each mistake."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.data.frames import is_frame, is_numeric, numbers, read_frame, require_columns
from pipelines.data.tables import Form
from pipelines.errors import UserError

CONTENT = "time,a, b\n2020-01-01,1,x\n\n2020-01-02,NA,\n2020-01-03,,z\n"


def written(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_cells_without_a_value_are_missing_and_rows_keep_their_lines(tmp_path):
    frame = read_frame(written(tmp_path, CONTENT))
    assert list(frame.columns) == ["time", "a", "b"]
    assert list(frame.index) == [2, 4, 5]
    np.testing.assert_array_equal(numbers(tmp_path, frame, "a"), [1, np.nan, np.nan])
    assert is_numeric(frame, "a")
    assert not is_numeric(frame, "b")


def test_gzip_tabs_names_without_header_and_parquet_hold_the_same(tmp_path):
    frame = read_frame(written(tmp_path, "a,b\n1,2\n3,4\n"))
    packed = written(tmp_path, gzip.compress(b"a\tb\n1\t2\n3\t4\n"), "t.tsv.gz")
    bare = written(tmp_path, gzip.compress(b"1,2\n3,4\n"), "t.txt.gz")
    form = Form(columns=("a", "b"))
    assert is_frame(packed)
    assert is_frame(bare, form)
    assert not is_frame(bare)
    frame.to_parquet(tmp_path / "t.parquet")
    for each in (read_frame(packed), read_frame(bare, form), read_frame(tmp_path / "t.parquet")):
        pd.testing.assert_frame_equal(each.reset_index(drop=True), frame.reset_index(drop=True))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"t\.csv:1: expected the names of columns"),
        ("a,b\n", "expected a table with rows, found none"),
        ("a,a\n1,2\n", "expected one column of each name, got 'a' twice"),
        ("a,b\n1,2\n1,2,3\n", "t.csv:3: expected 2 fields, got 3"),
        ("a,b\n1,2,3\n", "t.csv:2: expected as many fields as there are names of columns, got more"),
        ('a,b\n1,"2\n', "expected a table: .*EOF"),
        (b"\x89PNG\x00\xff\xfe", "expected text, got binary data"),
    ],
)
def test_a_malformed_table_is_refused_in_one_line(tmp_path, content, message):
    with pytest.raises(UserError, match=message) as error:
        read_frame(written(tmp_path, content))
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"t\.parquet: expected a Parquet file: "):
        read_frame(written(tmp_path, "a,b\n1,2\n", "t.parquet"))
    with pytest.raises(UserError, match=r"none\.parquet: expected a Parquet file: No such file"):
        read_frame(tmp_path / "none.parquet")


def test_without_pyarrow_the_error_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError) as error:
        read_frame(written(tmp_path, b"PAR1", "t.parquet"))
    assert error.value.name == "pyarrow"


@pytest.mark.parametrize(
    ("cell", "told"), [("x", "'x'"), ("1e308", "1e\\+?308"), ("inf", "inf"), ("1,5", "'1,5'")]
)
def test_a_cell_that_is_no_number_is_named(tmp_path, cell, told):
    frame = read_frame(written(tmp_path, f'a,b\n1,2\n"{cell}",3\n'))
    with pytest.raises(UserError, match=rf":3: 'a': expected a number of at most 1e\+30, got .*{told}"):
        numbers(tmp_path, frame, "a")


def test_a_missing_column_is_named_with_its_option(tmp_path):
    frame = read_frame(written(tmp_path, "a,b\n1,2\n"))
    with pytest.raises(UserError, match=r"expected a column 'c' \(--targets\), the columns are 'a', 'b'"):
        require_columns(tmp_path, frame, ["a", "c"], "--targets")
