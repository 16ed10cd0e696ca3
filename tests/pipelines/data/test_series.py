"""Windows of series: splits by time that nothing reaches over, and arrays made where they are read."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.data.series import Cuts, Windowing, Windows, as_given, as_table, splits_of
from pipelines.data.series_files import Columns, Series, SeriesFile
from pipelines.data.time_steps import Step
from pipelines.errors import UserError

T, WINDOWING = 40, Windowing(look_back=5, horizon=3, periods=())
CUTS = Cuts(0.2, 0.25)


def file_of(*values: np.ndarray, known: int = 0) -> SeriesFile:
    """Series of days whose values are the numbers of their rows."""
    days = np.datetime64("2020-01-01T00:00:00") + np.arange(T) * np.timedelta64(86400, "s")
    columns = Columns(targets=("a",), future_covariates=("k",) * known)
    series = [Series(str(n), days[: len(each)], each) for n, each in enumerate(values)]
    return SeriesFile(series, columns, Step(86400))


def numbered(size: int = T) -> np.ndarray:
    return np.arange(size, dtype=float)[:, None]


def rows_of(data, split: str) -> list[np.ndarray]:
    return [window[:, 0] for window in data.splits[split].inputs]


def test_what_is_forecast_lies_in_one_split_and_training_sees_nothing_later():
    data = splits_of(file_of(numbered()), CUTS, WINDOWING, most=3, source="it")
    first = {"train": 0, "validation": 22, "whole": 30}
    last = {"train": 22, "validation": 30, "whole": T}
    for name, start in first.items():
        ahead = np.stack(rows_of(data, name))[:, 5:]
        assert ahead.min() >= start
        assert ahead.max() == last[name] - 1
        assert len(ahead) == last[name] - max(start, 5) - 3 + 1  # every step of the split, and none twice
    assert np.stack(rows_of(data, "train")).max() < 22
    assert len(data.splits["test"]) == 3
    seconds = data.splits["whole"].targets[0, 2]
    assert np.datetime64(int(seconds), "s") == np.datetime64("2020-01-31T00:00:00")


def test_times_can_cut_instead_of_shares_and_several_series_are_cut_at_the_same_time():
    cuts = Cuts(0.1, 0.1, "2020-01-16", "2020-01-26", "2020-02-05")
    data = splits_of(file_of(numbered(), numbered(30)), cuts, WINDOWING, most=99, source="it")
    ahead = {name: np.stack(rows_of(data, name))[:, 5:] for name in ("train", "validation", "whole")}
    assert [int(each.max()) for each in ahead.values()] == [14, 24, 34]
    assert set(data.splits["train"].targets[:, 0]) == {0, 1}
    assert data.test_splits == ["test", "whole"]


@pytest.mark.parametrize(
    ("cuts", "windowing", "message"),
    [
        (CUTS, Windowing(5, 11, ()), "it: validation has 8 steps: expected at least 11 with values"),
        (Cuts(0.4, 0.1), Windowing(5, 5, ()), "it: test has 4 steps: expected at least 5 .* --horizon 5"),
        (CUTS, Windowing(20, 3, ()), "it: train has 22 steps: expected at least 23"),
        (
            Cuts(0.1, 0.1, "2020-02-30"),
            WINDOWING,
            "--validation-from: expected a time such as .*'2020-02-30'",
        ),
        (Cuts(0.1, 0.1, "2020-02-20", "2020-01-20"), WINDOWING, "--test-from: expected a time after"),
        (Cuts(0.1, 0.1, "2019-02-20"), WINDOWING, "--validation-from: expected a time after 2020"),
    ],
)
def test_a_split_that_is_too_short_is_told(cuts, windowing, message):
    with pytest.raises(UserError, match=message):
        splits_of(file_of(numbered()), cuts, windowing, most=9, source="it")


def test_windows_of_nothing_but_missing_values_are_left_out():
    values = numbered()
    values[8:14] = np.nan
    data = splits_of(file_of(values), CUTS, WINDOWING, most=9, source="it")
    for window in rows_of(data, "train"):
        assert not np.isnan(window[:5]).all()
        assert not np.isnan(window[5:]).all()


def test_columns_known_ahead_are_those_of_a_horizon_later():
    values = np.stack([np.arange(8.0), 10 + np.arange(8.0)], axis=1)
    table = as_table(values, np.arange(8), Windowing(2, 3, ()), known=1)
    np.testing.assert_array_equal(table[:, 0], np.arange(8))
    np.testing.assert_array_equal(table[:, 1], [13, 14, 15, 16, 17, 17, 17, 17])


def test_windows_read_like_the_array_that_they_make():
    windows = list(np.random.default_rng(0).normal(size=(7, 5, 2)).astype(np.float32))
    array = Windows(windows, lambda each: each[:, :3] * 2)
    whole = np.stack(windows)[:, :3] * 2
    assert (array.shape, array.dtype, array.ndim, len(array)) == (whole.shape, whole.dtype, 3, 7)
    np.testing.assert_array_equal(array[2:5], whole[2:5])
    np.testing.assert_array_equal(array[np.array([4, 0])], whole[[4, 0]])


def test_series_that_are_only_scored_are_one_split():
    assert len(as_given(file_of(numbered()), WINDOWING, "it").splits["test"]) == T - 8 + 1
    with pytest.raises(UserError, match="it: expected 8 steps with values or more in one series"):
        as_given(file_of(numbered(7)), WINDOWING, "it")
