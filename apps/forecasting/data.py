"""Reads series: Seattle's weather, or the user's own tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.config import to_dict
from pipelines.data import series
from pipelines.data.series import Cuts, SeriesData, Windowing
from pipelines.data.series_files import Columns, SeriesFile, read_series
from pipelines.data.tables import Form
from pipelines.data.time_steps import Step
from pipelines.errors import UserError

from .config import ForecastConfig
from .embedded.seattle import seattle_weather


def load(config: ForecastConfig, as_given: bool = False) -> SeriesData:
    """Return the windows of the series in `config.dataset`, by split.

    With `as_given`, for series that are only scored, all windows are in one split.

    Raises:
        UserError: one line, when the file can't be read or holds too little.
    """
    from pipelines.data import source  # not on a device, whose `predict` uses the rest of this module

    def from_files(path: Path) -> SeriesData:
        found = read(path, to_dict(config))
        windowing = windowing_of(config, found.step)
        if as_given:
            return series.as_given(found, windowing, path.name)
        cuts = Cuts(config.validation, config.test, config.validation_from, config.test_from, config.until)
        return series.splits_of(found, cuts, windowing, most=config.max_scored_on_device, source=path.name)

    def from_builder(builder: Any) -> SeriesData:
        raise UserError(f"{config.dataset}: expected a CSV or Parquet file of series, got a TFDS set")

    readers = source.Readers(
        embedded={},
        from_builder=from_builder,
        from_files=from_files,
        embedded_files={"embedded": seattle_weather},
    )
    data = source.load(config, readers)
    assert isinstance(data, SeriesData)
    return data


def read(path: Path, settings: dict[str, Any]) -> SeriesFile:
    """Return the series of a file, read by the settings of the app; raise UserError if it can't be read."""
    if path.is_dir():
        raise UserError(f"{path}: expected a CSV or Parquet file of series, found a folder")
    return read_series(path, Columns.of(settings), Form.of(settings))


def windowing_of(config: ForecastConfig, step: Step) -> Windowing:
    """Return how series of this step are cut into windows."""
    chosen = tuple(each for each in config.calendar if each != "none")
    periods = chosen if config.calendar else step.periods
    return Windowing(config.look_back, config.horizon, periods if step.seconds or step.months else ())
