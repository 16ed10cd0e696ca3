"""The embedded recordings: what they hold, and that a pickle runs nothing."""

import io
import pickle
import sys

import numpy as np
import pytest

from apps.sensor_signals.embedded import wrist_file
from apps.sensor_signals.embedded.heartbeats import beats, person, voltage
from apps.sensor_signals.embedded.wrist import WristMovements, read_data
from pipelines.errors import UserError


def test_ten_people_move_in_seven_ways_and_nobody_is_in_two_splits():
    data = read_data()
    assert len(data["X"]) == 140
    made = WristMovements.recordings(None, "whole")
    assert {each.spans[0].label for each in made} == {"PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"}
    homes = {(each.subject, each.split) for each in made}
    assert sorted(split for _, split in homes) == ["others"] * 2 + ["test"] * 2 + ["train"] * 5 + [
        "validation"
    ]
    assert sum(len(each.signal) for each in made) == 244_102


def test_a_pickle_that_calls_something_is_refused():
    harmful = pickle.dumps(print)
    with pytest.raises(UserError, match=r"expected arrays, found builtins\.print"):
        wrist_file._ArraysOnly(io.BytesIO(harmful)).load()


def test_the_package_is_not_imported_and_named_if_it_is_missing(monkeypatch):
    assert read_data()
    assert "seglearn" not in sys.modules
    monkeypatch.setitem(sys.modules, "seglearn", None)  # then it can't be found
    with pytest.raises(UserError, match=r"need seglearn: pip install 'unrolled\[sensors\]'$"):
        read_data()


@pytest.mark.parametrize("number", range(3))
def test_every_beat_is_marked_where_its_peak_is(number):
    one = person(number, 30.0, "train", np.random.default_rng([7, number]))
    again = person(number, 30.0, "train", np.random.default_rng([7, number]))
    np.testing.assert_array_equal(one.signal, again.signal)
    signal = one.signal[:, 0]
    high = np.quantile(signal, 0.98)
    for span in one.spans[1:-1]:
        around = signal[round((span.start - 0.08) * 120) : round((span.start + 0.08) * 120)]
        assert span.label != "N" or around.max() > high - 0.3 * np.ptp(signal)
    assert {span.label for span in one.spans} <= set("NSV")


def test_early_beats_come_early_and_ventricular_ones_are_wide():
    times, kinds = beats(600.0, np.random.default_rng(3))
    intervals, kinds = np.diff(times), np.array(kinds[1:])
    normal = np.median(intervals[kinds == "N"])
    assert intervals[kinds == "V"].max() < 0.9 * normal
    clean = voltage(np.array([1.0, 2.0, 3.0, 4.0]), ["N", "N", "V", "N"], 4.0, np.random.default_rng(0))
    wide = [
        np.mean(np.abs(clean[at - 48 : at + 48]) > 0.5 * np.abs(clean[at - 48 : at + 48]).max())
        for at in (960, 1440)
    ]
    assert wide[1] > 1.5 * wide[0]
