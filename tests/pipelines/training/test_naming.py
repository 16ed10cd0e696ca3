"""The names of runs, and the commands that make them."""

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.app import discover
from pipelines.config import RecurrentConfig
from pipelines.training.naming import command, run_name


@dataclass(frozen=True)
class Settings(RecurrentConfig):
    both_ways: bool = True
    words: tuple[str, ...] | None = None


PRESETS = {"default": Settings(), "imdb": Settings(dataset="imdb_reviews", epochs=5, cell="lstm", depth=2)}
APP = SimpleNamespace(name="counting", presets=PRESETS)


@pytest.mark.parametrize(
    ("preset", "changes", "name", "options"),
    [
        ("default", {}, "gru 64 · default", ""),
        ("imdb", {}, "lstm 2x64 · imdb", " --preset imdb"),
        ("imdb", {"units": 9}, "lstm 2x9 · imdb", " --preset imdb --units 9"),
        ("default", {"dataset": "glue/sst2"}, "gru 64 · glue/sst2", " --dataset glue/sst2"),
        ("imdb", {"dataset": "mine"}, "lstm 2x64 · imdb on mine", " --preset imdb --dataset mine"),
        (
            "default",
            {"learning_rate": 0.01, "seed": 3},
            "gru 64 · default · learning_rate 0.01, seed 3",
            " --learning-rate 0.01 --seed 3",
        ),
        (
            "default",
            {"both_ways": False, "words": ("yes", "oh no")},
            "gru 64 · default · both_ways False, words ('yes', 'oh no')",
            " --no-both-ways --words yes 'oh no'",
        ),
        ("default", {"data_dir": Path("/data")}, "gru 64 · default", " --data-dir /data"),
    ],
)
def test_names_and_commands_tell_what_differs_from_the_preset(preset, changes, name, options):
    config = replace(PRESETS[preset], **changes)
    assert run_name(APP, preset, config) == name
    assert command(APP, preset, config) == f"python -m apps counting train{options}"


def test_a_file_is_named_without_its_folder(tmp_path):
    (tmp_path / "reviews.csv").touch()
    config = replace(PRESETS["default"], dataset=str(tmp_path / "reviews.csv"))
    assert run_name(APP, "default", config) == "gru 64 · reviews.csv"


def test_runs_of_several_seeds_tell_their_seed_once():
    config = replace(PRESETS["default"], seed=3)
    assert run_name(APP, "default", config, "seed 3") == "gru 64 · default · seed 3"
    assert command(APP, "default", config, seeds=2) == "python -m apps counting train --seed 3 --seeds 2"


@pytest.mark.parametrize("app", discover().values(), ids=lambda app: app.name)
def test_every_preset_of_every_app_has_a_name_with_its_network(app):
    for preset, config in app.presets.items():
        name = run_name(app, preset, config)
        assert name == f"{config.network} · {preset}"
        assert f"{config.cell} " in config.network
        assert str(config.units) in config.network
