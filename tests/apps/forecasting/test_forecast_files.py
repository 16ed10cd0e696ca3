"""Untrained networks as files: several series, what is known ahead, integers, microcontrollers."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from reference.bundles import head, record
from reference.load_tables import STEPS, config_of, csv_of

from apps.forecasting.config import PRESETS
from apps.forecasting.data import load
from apps.forecasting.features import make_features
from apps.forecasting.model import build_model
from apps.forecasting.predict import Options, describe, predict
from apps.forecasting.series_input import recent_series
from pipelines.config import to_dict
from pipelines.errors import UserError
from pipelines.export import any_model
from pipelines.export.bundle_writing import write_bundle
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.micro.write import write_micro
from pipelines.export.tflite.convert import convert
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Stream

PLACES = ("north", "south")


@pytest.fixture(scope="module")
def of_places(tmp_path_factory) -> Bundle:
    """Give a network that forecasts the loads of two places, and knows the tariff ahead."""
    folder = tmp_path_factory.mktemp("places")
    path = csv_of(folder, names=PLACES)
    config = config_of(path, future_covariates=("tariff",), series_column="who")
    features = make_features(config, load(config))
    network, files = build_model(config, features), []
    for execution in ("loop", "step"):
        content = any_model.convert(network, "float32", execution, features.inputs["test"])
        files.append((record("float32", execution), content))
    about = {"labels": [], "preprocessing": features.preprocessing, "config": to_dict(config)}
    return write_bundle(folder / "bundle", head(app="forecasting", **about), files, {})


def forecasts(bundle: Bundle, path: Path, **options) -> tuple[list[dict], list[dict]]:
    """Return the answers for a file, and the rows of the table that is written."""
    out = path.with_name("forecast.csv")
    answers = list(predict(bundle, [], None, Options(csv=path, out=out, **options)))
    with out.open() as file:
        return answers, list(csv.DictReader(file))


def test_every_series_of_a_file_is_forecast_with_what_is_known_ahead(of_places, tmp_path):
    path = csv_of(tmp_path, names=PLACES, ahead=3)
    answers, rows = forecasts(of_places, path, samples=2)
    assert [(each["series"], each["from"]) for each in answers] == [
        (place, "2021-05-04T18:00:00") for place in PLACES
    ]
    assert describe(answers[1]).startswith("series south, from 2021-05-04T18:00:00: load ")
    assert [row["series"] for row in rows] == ["north"] * 3 + ["south"] * 3
    assert all(np.isfinite(float(row[column])) for row in rows for column in ("q0.5", "path_1", "path_2"))
    north, south = recent_series(of_places, path)
    for series in (north, south):
        hours = np.arange(STEPS - 6, STEPS)
        np.testing.assert_array_equal(series.window[:, 1:3], np.stack([hours % 5, (hours + 3) % 2], axis=1))
    path.write_text(re.sub(r",,(\d),\d,north", r",,\1,7,north", path.read_text()))  # another tariff ahead
    _, others = forecasts(of_places, path)
    changed = [row["q0.5"] != other["q0.5"] for row, other in zip(rows, others, strict=True)]
    assert changed == [True] * 3 + [False] * 3


@pytest.mark.parametrize("ahead", [0, 2])
def test_what_must_be_known_ahead_and_is_not_is_told(of_places, tmp_path, ahead):
    path = csv_of(tmp_path, names=PLACES, ahead=ahead)
    said = r"load.csv: series 'north': expected tariff in the 3 rows after the last value, to 2021-05-04T20"
    with pytest.raises(UserError, match=said):
        forecasts(of_places, path)


def test_the_preset_for_microcontrollers_fits_there(tmp_path):
    config = PRESETS["tiny"]
    features = make_features(config, load(config))
    network = build_model(config, features)
    assert network.count_params() < 1000
    content = any_model.convert(network, "int8", "step", features.inputs["train"][:40])
    micro = write_micro(content, tmp_path, "weather")
    assert len(micro.content) < 25_000
    assert micro.arena_bytes is None or micro.arena_bytes < 60_000  # None: tflite-micro isn't installed


def test_the_weather_is_read_as_data_and_its_package_named_if_it_is_missing(monkeypatch):
    assert len(load(PRESETS["smoke"]).splits["train"]) > 700
    assert "vega_datasets" not in sys.modules
    monkeypatch.setitem(sys.modules, "vega_datasets", None)  # then it can't be found
    with pytest.raises(UserError, match=r"need vega_datasets: pip install 'unrolled\[series\]'$"):
        load(PRESETS["smoke"])


@pytest.mark.parametrize(("model", "normalization"), [("segments", "standard"), ("autoregressive", "last")])
def test_the_other_networks_stream_as_int8_files_in_raw_values(tmp_path, model, normalization):
    config = config_of(csv_of(tmp_path), model=model, covariates=(), normalization=normalization)
    features = make_features(config, load(config))
    network = build_model(config, features)
    inputs = features.inputs["test"]
    shapes = {"series": (inputs.shape[1:], "float32")}
    write_saved_model(network, tmp_path / "saved", shapes, ["forecast"], execution="step")
    content = convert(tmp_path / "saved", "int8", "step", [{"series": each[None]} for each in inputs])
    errors = Stream(content).predict(inputs) - np.asarray(network(inputs))
    assert np.abs(errors).max() < 0.1 * np.ptp(network(inputs))
