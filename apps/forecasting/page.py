"""The tables that the page of a bundle carries, and what Python forecasts from them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.app import Page
from pipelines.data.time_steps import Step
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model, Stream
from pipelines.page.golden import CASES, Golden
from pipelines.tasks.forecasting import LEVELS

from .features import encode
from .series_input import recent_series

_MORE = 10
"""Rows of a table beyond those that the network reads."""
_FIRST = np.datetime64("2024-01-01", "s")


def settings() -> Mapping[str, Any]:
    """Return the levels of the quantiles."""
    return {"levels": LEVELS}


def inputs(bundle: Bundle) -> Sequence[str]:
    """Return tables as CSV: days of Seattle's weather, or if the network reads other columns, random walks.

    Raises:
        UserError: the network reads several series of a file, or what is known ahead.
    """
    config = bundle.manifest["config"]
    if config["series_column"] or config["future_covariates"]:
        raise UserError(f"{bundle.folder}: the page forecasts one series, and from its past only")
    length = bundle.preprocessing["look_back"] + _MORE
    names = [*bundle.preprocessing["targets"], *config["covariates"]]
    if bundle.manifest["dataset"] == "seattle-weather.csv":
        return _seattle(length)
    return [_walk(bundle, names, length, np.random.default_rng(seed)) for seed in range(CASES)]


def _seattle(length: int) -> list[str]:
    """Return stretches of the last two years, which the network was not trained on."""
    from .embedded.seattle import seattle_weather

    header, *rows = seattle_weather().read_text().splitlines()
    late = rows[len(rows) // 2 :]
    starts = np.linspace(0, len(late) - length, CASES).astype(int)
    return ["\n".join([header, *late[start : start + length]]) for start in starts]


def _walk(bundle: Bundle, names: Sequence[str], length: int, rng: np.random.Generator) -> str:
    """Return a table around the means of the training data."""
    step = Step(*bundle.preprocessing["step"])
    times = step.after(_FIRST, length) if step.seconds or step.months else np.arange(length)
    mean, deviation = (np.array(bundle.preprocessing[name][: len(names)]) for name in ("fill", "deviation"))
    values = mean + deviation * 0.3 * rng.normal(size=(length, len(names))).cumsum(axis=0)
    header = ",".join(["time", *names])
    return "\n".join(
        [
            header,
            *(f"{time},{','.join(map(str, row))}" for time, row in zip(times, values.round(4), strict=True)),
        ]
    )


def answers(bundle: Bundle, file: str, tables: Sequence[str]) -> Iterator[Golden]:
    """Yield for each table the times of the forecast, and its numbers in deviations of the training data."""
    run = _stream(bundle, file) if bundle.variant(file)["execution"] == "step" else _whole(bundle, file)
    count = len(bundle.preprocessing["targets"])
    deviation = np.array(bundle.preprocessing["deviation"][:count])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "series.csv")
        for table in tables:
            path.write_text(table)
            (series,) = recent_series(bundle, path)
            window = encode(bundle, [series.window])
            outputs = run(window)
            scale = deviation.reshape(1, count, *(1,) * (outputs.ndim - 2))
            yield Golden(
                answer=[str(time) for time in series.times],
                outputs=outputs / scale,
                inputs={"series": window},
            )


def _whole(bundle: Bundle, file: str) -> Any:
    model = Model(bundle.variant_path(file))
    return lambda window: model.predict(window)[0]


def _stream(bundle: Bundle, file: str) -> Any:
    stream = Stream(bundle.variant_path(file))
    (name,) = stream.inputs

    def run(window: np.ndarray) -> np.ndarray:
        stream.reset()
        for row in window[0]:
            (outputs,) = stream(**{name: row[None, None]}).values()
        return outputs[0]

    return run


PAGE = Page("series", inputs, answers, settings())
