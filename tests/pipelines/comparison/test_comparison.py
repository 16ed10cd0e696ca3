"""Families of equal size: the search for units, the options, and the whole road of a small comparison."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from reference.trainings import command

from pipelines.app import find
from pipelines.commands.compare import bytes_of, table
from pipelines.comparison import families
from pipelines.comparison.budget import fit, search, state_of
from pipelines.comparison.comparison import Places
from pipelines.comparison.measure import execution_of, measured
from pipelines.comparison.plots import pictures
from pipelines.errors import UserError
from pipelines.training.record import Result

ROW = {
    "family": "gru",
    "network": "gru 1x8",
    "metric": "accuracy",
    "higher_is_better": True,
    "value": 0.9,
    "spread": 0.01,
    "on_device": 0.89,
    "bytes": 20_000,
    "parameters": 9_000,
    "state": 8,
    "answer_ms": 1.0,
    "step_ms": 0.1,
    "learning_rate": 0.002,
    "minutes": 2.0,
}


@given(
    square=st.floats(0.5, 30),
    linear=st.floats(0, 200),
    fixed=st.floats(500, 20_000),
    start=st.integers(16, 300),
    wanted=st.integers(8, 300),
    every=st.sampled_from([1, 4]),
)
def test_the_search_finds_units_whose_size_is_next_to_the_budget(
    square, linear, fixed, start, wanted, every
) -> None:
    calls = []

    def size(units: int) -> int:
        calls.append(units)
        return round(fixed + linear * units + square * units**2)

    wanted = wanted // every * every
    budget = round(fixed + linear * wanted + square * wanted**2)
    found = search(size, start, budget=budget, every=every)
    assert found % every == 0
    assert len(calls) == len(set(calls)) <= 8
    closest = min(size(wanted + every) - budget, budget - size(max(every, wanted - every)))
    assert abs(size(found) - budget) <= max(0.03 * budget, closest)


def test_the_search_ends_where_no_size_fits() -> None:
    assert search(lambda units: 50_000 + units, 64, budget=1_000) >= 1
    assert search(lambda units: units, 1, budget=10**6, every=4) == 4096
    for size in (lambda units: 5_000, lambda units: 50_000 - units):
        assert 1 <= search(size, 64, budget=1_000) <= 4096


@pytest.mark.parametrize(
    ("text", "count"), [("60KB", 60_000), ("1.5 mb", 1_500_000), ("2000", 2000), ("8k", 0), ("-1KB", 0)]
)
def test_sizes_are_read_or_refused(text, count) -> None:
    if count:
        assert bytes_of(text) == count
    else:
        with pytest.raises(UserError, match="--budget: expected a size such as 60KB"):
            bytes_of(text)


def test_a_family_is_a_kind_of_layer_or_a_preset() -> None:
    app = find("sensor_signals")
    config = dataclasses.replace(app.presets["smoke"], units=9, epochs=3)
    assert families.settings_of(app, config, "tcn").cell == "tcn"
    assert families.settings_of(app, config, "transformer").units == 12
    crnn = families.settings_of(app, config, "crnn")
    assert (crnn.epochs, crnn.dataset) == (3, config.dataset)
    assert crnn.filters == app.presets["crnn"].filters
    with pytest.raises(UserError, match=r"--include: expected simple_rnn, .*, got 'nonsense'"):
        families.require_known(app, config, ["gru", "nonsense"])
    with pytest.raises(UserError, match="each family once"):
        families.require_known(app, config, ["gru", "gru"])
    pen = find("handwriting")
    with pytest.raises(UserError, match=r"--include: expected simple_rnn, .*, got 'tcn'"):
        families.settings_of(pen, pen.presets["smoke"], "tcn")
    captions = find("image_captioning")
    with pytest.raises(UserError, match="expected an app with --cell and --units, got image_captioning"):
        families.settings_of(captions, captions.presets["smoke"], "gru")


def test_the_table_has_the_best_first_and_names_what_is_left_out() -> None:
    worse = ROW | {
        "family": "lstm",
        "network": "lstm 2x4",
        "value": 0.8,
        "spread": None,
        "step_ms": None,
        "state": 0,
    }
    lines = table([worse, ROW, {"family": "tcn", "reason": "too large"}]).splitlines()
    assert [line.split()[0] for line in lines if line.split()[:1] in (["gru"], ["lstm"])] == ["gru", "lstm"]
    assert "0.9000 ± 0.0100" in lines[2]
    assert "crnn: gru 1x8" in table([ROW | {"family": "crnn"}])
    assert lines[-1] == "left out  tcn: too large"
    assert table([{"family": "tcn", "reason": "too large"}]) == "left out  tcn: too large"
    lower = [{**row, "higher_is_better": False} for row in (ROW, worse)]
    assert table(lower).splitlines()[2].split()[0] == "lstm"


def test_pictures_show_what_is_known() -> None:
    (figure,) = pictures([ROW, ROW | {"family": "lstm", "step_ms": None}], 20_000).values()
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 4
    assert len(pictures([ROW | {"state": 0, "step_ms": None}], 20_000)["families"].axes) == 2
    assert pictures([], 20_000) == {}


@pytest.mark.long
def test_from_the_command_to_the_table(tmp_path) -> None:
    """One family fits, another one can't be made that small: the first one is kept."""
    options = ["--preset", "smoke", "--budget", "20KB", "--seeds", "2", "--include", "gru", "smoke"]
    options += ["--learning-rates", "1e-5", "1e-2", "--json"]
    done = command("sensor_signals", "compare", *options, folder=tmp_path, home=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    first, second = said["rows"]
    assert abs(first["bytes"] - 20_000) < 2_000
    assert first["parameters"] > 0
    assert first["state"] > 0
    assert first["step_ms"] > 0
    assert first["spread"] >= 0
    assert first["learning_rate"] == 1e-2
    assert "reason" in second or second["bytes"] < 22_000
    assert not list((tmp_path / "mlruns" / "checkpoints").glob("*/comparison.json"))


@pytest.mark.parametrize("family", ["gru", "transformer"])
def test_units_are_found_by_converting_untrained_networks(family, tmp_path) -> None:
    app = find("sensor_signals")
    config = dataclasses.replace(app.presets["smoke"], data_dir=tmp_path)
    config = families.settings_of(app, config, family)
    features = app.features(config, app.load(config))
    app = app.of(config)
    found = fit(app, config, features, budget=24_000, file=("dynamic_int8", "step"))
    assert abs(found.bytes - 24_000) <= 2_400
    model = app.build(dataclasses.replace(config, units=found.units), features)
    assert found.parameters == model.count_params()
    assert found.state == state_of(model) > 0
    with pytest.raises(UserError, match="expected a budget within a tenth of that, got 1,000"):
        fit(app, config, features, budget=1_000, file=("dynamic_int8", "step"))


def test_figures_are_those_of_the_file_that_meets_the_budget(training) -> None:
    trained = training("sensor_signals")
    result = Result(trained.record["run_id"], trained.bundle, "", trained.record)
    app = find("sensor_signals")
    row = measured(result, ("int8", execution_of(app, app.presets["smoke"])))
    files = {each["variant"]: each for each in trained.record["variants"]}
    step = files["int8_step.tflite"]
    assert row["on_device"] == step["metric"]
    assert row["step_ms"] == step["latency_p50_ms"]
    assert row["answer_ms"] == files["int8_loop.tflite"]["latency_p50_ms"]
    assert 0 < row["bytes"] < step["bytes"]
    assert row["value"] == trained.record["scores"]["test"][row["metric"]]
    kept = measured(result, ("int16x8", "step"))
    assert (kept["on_device"], kept["step_ms"], kept["value"]) == (None, None, row["value"])
    assert "bytes" not in kept


def test_parts_are_made_once(tmp_path) -> None:
    places = Places(None, tmp_path / "rows.json", tmp_path / "parts.json", tmp_path, lambda: None)
    assert places.once("size", lambda: {"units": 3}) == {"units": 3}
    again = dataclasses.replace(places)  # as after a stop
    assert again.once("size", lambda: pytest.fail("made twice")) == {"units": 3}
    assert again.once("learning rate 0.1", lambda: {"validation": 0.5}) == {"validation": 0.5}
