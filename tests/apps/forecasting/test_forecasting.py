"""Series of the user from file to forecast, what is missing in them, and what a trained network tells."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from reference.load_tables import SMALL, STEPS, config_of, csv_of

import layers
from apps.forecasting.config import PRESETS
from apps.forecasting.data import load
from apps.forecasting.features import encode, make_features, rows_of, targets_of
from apps.forecasting.metrics import baselines
from apps.forecasting.model import build_model, make_loss
from apps.forecasting.paths import drawn_paths
from apps.forecasting.plots import make_plots, show
from apps.forecasting.predict import Options, describe, predict
from apps.forecasting.series_input import recent_series
from pipelines.errors import UserError
from pipelines.evaluation.outcome import Outcome, Progress
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.convert import convert
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model, Stream
from pipelines.tasks.forecasting import LEVELS, middle


def test_what_is_missing_is_the_last_value_marked_and_never_a_silent_zero(tmp_path):
    config = config_of(csv_of(tmp_path, gaps=(10, 11)))
    data = load(config)
    features = make_features(config, data)
    inputs = features.inputs["train"][:]
    assert features.preprocessing["masked"]
    assert inputs.shape[2] == 2 + 4 + 2  # two values, the phases of a day and a week, two masks
    values, masks = inputs[..., 0], inputs[..., 6]
    raw = np.stack(data.splits["train"].inputs)[:, :6, 0]
    np.testing.assert_array_equal(masks == 0, np.isnan(raw))
    assert values.min() > 30
    row = next(
        window for window in range(len(raw)) if np.isnan(raw[window, 3]) and not np.isnan(raw[window, 2])
    )
    assert values[row, 3] == raw[row, 2]
    targets = features.targets["train"][:]
    assert np.isnan(targets[..., 0]).any()
    model = build_model(config, features)
    loss = make_loss(config)(targets, model(inputs))
    assert np.isfinite(float(loss))


def test_scales_come_from_the_training_part_only(tmp_path):
    config = config_of(csv_of(tmp_path))
    data = load(config)
    settings = make_features(config, data).preprocessing
    rows = rows_of(data.splits["train"])
    assert abs(len(rows) - STEPS * 0.65) < 1
    assert settings["mean"][0] == pytest.approx(rows[:, 0].mean())
    assert settings["deviation"][0] == pytest.approx(rows[:, 0].std())
    assert settings["change"][0] == pytest.approx(np.abs(np.diff(rows[:, 0])).mean(), rel=1e-5)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"model": "segments", "normalization": "standard", "distribution": "point", "linear": True},
        {"model": "segments", "future_covariates": ("tariff",), "depth": 2},
        {"model": "autoregressive", "distribution": "student_t", "normalization": "mean"},
        {"model": "autoregressive", "logarithm": True, "normalization": "none"},
        {"cell": "lstm", "depth": 2, "distribution": "student_t", "calendar": ("none",)},
    ],
)
def test_every_network_streams_what_it_computes_on_the_whole_window(tmp_path, more):
    config = config_of(csv_of(tmp_path), **more)
    features = make_features(config, load(config))
    model = build_model(config, features)
    inputs = features.inputs["test"]
    outputs = np.asarray(model(inputs))
    levels = () if config.distribution == "point" else (len(LEVELS),)
    assert outputs.shape == (5, 3, 1, *levels)
    assert 20 < outputs.min() <= outputs.max() < 200  # in the unit of the file
    if levels:
        assert (np.diff(outputs, axis=-1) >= 0).all()
    step = layers.OneStep(model)
    states = step.initial_states(5)
    for before in (inputs[:, :2] * 1.1, inputs):  # what came before the window is forgotten
        for row in range(before.shape[1]):
            streamed, states = step(before[:, row : row + 1], states)
    np.testing.assert_allclose(streamed, outputs, rtol=1e-4)
    assert np.isfinite(float(make_loss(config)(features.targets["test"], model(inputs, training=True))))


@pytest.mark.parametrize("model", ["direct", "segments"])
def test_columns_of_very_different_sizes_do_not_share_a_scale_in_int8(tmp_path, model):
    path = csv_of(tmp_path)
    table = pd.read_csv(path)
    table.assign(pressure=1e5 + 100.0 * (table.index % 7)).to_csv(path, index=False)
    config = config_of(path, model=model, covariates=("wind", "pressure"))
    features = make_features(config, load(config))
    network = build_model(config, features)
    shape = features.inputs["test"].shape[1:]
    write_saved_model(network, tmp_path / "saved", {"series": (shape, "float32")}, ["forecast"])
    train = features.inputs["train"][:]
    file = Model(convert(tmp_path / "saved", "int8", "loop", [{"series": each[None]} for each in train[:20]]))
    differences = file.predict(train[20:40]) - network.predict(train[20:40], verbose=0)
    assert np.sqrt(np.square(differences).mean()) < 0.1 * features.preprocessing["deviation"][0]


def test_a_change_of_level_changes_the_forecast_by_as_much(tmp_path):
    config = config_of(csv_of(tmp_path), model="segments", normalization="mean", calendar=("none",))
    features = make_features(
        dataclasses.replace(config, covariates=()), load(dataclasses.replace(config, covariates=()))
    )
    model = build_model(config, features)
    inputs = features.inputs["test"]
    np.testing.assert_allclose(model(inputs + 1000) - 1000, model(inputs), atol=1e-2)


def test_constants_train_and_several_series_are_windows_of_one_split(tmp_path):
    path = csv_of(tmp_path, names=("north", "south"))
    config = config_of(path, series_column="who", covariates=())
    data = load(config)
    assert data.names == ("north", "south")
    assert set(data.splits["train"].targets[:, 0]) == {0, 1}
    constant = tmp_path / "constant.csv"
    constant.write_text("day,x\n" + "".join(f"{np.datetime64('2020-01-01') + n},5\n" for n in range(60)))
    config = dataclasses.replace(SMALL, dataset=str(constant))
    features = make_features(config, load(config))
    outputs = np.asarray(build_model(config, features)(features.inputs["test"]))
    assert np.isfinite(outputs).all()
    assert features.preprocessing["deviation"][0] == 1
    assert all(each["whole"] == 0 for each in baselines(config, None, features, None).values())


def test_a_horizon_longer_than_the_test_part_is_told(tmp_path):
    with pytest.raises(UserError, match=r"load.csv: test has 18 steps: expected at least 20 .*--horizon 20"):
        load(config_of(csv_of(tmp_path), horizon=20, validation=0.3))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"model": "segments", "look_back": 7}, "--look-back: expected a multiple of --segment 3, got 7"),
        ({"delimiter": "::"}, "--delimiter: expected one character, or .tab., got '::'"),
        ({"horizon": 1}, "--horizon: expected at least 2, got 1"),
        ({"future_covariates": ("x",), "horizon": 9}, "--look-back: expected at least --horizon with"),
        ({"validation": 0.6, "test": 0.5}, "--validation: expected less than 1 together with --test"),
        ({"model": "segments", "cell": "lstm"}, "--cell: expected gru with --model segments, got 'lstm'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(more, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(SMALL, **more)


# With the network of the smoke preset, trained on Seattle's weather.


@pytest.fixture(scope="module")
def bundle(training) -> Bundle:
    return Bundle.open(training("forecasting").bundle)


def weather(folder, days: int = 40, hot: int | None = None, first: str = "2016-01-01"):
    """Write a file of days like those that the network knows; one of them may be far too hot."""
    path = folder / "new.csv"
    rows = ["date,precipitation,temp_max,temp_min,wind"]
    for day in range(days):
        top = 60.0 if day == hot else 12 + day % 3
        rows.append(f"{np.datetime64(first) + day},{day % 4},{top},{5 + day % 2},3")
    path.write_text("\n".join(rows) + "\n")
    return path


def test_a_file_becomes_a_table_of_quantiles_and_a_picture(bundle, tmp_path):
    out = tmp_path / "forecast.csv"
    (answer,) = predict(bundle, [], None, Options(csv=weather(tmp_path), out=out))
    assert json.loads(json.dumps(answer)) == answer
    assert answer["from"].startswith("2016-02-10")
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7 * 4
    assert list(rows[0])[:3] == ["time", "series", "target"]
    for row in rows:
        quantiles = [float(row[f"q{level:g}"]) for level in LEVELS]
        assert quantiles == sorted(quantiles)
    assert rows[0]["time"] == "2016-02-10T00:00:00"
    line = describe(answer)
    assert line.startswith("from 2016-02-10")
    assert f"all steps: {out}" in line


def paths_of(answer) -> np.ndarray:
    """Return the paths in a table, (targets * horizon, samples)."""
    with Path(answer["written"]).open() as file:
        return np.array([[float(row[f"path_{n}"]) for n in (1, 2, 3)] for row in csv.DictReader(file)])


def test_paths_are_drawn_from_the_forecasts_and_the_same_seed_gives_the_same(bundle, tmp_path):
    def sampled(seed: int) -> np.ndarray:
        options = Options(csv=weather(tmp_path), out=tmp_path / "f.csv", samples=3, seed=seed)
        return paths_of(next(predict(bundle, [], None, options)))

    first = sampled(5)
    np.testing.assert_array_equal(sampled(5), first)
    assert (sampled(6) != first).any()
    (tmp_path / "f.png").unlink()  # so it was drawn
    model, stream = (kind(bundle.variant_path(f"float32_{name}.tflite")) for kind, name in
                     ((Model, "loop"), (Stream, "step")))  # fmt: skip
    (series,) = recent_series(bundle, weather(tmp_path))
    always_median = SimpleNamespace(uniform=lambda low, high, size: np.full(size, 0.5))
    paths = drawn_paths(bundle, stream, series, samples=1, rng=always_median)[..., 0]
    window = series.window
    for step, values in enumerate(paths):
        (wanted,) = middle(model.predict(encode(bundle, [window])))
        np.testing.assert_allclose(values, wanted[0], rtol=1e-4, atol=1e-3)
        read = np.concatenate([values, series.ahead[step, 4:]])
        window = np.concatenate([window[1:], read[None].astype(np.float32)])


def test_the_files_of_both_executions_forecast_the_same(bundle, tmp_path):
    data = load(PRESETS["smoke"])
    windows = encode(bundle, data.splits["test"].inputs[:3])
    whole = Model(bundle.variant_path("float32_loop.tflite")).predict(windows)
    streamed = Stream(bundle.variant_path("float32_step.tflite")).predict(windows)
    np.testing.assert_allclose(streamed, whole, rtol=1e-4, atol=1e-3)
    assert targets_of(bundle, data, data.splits["test"]).shape == (40, 7, 4, 3)


def test_a_value_that_no_forecast_expected_is_marked(bundle, tmp_path):
    out = tmp_path / "marked.csv"
    options = Options(csv=weather(tmp_path, hot=30), out=out, anomalies=True)
    (answer,) = predict(bundle, [], None, options)
    with out.open() as file:
        rows = list(csv.DictReader(file))
    marked = [row["time"] for row in rows if row["target"] == "temp_max"]
    assert "2016-01-31T00:00:00" in marked
    assert answer["anomalies"] == len(rows) < answer["judged"] == 4 * 26
    assert f"{len(rows)} of 104 values" in describe(answer)


@pytest.mark.parametrize(
    ("days", "content", "message"),
    [
        (9, None, r"new.csv: expected at least 14 steps with values, got 9"),
        (40, "date,temp_max\n2016-01-01,3\n2016-01-02,4\n", r"expected a column 'precipitation' \("),
        (0, "date,precipitation,temp_max,temp_min,wind\n2016-01-01 00:00,1,2,3,4\n2016-01-01 01:00,1,2,3,4\n",
         "new.csv: expected steps of 1 day as in training, found 1 hour"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_the_network_is_told(bundle, tmp_path, days, content, message):
    path = weather(tmp_path, days)
    if content:
        path.write_text(content)
    with pytest.raises(UserError, match=message):
        list(predict(bundle, [], None, Options(csv=path, out=tmp_path / "f.csv")))
    with pytest.raises(UserError, match="expected a file of series: --csv"):
        list(predict(bundle, [], None, Options()))
    with pytest.raises(UserError, match="--samples: expected a file of series"):
        list(predict(bundle, [np.zeros((14, 6))], None, Options(samples=2)))
    with pytest.raises(UserError, match="--samples: expected 0 to 1000, without --anomalies, got 2"):
        Options(samples=2, anomalies=True)


def test_figures_are_drawn_and_errors_are_told_in_the_unit_of_each_target(tmp_path):
    config = config_of(csv_of(tmp_path, gaps=(70, 71)))
    data = load(config)
    features = make_features(config, data)
    model = build_model(config, features)
    outputs = {split: np.asarray(model(features.inputs[split][:])) for split in ("test", "whole")}
    outcome = Outcome(data, features, model, model, Progress(), outputs, {}, {}, {})
    figures = make_plots(config, outcome)
    assert set(figures) == {"fans", "worst_windows", "error_by_horizon", "error_by_time"}
    for name, figure in figures.items():
        figure.savefig(tmp_path / f"{name}.png")
    found = show(config, outcome, None, tmp_path)
    assert {"mae.load.network", "mae.load.ridge", "mae.load.last_value", "coverage_80.load"} <= found.keys()
    assert all(np.isfinite(value) for value in found.values())
