"""TF_CONFIG says which process of a cluster this is, or is refused in one line."""

import json
import socket

import pytest

from pipelines.cluster.place import from_environment, on_this_machine
from pipelines.errors import UserError

WORKERS = {"worker": ["one:2222", "two:2222", "[::1]:2223"]}


def set_to(monkeypatch, value):
    monkeypatch.setenv("TF_CONFIG", value if isinstance(value, str) else json.dumps(value))


def test_the_first_of_the_workers_is_the_chief(monkeypatch):
    set_to(monkeypatch, {"cluster": WORKERS, "task": {"type": "worker", "index": 0}})
    place = from_environment()
    assert place.is_chief
    assert place.workers == 3
    assert place.host_and_port(2) == ("::1", 2223)


def test_a_chief_comes_before_the_workers(monkeypatch):
    cluster = {"worker": ["one:1", "two:2"], "chief": ["zero:3"]}
    for job, index, expected in (("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)):
        value = {"cluster": cluster, "task": {"type": job, "index": index}}
        set_to(monkeypatch, value)
        place = from_environment()
        assert place.index == expected
        assert place.addresses == ("zero:3", "one:1", "two:2")
        assert json.loads(place.as_tf_config()) == value


@pytest.mark.parametrize("value", ["", " ", "{}", {"cluster": {"worker": ["one:1"]}}, {"cluster": {}}])
def test_one_process_trains_alone(monkeypatch, value):
    set_to(monkeypatch, value)
    assert from_environment() is None


TASK = {"type": "worker", "index": 0}


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("{", "is no JSON"),
        ("[1]", "an object"),
        ({"cluster": [1]}, "cluster: got [1]"),
        ({"cluster": WORKERS | {"ps": ["three:1"]}, "task": TASK}, "got 'ps'"),
        ({"cluster": {"worker": ["one", "two:1"]}, "task": TASK}, "got 'one'"),
        ({"cluster": {"worker": ["one:1", "two:99999"]}, "task": TASK}, "got 'two:99999'"),
        ({"cluster": {"worker": ["one:1", "one:1"]}, "task": TASK}, "each address once"),
        ({"cluster": {"worker": "one:1,two:1"}, "task": TASK}, "the addresses of worker"),
        ({"cluster": {"chief": ["a:1", "b:1"]}, "task": TASK}, "one chief"),
        ({"cluster": WORKERS}, "task: got None"),
        ({"cluster": WORKERS, "task": {"type": "evaluator", "index": 0}}, "got 'evaluator'"),
        ({"cluster": WORKERS, "task": {"type": "worker", "index": 3}}, "got 3"),
        ({"cluster": WORKERS, "task": {"type": "worker", "index": "0"}}, "got '0'"),
        ({"cluster": WORKERS, "task": {"type": "chief", "index": 0}}, "among 0 of chief: got 0"),
    ],
)
def test_a_malformed_value_is_one_line(monkeypatch, value, named):
    set_to(monkeypatch, value)
    with pytest.raises(UserError) as caught:
        from_environment()
    said = str(caught.value)
    assert said.startswith("TF_CONFIG")
    assert named in said
    assert "expected JSON such as" in said
    assert "\n" not in said


def test_workers_of_this_machine_have_free_ports_of_their_own():
    places = on_this_machine(3)
    assert [place.index for place in places] == [0, 1, 2]
    assert len({place.addresses for place in places}) == 1
    assert len(set(places[0].addresses)) == 3
    for index in range(3):
        with socket.socket() as free:
            free.bind(places[0].host_and_port(index))
