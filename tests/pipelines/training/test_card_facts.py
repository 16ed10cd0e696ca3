"""What the manifest keeps of a run's record: the run's own figures, and the spread over seeds."""

import math
from types import SimpleNamespace

import pytest
from reference.bundles import head

from pipelines.config import Config, to_dict
from pipelines.export.card.about import About
from pipelines.export.card.card import card
from pipelines.training import record
from pipelines.training.card_facts import card_facts

ABOUT = About("Counts.", (), "other")
APP = SimpleNamespace(name="counting", presets={"default": Config()})


def of_run(run_id: str = "a", **changes) -> dict:
    return {
        "run_id": run_id,
        "preset": "default",
        "scores": {"test": {"accuracy": 0.4, "delay": math.nan}},
        "baselines": {"majority": {"test": 0.25}},
        "intervals": {"test": (0.3, 0.5)},
        "examples": {"test": 7},
        "figures": {"late": math.inf},
        "epochs": 2,
        "best_epoch": 1,
        "training_minutes": 1.0,
        "total_minutes": 2.0,
        "data_sha256": "f",
        "config": to_dict(Config(dataset="/home/me/my data/mine.csv", seed=4)),
        "made_with": {"git.commit": "c"},
        "date": "2026-11-30",
        **changes,
    }


def test_the_facts_of_one_run_are_its_own_without_folders_and_without_what_json_lacks():
    facts = card_facts(APP, of_run(), "a")
    assert facts["scores"] == {"test": {"accuracy": 0.4, "delay": None}}
    assert facts["figures"] == {"late": None}
    assert facts["intervals"] == {"test": [0.3, 0.5]}
    assert facts["command"] == "python -m apps counting train --dataset mine.csv --seed 4"
    assert "over_seeds" not in facts
    assert "config" not in facts


def test_the_facts_of_the_best_of_several_seeds_have_the_mean_and_the_spread():
    seeds = [
        {**of_run(name), "seed": seed, "scores": {"test": {"accuracy": value}}}
        for name, seed, value in (("a", 3, 0.2), ("b", 4, 0.4), ("c", 5, 0.6))
    ]
    of_seeds = record.of_seeds("b", seeds, of_run("b"))  # as the export knows it: by the run of the best
    facts = card_facts(APP, of_seeds, "b")
    assert facts["scores"] == {"test": {"accuracy": 0.4}}
    assert facts["over_seeds"]["seeds"] == [3, 4, 5]
    assert facts["over_seeds"]["best_seed"] == 4
    assert facts["over_seeds"]["scores"]["test"]["accuracy"] == pytest.approx(0.4)
    assert facts["over_seeds"]["spread"]["test"]["accuracy"]["std"] == pytest.approx(0.2)
    assert facts["command"].endswith("--seed 3 --seeds 3")


def test_the_facts_of_several_seeds_of_which_one_has_no_number_make_a_card():
    seeds = [
        {**of_run(name), "seed": seed, "scores": {"test": {"accuracy": value, "delay": delay}}}
        for name, seed, value, delay in (("a", 3, 0.2, math.nan), ("b", 4, 0.4, 1.5))
    ]
    broken = of_run("b", baselines={"majority": {"test": math.nan}, "words": {"test": 0.3}})
    seeds = [{**each, "baselines": broken["baselines"]} for each in seeds]
    facts = card_facts(APP, record.of_seeds("b", seeds, broken), "b")
    assert facts["over_seeds"]["scores"]["test"]["delay"] is None
    assert facts["baselines"] == {"majority": {"test": None}, "words": {"test": 0.3}}
    about = SimpleNamespace(about=ABOUT, example=("x",))
    for metric in ("accuracy", "delay"):
        manifest = {**head(record=facts), "variants": [], "created": "now", "labels": []}
        manifest["metric"] = {**manifest["metric"], "name": metric}
        said = card(manifest, about)
        assert "nan" not in said.lower()
        assert "over 2 seeds" in said or metric == "delay"


def test_a_record_of_other_runs_has_no_facts_of_this_one():
    assert card_facts(APP, of_run(), "z") is None
