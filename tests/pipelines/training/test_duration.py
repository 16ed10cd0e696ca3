"""How long a training is said to take."""

import pytest

from pipelines.config import Config, to_dict
from pipelines.training.duration import expected_minutes, machine_speed, rounded, said

RECORD = {
    "training_minutes": 6.0,
    "machine_speed": 2000.0,
    "config": to_dict(Config(epochs=10)),
    "examples": {"train": 100, "test": 50},
}


def test_a_machine_of_half_the_speed_takes_twice_as_long():
    assert expected_minutes(RECORD, speed=1000.0) == 12.0
    assert expected_minutes({"training_minutes": 6.0}, speed=1000.0) == 6.0  # of an unknown machine
    assert expected_minutes(RECORD, speed=3000.0) == pytest.approx(4.0)
    assert expected_minutes(RECORD, speed=20_000.0) == 3.0, "a busy moment of the record proves little"


def test_the_speed_is_measured_once():
    assert machine_speed(0.05) == machine_speed(0.05) > 0


@pytest.mark.parametrize(
    ("config", "examples", "minutes"),
    [
        (Config(epochs=10), {"train": 100}, "6 min"),
        (Config(epochs=5), {"train": 400, "test": 1000}, "12 min"),
        (Config(epochs=10, pretraining_epochs=5), {"pretraining": 300, "train": 100}, "12 min"),
    ],
)
def test_the_time_is_that_of_the_record_by_the_examples_seen(monkeypatch, config, examples, minutes):
    monkeypatch.setattr("pipelines.training.duration.machine_speed", lambda: 2000.0)
    assert f"up to {minutes} of training" in said(RECORD, config, examples)


def test_nothing_is_said_without_a_record():
    assert said(None, Config(), {"train": 1}) is None


@pytest.mark.parametrize(
    ("minutes", "text"), [(0.01, "10 s"), (0.5, "30 s"), (1.6, "2 min"), (61.0, "61 min")]
)
def test_minutes_are_said_as_people_say_them(minutes, text):
    assert rounded(minutes) == text
