"""What two processes lose of the ideal is computed from the times of their steps."""

import json

import pytest

from benchmarks import distributed
from benchmarks.distributed import Distributed, measured, summed_up, table
from benchmarks.distributed_steps import Case
from pipelines.errors import UserError

CASE = Case(units=4, embedding=4, vocabulary=10, batch=8, steps=5)


def times(**medians):
    return {"seconds": {name: {"median": value} for name, value in medians.items()}}


def test_the_parts_of_what_is_lost():
    alone = times(step=0.100, gradient=0.080, sum=0.0)
    together = times(step=0.080, gradient=0.056, sum=0.012)
    found = summed_up(CASE, alone, together)
    assert found["alone"] == pytest.approx(80)
    assert found["together"] == pytest.approx(100)
    assert found["lost"] == pytest.approx(1 - 100 / 160)
    assert found["lost_in_sums"] == pytest.approx(0.15)
    assert found["lost_in_halves"] == pytest.approx((0.056 - 0.040) / 0.080)


def test_time_must_be_above_0():
    with pytest.raises(UserError, match="--seconds: expected above 0"):
        Distributed(seconds=0)


@pytest.mark.long
def test_two_processes_are_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(distributed, "_CASES", {"tiny": CASE})
    record = distributed.run(Distributed(seconds=0.1), [])
    (row,) = json.loads(json.dumps(record))["cases"].values()
    # embedding 10 x 4, GRU (4 + 4 + 2) x 12, softmax 5 x 2
    assert row["together"]["parameters"] == 40 + 120 + 10
    assert row["together"]["bytes"] == 4 * (1 + 120 + 10 + 4 * 5 * 4)
    assert row["figures"]["together"] > 0
    assert row["alone"]["seconds"]["sum"]["median"] < row["alone"]["seconds"]["step"]["median"]
    assert "| tiny" in table(record)


def test_a_machine_with_too_few_cores_is_refused(monkeypatch):
    monkeypatch.setattr(distributed.os, "sched_getaffinity", lambda _: {0})
    with pytest.raises(UserError, match="2 cores"):
        measured(CASE, 2, 1.0)
