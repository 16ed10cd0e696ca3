"""What `--space` accepts and refuses, and that each app's bounds are of its settings."""

import dataclasses
from types import SimpleNamespace
from typing import get_args

import pytest

from pipelines.app import discover
from pipelines.config import Cell, Range
from pipelines.errors import UserError
from pipelines.sweep.objectives import directions
from pipelines.sweep.space import narrowed

SPACE = {
    "units": Range(8, 256, logarithmic=True),
    "dropout": Range(0.0, 0.6),
    "cell": ("gru", "lstm"),
    "word_dropout": Range(0.0, 0.3),
    "bidirectional": (False, True),
}


def test_without_words_all_is_varied_that_is_not_given():
    assert narrowed(SPACE, (), {}) == SPACE
    assert narrowed(SPACE, (), {"units": 64}).keys() == SPACE.keys() - {"units"}


def test_words_name_what_is_varied_and_narrow_it():
    words = ("units=32:128", "dropout=0:.5", "cell=lstm", "word-dropout", "bidirectional=true,false")
    assert narrowed(SPACE, words, {}) == {
        "units": Range(32, 128, logarithmic=True),
        "dropout": Range(0.0, 0.5),
        "cell": ("lstm",),
        "word_dropout": Range(0.0, 0.3),
        "bidirectional": (True, False),
    }
    assert narrowed(SPACE, ("units=32,64,32",), {}) == {"units": (32, 64)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["unit=8:16"], "expected NAME, NAME=LOW:HIGH or NAME=VALUE,VALUE, with a name of units, dropout"),
        (["units=64:32"], "expected LOW:HIGH with LOW not above HIGH"),
        (["units=1:2:3"], "expected 8 to 256, got 1"),
        (["units=8:9:10"], "expected LOW:HIGH"),
        (["units=32.5:64"], "expected whole numbers, got '32.5'"),
        (["units=many"], "expected whole numbers, got 'many'"),
        (["units="], "expected whole numbers, got ''"),
        (["dropout=0:x"], "expected numbers, got 'x'"),
        (["dropout=0:nan"], "expected 0 to 0.6, got nan"),
        (["dropout=0:.9"], "expected 0 to 0.6, got .9"),
        (["cell=gru,fast"], "expected values of gru, lstm, got 'fast'"),
        (["cell=gru:lstm"], "expected values of gru, lstm, got 'gru:lstm'"),
        (["cell="], "expected values of gru, lstm, got ''"),
        (["cell", "cell=gru"], "expected cell once"),
        (["dropout=0:.5"], "expected no --dropout, which sets 0.25 for all trials"),
    ],
)
def test_a_mistake_is_named_with_its_word(words, said):
    with pytest.raises(UserError) as error:
        narrowed(SPACE, words, {"dropout": 0.25} if "no --dropout" in said else {})
    assert str(error.value).startswith(f"--space {words[-1]}: ")
    assert said in str(error.value)


@pytest.mark.parametrize("app", discover().values(), ids=discover())
def test_the_bounds_of_an_app_hold_its_usual_settings(app):
    config = app.presets["default"]
    for name, bounds in app.space.items():
        assert name in {field.name for field in dataclasses.fields(config)}, name
        if name == "cell":
            assert set(bounds) <= set(get_args(Cell))
        if isinstance(bounds, Range):
            assert bounds.low < bounds.high
            assert type(bounds.low) is type(bounds.high) is type(getattr(config, name)), name
            assert bounds.low <= getattr(config, name) <= bounds.high, name
        else:
            assert getattr(config, name) in bounds, name


def test_each_objective_has_its_direction():
    app = SimpleNamespace(metrics={"nll": None, "accuracy": None}, higher_is_better=False)
    assert directions(app, ()) == {"nll": "minimize"}
    assert directions(app, ("latency", "nll")) == {"latency": "minimize", "nll": "minimize"}
    app.higher_is_better = True
    assert directions(app, ("nll", "bytes")) == {"nll": "maximize", "bytes": "minimize"}
    for names, said in {
        ("accuracy",): "--objective: expected some of nll, bytes, latency, got 'accuracy'",
        ("bytes", "bytes"): "--objective: expected each objective once, got bytes bytes",
    }.items():
        with pytest.raises(UserError, match=said):
            directions(app, names)
