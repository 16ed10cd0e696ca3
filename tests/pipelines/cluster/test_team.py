"""Processes meet, agree, tell each other the state, and notice when one has ended. Here they are threads."""

import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pipelines.cluster import meeting
from pipelines.cluster.messages import Connection
from pipelines.cluster.place import on_this_machine
from pipelines.cluster.team import Team
from pipelines.errors import TeamError, UserError


@pytest.fixture
def places():
    return on_this_machine(3)


def all_of(places, *functions):
    """Call a function with the team of each place at the same time; return the results or exceptions."""

    def one(place, function):
        try:
            with Team.gathered(place) as team:
                return function(team)
        except (UserError, TeamError) as error:
            return error

    with ThreadPoolExecutor(len(places)) as pool:
        pairs = zip(places, functions, strict=True)
        return [each.result(60) for each in [pool.submit(one, *pair) for pair in pairs]]


def test_workers_get_the_state_of_each_epoch_until_the_end(places):
    rng = np.random.default_rng(0)
    states = [[rng.normal(size=(300, 70)), np.array(3, np.int64), np.zeros(0)] for _ in range(2)]

    def lead(team):
        team.agree({"code": "1"})
        for epoch, state in enumerate(states):
            team.tell_epoch(epoch, state)
        team.finish()

    def work(team):
        team.agree({"code": "1"})
        return list(team.epochs())

    none, *seen = all_of(places, lead, work, work)
    assert none is None
    for epochs in seen:
        assert [epoch for epoch, _ in epochs] == [0, 1]
        for (_, got), sent in zip(epochs, states, strict=True):
            for one, two in zip(got, sent, strict=True):
                np.testing.assert_array_equal(one, two)
                assert one.dtype == two.dtype


def test_all_name_the_worker_that_differs_and_how(places):
    same = {"version of the code": "a", "--seed": "1"}
    facts = [same, same, same | {"--seed": "2"}]
    found = all_of(places, *[lambda team, each=each: team.agree(each) for each in facts])
    expected = f"{places[0].name(2)}: --seed: expected 1, as the chief has, got 2"
    stopped = f"{places[0].name(0)} has stopped: {expected}"
    assert [type(each) for each in found] == [UserError] * 3
    assert [str(each) for each in found] == [expected, stopped, stopped]


def test_a_worker_whose_user_made_a_mistake_tells_the_chief(places):
    def mistaken(team):
        raise UserError("--dataset: no such file")

    lead, *others = all_of(places, lambda team: team.agree({}), mistaken, lambda team: team.agree({}))
    assert str(lead) == f"{places[0].name(1)} has stopped: --dataset: no such file"
    assert str(others[0]) == "--dataset: no such file"
    assert str(others[1]) == f"{places[0].name(0)} has stopped: {lead}"


def test_the_end_of_a_worker_aborts_what_waits_for_it(places):
    aborted = threading.Event()

    def lead(team):
        team.abort = lambda reason: aborted.set()
        assert aborted.wait(30)
        raise RuntimeError("the sum was aborted")

    def end(team):
        time.sleep(0.5)  # until the chief has set what aborts

    found, *_ = all_of(places, lead, end, lambda team: list(team.epochs()))
    assert isinstance(found, TeamError)
    for timer in [each for each in threading.enumerate() if isinstance(each, threading.Timer)]:
        timer.join(10)  # it would end the whole process after 40 seconds
        assert not timer.is_alive()
    assert str(found) == f"{places[0].name(1)} has ended, and {places[0].name(0)} can't train without it"


def test_an_error_that_no_other_process_caused_stays_what_it_is(places):
    def lead(team):
        with pytest.raises(ZeroDivisionError), team.guarded():
            raise ZeroDivisionError
        team.finish()

    assert all_of(places, lead, *[lambda team: list(team.epochs())] * 2) == [None, [], []]


def test_strangers_who_call_are_let_go(places):
    def call():
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"", b"unrl" + b"\xff" * 12):
            with socket.create_connection(places[0].host_and_port(0), timeout=10) as stranger:
                stranger.sendall(said)

    def check():
        if not called:
            called.append(threading.Thread(target=call))
            called[0].start()
            listens.set()

    called, listens = [], threading.Event()
    with ThreadPoolExecutor(3) as pool:
        chief = pool.submit(meeting.meet, places[0], check)
        assert listens.wait(60)
        called[0].join()  # the workers come after the strangers, for then nobody listens any more
        workers = [pool.submit(meeting.meet, place) for place in places[1:]]
        assert set(chief.result(60)) == {1, 2}
        for connection in (*chief.result().values(), *(each.result(60)[0] for each in workers)):
            connection.close()


def test_arrays_are_read_only_from_who_may_send_them():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        connection = Connection(listener.accept()[0], most_arrays=0)
    theirs.sendall(struct.pack("!4sIQ", b"unrl", 2, 2**30) + b"{}")  # the arrays never come
    assert connection.receive(30) is None
    connection.close()
    theirs.close()


@pytest.mark.parametrize(("index", "missing"), [(0, "worker 1 (A), worker 2 (B)"), (1, "the chief (C)")])
def test_who_does_not_come_is_named(places, monkeypatch, index, missing):
    monkeypatch.setattr(meeting, "PATIENCE", 0.1)
    chief, one, two = places[0].addresses
    named = missing.replace("A", one).replace("B", two).replace("C", chief)
    with pytest.raises(UserError) as caught:
        meeting.meet(places[index])
    assert f"for {named}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("index", [0, 1])
def test_a_port_in_use_is_one_line(places, index):
    port = places[0].host_and_port(index)[1]
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(UserError, match="expected a free port") as e,
    ):
        meeting.meet(places[index])
    assert f"port {port} of this machine can't be used (Address already in use)" in str(e.value)


def test_a_worker_that_fails_while_the_chief_waits_is_told_at_once(places):
    def check():
        raise UserError("the worker's own words")

    with pytest.raises(UserError, match="own words"):
        meeting.meet(places[0], check)
