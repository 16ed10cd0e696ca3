"""Series of tables: equal steps, and a line or a stated treatment for everything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.data.series_files import Columns, read_series
from pipelines.data.tables import Form
from pipelines.data.time_steps import Step, calendar
from pipelines.errors import UserError

HOURS = [f"2020-03-01 {hour:02}:00" for hour in range(6)]


def written(folder: Path, rows: list[str], header: str = "time,a,b") -> Path:
    path = folder / "s.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def rows(*values: str) -> list[str]:
    return [f"{time},{value},1" for time, value in zip(HOURS, values, strict=False)]


def found(folder: Path, lines: list[str], columns: Columns | None = None, header: str = "time,a,b"):
    return read_series(written(folder, lines, header), columns or Columns())


def test_the_step_is_told_and_missing_values_stay_missing(tmp_path):
    file = found(tmp_path, rows("1", "NA", "", "4"))
    (series,) = file.series
    assert file.step == Step(3600)
    assert file.columns.targets == ("a", "b")
    np.testing.assert_array_equal(series.values[:, 0], [1, np.nan, np.nan, 4])
    assert file.notes == [
        "s.csv: 2 missing values of targets are masked, and not scored",
        "s.csv: steps of 1 hour",
    ]


def test_missing_values_are_counted_by_what_the_columns_are(tmp_path):
    columns = Columns(targets=("a",), covariates=("b",), future_covariates=("c",))
    lines = [f"{HOURS[0]},1,,3", f"{HOURS[1]},2,,3", f"{HOURS[2]},,2,", f"{HOURS[4]},1,2,3"]
    file = found(tmp_path, lines, columns, "time,a,b,c")
    assert file.notes[1:] == [
        "s.csv: 2 missing values of targets are masked, and not scored",
        "s.csv: 3 missing values of covariates are masked, and the last ones before them are read",
        "s.csv: 2 missing values of future covariates aren't masked: the last ones before them are read",
        "s.csv: steps of 1 hour",
    ]


DAYS = pd.date_range("2020-01-05", periods=3)


@pytest.mark.parametrize(
    "times",
    [DAYS, DAYS.tz_localize("Europe/Berlin"), DAYS.to_period("D"), pd.Index(DAYS.date)],
    ids=["times", "zoned", "periods", "dates"],
)
def test_times_of_parquet_are_a_column_or_the_index(tmp_path, times):
    path = tmp_path / "s.parquet"
    values = pd.DataFrame({"x": [1.0, np.nan, 3.0], "y": [4, 5, 6]})
    frames = [values.set_index(times), values.set_index(times.rename("day"))]
    if times.inferred_type != "period":
        frames.append(frames[1].reset_index())
    for frame in frames:
        frame.to_parquet(path)
        file = read_series(path, Columns())
        (series,) = file.series
        assert (file.step, file.columns.targets) == (Step(86400), ("x", "y"))
        zoned = any("as UTC" in note for note in file.notes)
        assert str(series.times[0]) == ("2020-01-04T23:00:00" if zoned else "2020-01-05T00:00:00")
        assert zoned == (getattr(times, "tz", None) is not None)
        np.testing.assert_array_equal(series.values, values)


def test_a_parquet_index_of_series_and_times_and_one_that_only_counts(tmp_path):
    path, places = tmp_path / "s.parquet", ["north", "south"]
    both = pd.MultiIndex.from_product([places, DAYS], names=["where", None])
    pd.DataFrame({"x": range(6)}, index=both).to_parquet(path)
    file = read_series(path, Columns(("time",), series_column="where"))
    assert [each.name for each in file.series] == places
    pd.DataFrame({"day": DAYS, "x": range(3)}).rename_axis("row").to_parquet(path)
    assert read_series(path, Columns()).columns.targets == ("x",)


def test_rows_going_backwards_double_rows_and_gaps_are_treated_and_said(tmp_path):
    lines = rows("1", "2", "3", "4")
    file = found(tmp_path, [lines[3], lines[0], lines[1], lines[1]])
    (series,) = file.series
    np.testing.assert_array_equal(series.values[:, 0], [1, 2, np.nan, 4])
    np.testing.assert_array_equal(np.diff(series.times).astype(int), 3600)
    told = "\n".join(file.notes)
    assert "rows whose times go backwards are sorted by time" in told
    assert "1 equal rows of one time are left out" in told
    assert "1 of 4 steps have no row, and count as missing" in told


def test_times_with_zones_are_utc_and_text_columns_are_left_out(tmp_path):
    lines = ["2020-03-29T01:00:00+01:00,1,x", "2020-03-29T03:00:00+02:00,2,y", "2020-03-29T04:00:00+02:00,3,"]
    file = found(tmp_path, lines)
    assert file.series[0].times[0] == np.datetime64("2020-03-29T00:00:00")
    assert file.step == Step(3600)  # though the clock was changed
    assert "s.csv: times with a zone are read as UTC" in file.notes
    assert "s.csv: columns without numbers are left out: b" in file.notes


@pytest.mark.parametrize(
    ("days", "step"),
    [
        (["2020-01-31", "2020-02-29", "2020-03-31", "2020-05-31"], Step(months=1)),
        (["2020-01-01", "2020-04-01", "2020-07-01"], Step(months=3)),
        (["2020-01-01", "2020-01-08", "2020-01-15"], Step(7 * 86400)),
        (["2019-01-01", "2020-01-01", "2021-01-01"], Step(months=12)),
    ],
)
def test_months_are_steps_though_their_days_differ(tmp_path, days, step):
    file = found(tmp_path, [f"{day},{number},1" for number, day in enumerate(days)])
    assert file.step == step
    times = file.series[0].times
    assert [str(time)[:10] for time in times if str(time)[:10] in days] == days
    assert str(step.after(times[-2], 1)[0]) == str(times[-1])


def test_several_series_have_one_step_and_their_own_times(tmp_path):
    lines = ["p,2020-01-01,1", "q,2020-01-03,5", "p,2020-01-02,2", "q,2020-01-05,7", "p,2020-01-03,3"]
    file = found(tmp_path, lines, Columns(("day",), ("x",), series_column="of"), "of,day,x")
    assert [each.name for each in file.series] == ["p", "q"]
    np.testing.assert_array_equal(file.series[1].values[:, 0], [5, np.nan, 7])
    assert str(file.series[1].times[0]) == "2020-01-03T00:00:00"


def test_a_file_without_times_and_times_in_several_columns(tmp_path):
    path = tmp_path / "s.txt"
    path.write_text("1,2\n3,4\n5,6\n")
    file = read_series(path, Columns(("none",)), Form(columns=("a", "b")))
    assert file.step == Step()
    assert file.series[0].times.tolist() == [0, 1, 2]
    lines = ["2020,1,1,0,5", "2020,1,1,1,6"]
    file = found(tmp_path, lines, Columns(("year", "month", "day", "hour")), "year,month,day,hour,x")
    assert file.step == Step(3600)


MISTAKES = {
    "one row": (rows("1"), Columns(), "s.csv: expected rows of two times or more, found one"),
    "text": (
        rows("1", "x"),
        Columns(targets=("a",)),
        "s.csv:3: 'a': expected a number of at most 1e\\+30, got 'x'",
    ),
    "1e308": (
        rows("1", "1e308"),
        Columns(),
        "s.csv:3: 'a': expected a number of at most 1e\\+30, got 1e\\+308",
    ),
    "empty": (rows("", "NA"), Columns(targets=("a",)), "column 'a', all its cells are empty"),
    "no time": (
        ["x,1,1", "y,2,2"],
        Columns(),
        "s.csv:2: 'time': expected a time, got 'x' \\(--time-column\\)",
    ),
    "empty time": ([*rows("1"), ",2,1"], Columns(), "s.csv:3: 'time': expected a time, got an empty cell"),
    "numbers as times": (
        rows("1", "2"),
        Columns(("a",)),
        "found numbers: name another one with --time-column, or",
    ),
    "twice": (
        [*rows("1", "2"), rows("1", "3")[1]],
        Columns(),
        "expected one row of each time .* is there twice",
    ),
    "changing": (
        [*rows("1", "2", "3"), "2020-03-01 02:20,4,1"],
        Columns(),
        "after 2020-03-01T02:00:00 the step changes: expected steps of 1 hour",
    ),
    "a hole": (
        [*rows("1", "2", "3"), "2099-01-01 00:00,4,1"],
        Columns(),
        "expected steps of 1 hour, but there are 4",
    ),
    "no column": (rows("1", "2"), Columns(covariates=("c",)), "expected a column 'c' \\(--covariates\\)"),
    "used twice": (rows("1", "2"), Columns(targets=("a",), covariates=("a",)), "'a' has another use already"),
    "no numbers": (["2020-01-01,x", "2020-01-02,y"], Columns(), "expected a column of numbers to forecast"),
    "no series": (
        [*rows("1"), "2020-03-01 01:00,2,"],
        Columns(series_column="b"),
        "expected the name of a series",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line(tmp_path, name):
    lines, columns, message = MISTAKES[name]
    with pytest.raises(UserError, match=message) as error:
        found(tmp_path, lines, columns, "time,a,b" if lines[0].count(",") == 2 else "time,a")
    assert "\n" not in str(error.value)


def test_the_calendar_is_the_phase_in_each_period():
    times = np.array(["2020-01-01T06:00", "2020-07-01T18:00"], "datetime64[s]")
    phases = calendar(times, ("day", "week", "year"))
    np.testing.assert_allclose(phases[:, 0], [1, -1], atol=1e-6)
    assert phases.shape == (2, 6)
    assert phases[1, 5] == pytest.approx(-1, abs=0.01)  # the cosine of half a year
    assert calendar(times, ()).shape == (2, 0)
    assert Step(3600).periods == ("day", "week")
    assert [Step(3600).season, Step(86400).season, Step(months=1).season, Step().season] == [24, 7, 12, 1]
