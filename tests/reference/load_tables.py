"""Tables of a daily wave, and settings of a small network that forecasts it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.forecasting.config import ForecastConfig

SMALL = ForecastConfig(units=4, look_back=6, horizon=3, segment=3, max_scored_on_device=5)
STEPS = 90


def csv_of(folder: Path, *, gaps: Collection[int] = (), ahead: int = 0, names: Sequence[str] = ("",)) -> Path:
    """Write hours of a daily wave, a covariate, and a tariff that is known `ahead` hours longer."""
    path = folder / "load.csv"
    with path.open("w") as file:
        file.write("time,load,wind,tariff,who\n")
        for who in names:
            for hour in range(STEPS + ahead):
                time = np.datetime64("2021-05-01T00") + np.timedelta64(hour, "h")
                load = (
                    ""
                    if hour in gaps or hour >= STEPS
                    else 50 + 10 * np.sin(hour / 24 * 2 * np.pi) + hour % 3
                )
                file.write(f"{time}:00,{load},{hour % 5},{hour % 2},{who}\n")
    return path


def config_of(path: Path, **more: Any) -> ForecastConfig:
    """Return the settings of a small network that forecasts the load in such a table."""
    settings = {"dataset": str(path), "targets": ("load",), "covariates": ("wind",)}
    return dataclasses.replace(SMALL, **(settings | more))
