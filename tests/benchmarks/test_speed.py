"""Tests the arithmetic of the benchmark on given timings, and one small run; no speed is asserted."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import export_report, large_data, report, speed, stream
from benchmarks.contenders import Size, check_equal, contenders, products_needed
from benchmarks.record import record_header
from benchmarks.targets import SIZES, targets
from benchmarks.timing import alternate, geometric_mean, quartiles, ratios
from pipelines.commands.readme import renew_readme, with_results
from pipelines.errors import UserError

HERE = Path(__file__).parents[2] / "benchmarks"


def flat(value):
    return {"median": value, "q1": value, "q3": value}


def cell(size, name, which="train", left_out=None, **found):
    return {
        "size": size, "cell": name, "pass": which, "rounds": 5, "first_call_seconds": {},
        "ms": {"ours": flat(1.0), "bound": flat(0.1), **{k: flat(v) for k, v in found.items()}},
        "ratios": {"bound": flat(0.1), **{k: flat(v) for k, v in found.items()}}, "left_out": left_out or {},
    }  # fmt: skip


def record_of(cells, **parts):
    made_with = {
        "hardware.cpu": "a processor", "hardware.cores": "2", "version.tensorflow": "2", "version.keras": "3",
        "version.torch": "2.13.0", "git.commit": "0123456789abcdef", "git.dirty": "false",
    }  # fmt: skip
    record = {"date": "2026-01-02T03:04:05+00:00", "made_with": made_with, "cells": cells, **parts}
    record["means"] = speed.by_size(cells)
    return record | {"targets": targets(record)}


def all_sizes(**found):
    return [
        cell(size, name, which, **found)
        for size in SIZES
        for name in ("SimpleRNN", "LSTM", "GRU")
        for which in ("train", "forward")
    ]


def test_a_ratio_is_formed_within_each_round():
    # The ratio of keras's and our median would be 4; the ratios of the rounds are 2, 4 and 2.
    found = ratios({"ours": [1.0, 2.0, 8.0], "keras": [2.0, 8.0, 16.0], "torch": [0.5, 4.0, 16.0]})
    assert found["keras"] == {"median": 2.0, "q1": 2.0, "q3": 3.0}
    assert found["torch"] == {"median": 2.0, "q1": 1.25, "q3": 2.0}
    assert set(found) == {"keras", "torch"}


def test_the_ratio_of_steady_timings_is_that_of_their_medians():
    times = {"ours": [2.0] * 7, "keras": [5.0, 5.0, 5.0, 9.0, 5.0, 4.0, 5.0]}
    assert ratios(times)["keras"]["median"] == 2.5
    assert quartiles(times["keras"])["median"] / quartiles(times["ours"])["median"] == 2.5


def test_geometric_mean():
    found = geometric_mean([{"median": 1.0, "q1": 1.0, "q3": 2.0}, {"median": 4.0, "q1": 1.0, "q3": 8.0}])
    assert found == pytest.approx({"median": 2.0, "q1": 1.0, "q3": 4.0})


def test_every_function_has_one_turn_a_round():
    called = {"slow": 0, "quick": 0}

    def call(name):
        called[name] += 1

    functions = {name: lambda name=name: call(name) for name in called}
    times = alternate(functions, {"slow": 1.0, "quick": 0.01}, 0.0, np.random.default_rng(1))
    assert [len(values) for values in times.values()] == [5, 5]
    assert called == {"slow": 5, "quick": 20}  # an untimed call and three timed ones


@pytest.mark.parametrize("training", [True, False])
def test_a_small_measurement_without_torch(training):
    found = speed.measure("LSTM", Size(2, 3, 4, 5), training=training, duration=0.1)
    assert found["size"] == "2x3x4x5"
    assert found["pass"] == ("train" if training else "forward")
    assert found["left_out"] == {}
    others = {"keras", "keras_jit", "bound"} | ({"ours_jit"} if not training else set())
    assert set(found["ms"]) == {"ours", *others}
    assert set(found["ratios"]) == others
    for each in (*found["ms"].values(), *found["ratios"].values()):
        assert 0 < each["q1"] <= each["median"] <= each["q3"]
    assert found["rounds"] >= 5
    json.dumps(found)


def test_contenders_do_the_same_work():
    functions = contenders("GRU", Size(2, 3, 4, 5), training=True)
    check_equal({name: function() for name, function in functions.items()})
    with pytest.raises(AssertionError, match=r"ours gives 1\.1, keras 1\.0"):
        check_equal({"ours": 1.1, "keras": 1.0})


def test_products_needed_by_an_lstm():
    # (2 * 3 rows) x (4 inputs + 5 units) x (4 gates * 5 units) multiplications, against 1024 ** 3
    assert products_needed("LSTM", Size(2, 3, 4, 5), training=False) == 6 * 9 * 20 / 1024**3
    assert products_needed("LSTM", Size(2, 3, 4, 5), training=True) == 3 * 6 * 9 * 20 / 1024**3


def test_a_contender_missing_in_one_cell_has_no_mean():
    cells = [
        cell("1x2x3x4", "LSTM", keras=2.0, torch=1.0),
        cell("1x2x3x4", "GRU", keras=8.0),
        cell("5x6x7x8", "GRU", keras=32.0, torch=1.0),
        cell("1x2x3x4", "GRU", "forward", keras=1.0),
        cell("5x6x7x8", "GRU", "forward", keras=1.0),
    ]
    means = {(each["pass"], each["size"]): each["ratios"] for each in speed.by_size(cells)}
    assert means["train", "1x2x3x4"]["keras"]["median"] == pytest.approx(4.0)
    assert "torch" not in means["train", "1x2x3x4"]
    assert means["train", "5x6x7x8"]["torch"] == flat(1.0)
    assert means["train", "all"]["keras"]["median"] == pytest.approx(8.0)


def test_targets():
    cells = [each for each in all_sizes(keras=2.0, torch=1.0) if each["size"] != SIZES[4]]
    cells += [cell(SIZES[4], name, w, keras=0.5, torch=1.0) for name in ("LSTM", "GRU") for w in speed.PASSES]
    memory = {"size": "1x2000x3x4", "cell": "LSTM", "variants": {"keras": {"failed": "no memory"}}}
    found = {each["goal"]: each for each in record_of(cells, memory=memory)["targets"]}
    met = {goal: each["met"] for goal, each in found.items()}
    assert met == {
        "training step at 8x50x32x64, times keras": False,
        "training step at 32x100x64x128, times keras": True,
        "training step at the slowest size, times keras": False,
        "training step of the slowest cell and size, times keras": None,
        "training step at 8x50x32x64, times torch": False,
        "training step over all sizes, times torch": True,
        "LSTM's training step at 8x50x32x64, times torch": True,
        "LSTM's training step at the slowest of the larger sizes, times torch": True,
        "forward pass of the slowest cell and size, times keras with jit_compile": None,
        "the same, ours in a function with jit_compile too": None,
        "forward pass over all sizes, times torch": True,
        "sentiment epoch, times keras": None,
        "2,000 steps, memory of the plain loop over checkpoint_every=50": None,
    }
    assert found["training step at the slowest size, times keras"]["reached"] == pytest.approx(0.5)


def test_targets_over_all_sizes_need_all_sizes():
    cells = [each for each in all_sizes(keras=9.0, torch=9.0) if each["size"] != SIZES[0]]
    met = [each["met"] for each in record_of(cells)["targets"]]
    assert met == [True, True, None, None, True, None, True, True, *[None] * 5]


def test_report_and_plot_without_torch(tmp_path):
    record = record_of(all_sizes(keras=2.0, keras_jit=1.5))
    record["made_with"]["version.torch"] = "not installed"
    record["cells"][0]["left_out"] = {"keras_jit": "a call took 11 s, more than 10 s"}
    readme = tmp_path / "README.md"
    readme.write_text((HERE / "README.md").read_text())
    renew_readme(readme, "speed.json", report.tables(record))
    text = readme.read_text()
    assert "torch could not be imported: its columns are left out." in text
    assert "| 8x50x32x64     | 2.00 (2.00 to 2.00) |" in text
    assert f"{SIZES[0]} SimpleRNN (train): keras, jit_compile left out, a call took 11 s" in text
    assert text == with_results(text, "speed.json", report.tables(record))
    report.plot(record, tmp_path / "speed.png")
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("speed.json", report.tables),
        ("one_core.json", report.tables),
        ("stream.json", stream.table),
        ("large_data.json", large_data.table),
    ],
)
def test_the_readme_is_generated_from_the_records(name, shown):
    record = json.loads((HERE / name).read_text())
    readme = (HERE / "README.md").read_text()
    assert readme == with_results(readme, name, shown(record))


def test_steps_of_a_stream_are_timed():
    found = stream.measure(Path("apps/sensor_signals/shipped/int8_step.tflite"), 0.2)
    assert found["states"] == 3
    assert {name: each["median"] > 0 for name, each in found["us"].items()} == {
        "stream": True,
        "litert": True,
    }
    assert found["added_us"]["q1"] <= found["added_us"]["median"] <= found["added_us"]["q3"]
    json.dumps(found)


def test_the_summary_of_exported_networks_is_generated_from_its_record():
    record = json.loads((HERE / "export.json").read_text())
    readme = (HERE / "README.md").read_text()
    assert readme == with_results(readme, "export.json", export_report.summary(record))


def test_a_record_begins_with_the_command_and_the_load(monkeypatch, caplog):
    monkeypatch.setattr("os.getloadavg", lambda: (3.0, 1.0, 1.0))
    header = record_header("benchmarks.speed", ["--seconds", "2"], 2.0)
    assert list(header) == ["date", "command", "made_with", "load_before", "seconds"]
    assert header["command"] == "python -m benchmarks.speed --seconds 2"
    assert (header["load_before"], header["seconds"]) == (3.0, 2.0)
    assert "the machine is busy (load 3.0)" in caplog.text


@pytest.mark.parametrize("text", ["8x50x32", "8x50x32x0", "8x50x32x64x1", "8 50 32 64", "-1x5x3x2", ""])
def test_an_invalid_size_is_refused(text):
    with pytest.raises(UserError, match=f"--sizes: expected BATCHxSTEPSxINPUTSxUNITS .*, got {text!r}"):
        speed.Speed(sizes=(text,))


def test_a_printed_size_can_be_parsed():
    assert str(Size.parse("8x50x32x64")) == "8x50x32x64"
    assert Size.parse("8x50x32x64").units == 64
