"""Settings and presets of the forecasting app."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pipelines.config import (
    RECURRENT_SPACE,
    Range,
    SequenceConfig,
    TableConfig,
    require,
    require_at_least,
    require_rates,
)

Network = Literal["direct", "segments", "autoregressive"]


@dataclass(frozen=True)
class ForecastConfig(TableConfig, SequenceConfig):
    """Settings of the series, the windows and the network."""

    time_column: tuple[str, ...] = ()
    """The column of times in your file, or several: year month day hour. Default: the first column. `none`:
    there are no times, and each row is a step."""
    targets: tuple[str, ...] = ()
    """The columns to forecast. Default: all columns of numbers that have no other use."""
    covariates: tuple[str, ...] = ()
    """Columns that help, but are not forecast."""
    future_covariates: tuple[str, ...] = ()
    """Columns that are known ahead, such as holidays or tariffs. A forecast reads them over its horizon."""
    series_column: str | None = None
    """The column with the name of the series, in a file of several."""
    validation: float = 0.15
    """The share of the time, before the test part, that is held out for validation."""
    test: float = 0.2
    """The share of the time, at its end, that is held out for the test."""
    validation_from: str | None = None
    """The time (or row, without times) at which the validation part begins, instead of a share."""
    test_from: str | None = None
    """The time (or row) at which the test part begins, instead of a share."""
    until: str | None = None
    """The time (or row) at which the test part ends. Default: the end of the data."""
    max_scored_on_device: int = 200
    """The largest number of windows of the test part, spread evenly, that each exported file is scored on.
    The network is scored on them and on all."""
    look_back: int = 14
    """Steps of the past that a forecast is made from."""
    horizon: int = 7
    """Steps that are forecast at once, two or more."""
    calendar: tuple[Literal["day", "week", "year", "none"], ...] = ()
    """The periods whose phase the network reads. Default: those that suit the step; `none` for no period."""
    logarithm: bool = False
    """Learn and score log(1 + value), for values of very different sizes, at least 0."""
    model: Network = "direct"
    """direct: all steps at once from the last state. segments: a GRU over segments, and all segments of the
    forecast side by side, each series by itself (SegRNN). autoregressive: step by step, from its own
    forecasts."""
    segment: int = 24
    """Length of a segment of the model `segments`. It must divide the look-back."""
    normalization: Literal["none", "last", "mean", "standard"] = "last"
    """What each window is normalised by, reversibly: its last value, its mean, or its mean and deviation."""
    distribution: Literal["point", "quantiles", "student_t"] = "quantiles"
    """What is forecast: a number, quantiles, or the quantiles of a Student t."""
    degrees: float = 5.0
    """Degrees of freedom of the Student t."""
    error: Literal["mse", "mae"] = "mse"
    """The error that point forecasts minimise."""
    linear: bool = False
    """Add a linear forecast of each series from its own window, with weights that all series share."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "max_scored_on_device", "segment")
        require_at_least(self, 2, "look_back", "horizon")
        require_rates(self, "validation", "test")
        require(self.validation > 0 and self.test > 0, "test", "above 0, like --validation", self.test)
        held_out = self.validation + self.test
        require(held_out < 1, "validation", "less than 1 together with --test", self.validation)
        require(self.degrees > 2, "degrees", "above 2", self.degrees)
        require(self.pretraining_epochs == 0, "pretraining_epochs", "0", self.pretraining_epochs)
        known = not self.future_covariates or self.look_back >= self.horizon
        require(known, "look_back", "at least --horizon with --future-covariates", self.look_back)
        fits = self.model != "segments" or self.look_back % self.segment == 0
        require(fits, "look_back", f"a multiple of --segment {self.segment}", self.look_back)
        gru = self.model == "direct" or self.cell == "gru"
        require(gru, "cell", f"gru with --model {self.model}", self.cell)

    @property
    def network(self) -> str:
        """The recurrent layers, and the model if it isn't direct."""
        return super().network if self.model == "direct" else f"{self.model} {super().network}"


_SEATTLE = ForecastConfig(
    validation=0.25,
    test=0.25,
    normalization="mean",
    units=32,
    dropout=0.2,
    epochs=12,
    batch_size=32,
    learning_rate=3e-3,
    patience=8,
)
_ETTH1 = ForecastConfig(
    dataset="ETTh1.csv",
    validation_from="2017-06-26",
    test_from="2017-10-24",
    until="2018-02-21",
    calendar=("none",),
    max_scored_on_device=50,
    look_back=720,
    horizon=96,
    model="segments",
    segment=48,
    distribution="point",
    error="mae",
    units=128,
    dropout=0.5,
    epochs=5,
    batch_size=64,
    learning_rate=1e-3,
    patience=3,
)

SPACE = {
    **RECURRENT_SPACE,
    "look_back": Range(7, 336, logarithmic=True),
    "linear": (False, True),
}
"""What `sweep` varies."""
PRESETS = {
    # Four years of Seattle's weather: the next seven days.
    "default": _SEATTLE,
    # Runs the whole pipeline in a minute; its forecasts are poor.
    "smoke": replace(_SEATTLE, precisions=("float32", "int8"), units=6, epochs=1, max_scored_on_device=40),
    # For a microcontroller: the maximum temperature of the next three days.
    "tiny": replace(_SEATTLE, targets=("temp_max",), units=8, dropout=0.0, look_back=7, horizon=3),
    # ETTh1.csv of ETDataset: the load and the oil temperature of a transformer, hour by hour.
    "etth1": _ETTH1,
    "etth1_336": replace(_ETTH1, horizon=336, linear=True, units=256, dropout=0.7, learning_rate=5e-4),
    # pollution.csv of the UCI set "Beijing PM2.5": the next 24 hours, scored as logarithms.
    "beijing": ForecastConfig(
        dataset="pollution.csv",
        time_column=("year", "month", "day", "hour"),
        targets=("pm2.5",),
        covariates=("DEWP", "TEMP", "PRES", "Iws"),
        validation_from="2013-01-01",
        test_from="2014-01-01",
        logarithm=True,
        look_back=48,
        horizon=24,
        units=64,
        dropout=0.3,
        epochs=5,
        learning_rate=2e-3,
    ),
    # exchange_rate.txt.gz of "multivariate-time-series-data": eight currencies, a day a row.
    "exchange": ForecastConfig(
        dataset="exchange_rate.txt.gz",
        time_column=("none",),
        columns=("AUD", "GBP", "CAD", "CHF", "CNY", "JPY", "NZD", "SGD"),
        validation=0.1,
        test=0.2,
        look_back=96,
        horizon=24,
        model="segments",
        segment=24,
        units=64,
        dropout=0.3,
        epochs=10,
    ),
}
