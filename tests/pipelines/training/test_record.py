"""The record of several seeds: means, spreads, each seed, and the variants of the best."""

import copy
import math
from pathlib import Path

import pytest

from pipelines.config import Config
from pipelines.training.record import _portable, of_seeds

RUNS = [
    {
        "seed": seed,
        "run_id": f"run {seed}",
        "validation": validation,
        "scores": {"test": {"accuracy": accuracy, **others}},
        "baselines": {"majority": {"test": 0.5}},
        "training_minutes": minutes,
        "machine_speed": 4000.0,
    }
    for seed, validation, accuracy, minutes, others in (
        (4, 0.70, 0.7, 1.0, {"f1": 0.1}),
        (5, 0.90, 0.8, 2.0, {}),
        (6, 0.80, 0.9, 6.0, {"f1": 0.3}),
    )
]
BEST = {
    "preset": "p",
    "run_id": "run 5",
    "scores": {"test": {"accuracy": 0.8}},
    "baselines": {"majority": {"test": 0.5}},
    "intervals": {"test": (0.7, 0.9)},
    "variants": [{"variant": "Keras", "metric": 0.8}],
    "training_minutes": 2.0,
    "config": {"epochs": 3, "seed": 5},
}


def test_the_record_of_several_seeds_has_mean_spread_and_each_of_them():
    record = of_seeds("parent", RUNS, BEST)
    assert record["run_id"] == "parent"
    assert record["scores"] == {"test": {"accuracy": pytest.approx(0.8)}}  # not every run has f1
    assert record["baselines"] == {"majority": {"test": 0.5}}
    assert record["spread"] == {
        "scores": {"test": {"accuracy": {"std": pytest.approx(0.1), "min": 0.7, "max": 0.9}}},
        "baselines": {"majority": {"test": {"std": 0.0, "min": 0.5, "max": 0.5}}},
    }
    assert record["training_minutes"] == 3.0
    assert record["runs"] == RUNS


def test_the_record_of_several_seeds_has_the_variants_of_the_best_and_the_settings_of_the_first():
    record = of_seeds("parent", RUNS, BEST)
    assert record["variants"] == BEST["variants"]
    assert record["best_seed"] == 5
    assert record["config"] == {"epochs": 3, "seed": 4}
    assert "intervals" not in record  # they are of one run


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_seed_without_a_number_leaves_no_spread_and_stops_nothing(value):
    runs = copy.deepcopy(RUNS)
    runs[1]["scores"]["test"]["delay"] = value
    for run in (runs[0], runs[2]):
        run["scores"]["test"]["delay"] = 1.0
    record = of_seeds("parent", runs, BEST)
    assert record["scores"]["test"]["delay"] == pytest.approx(value, nan_ok=True)
    assert all(math.isnan(each) for each in record["spread"]["scores"]["test"]["delay"].values())
    assert record["scores"]["test"]["accuracy"] == pytest.approx(0.8)


def test_a_record_keeps_the_names_of_files_and_not_their_folders(tmp_path):
    (tmp_path / "reviews.csv").touch()
    of_file = _portable(Config(dataset=str(tmp_path / "reviews.csv"), data_dir=tmp_path))
    assert (of_file["dataset"], of_file["data_dir"]) == ("reviews.csv", None)
    of_tfds = _portable(Config(dataset="glue/sst2", data_dir=Path("anywhere")))
    assert (of_tfds["dataset"], of_tfds["data_dir"]) == ("glue/sst2", None)
