"""Segments and events of streams, and how they are scored."""

import numpy as np
import pytest

from pipelines.data.recordings import Span
from pipelines.data.windows import NO_EVENT, NOTHING, UNSCORED
from pipelines.errors import UserError
from pipelines.ondevice.trigger import Steady
from pipelines.tasks.beat_rates import confusion, rates
from pipelines.tasks.labelling import accuracy, macro_f1, scored
from pipelines.tasks.labelling_loss import LabellingLoss
from pipelines.tasks.segments import SegmentCounts, SegmentOptions, joined, segments


def posteriors(labels: list[int], count: int = 3, sure: float = 0.9) -> np.ndarray:
    rest = (1 - sure) / (count - 1)
    return np.where(np.eye(count)[labels] == 1, sure, rest)


def test_one_odd_step_changes_nothing_and_a_lasting_change_does():
    steady = Steady(4, 0.5, 0.5)
    given = posteriors([0] * 6 + [1] + [0] * 6 + [1] * 6)
    assert [steady(each) for each in given] == [0] * 15 + [1] * 4
    steady.reset()
    assert steady(np.full(3, 1 / 3)) == -1


def test_hysteresis_keeps_the_label_until_it_is_unlikely():
    wavering = posteriors([0, 0], sure=0.9).tolist() + posteriors([1] * 3, sure=0.55).tolist()
    assert [Steady(1, 0.5, 0.2)(each) for each in wavering[:1]] == [0]
    keeps, leaves = Steady(1, 0.5, 0.2), Steady(1, 0.5, 0.5)
    assert [keeps(each) for each in wavering] == [0] * 5
    assert [leaves(each) for each in wavering] == [0, 0, 1, 1, 1]


def test_segments_have_the_times_of_their_steps_and_nothing_is_none():
    options = SegmentOptions(smoothing_ms=100)
    found = segments(posteriors([0, 0, 2, 2, 1]), ["a", "b", NOTHING], 0.1, options)
    assert found == [Span(0.0, 0.2, "a"), Span(pytest.approx(0.4), 0.5, "b")]
    with pytest.raises(UserError, match="--enter: expected above 0, at most 1, got 0"):
        SegmentOptions(enter=0)


def test_segments_are_scored_by_overlap_onset_and_false_alarms():
    true = [Span(0, 10, "a"), Span(10, 20, "b"), Span(30, 40, "a")]
    heard = [Span(2, 11, "a"), Span(11, 14, "b"), Span(14, 20, "a"), Span(22, 28, "b"), Span(30, 40, "a")]
    counts, all_known = SegmentCounts(), SegmentCounts()
    counts.add(true, heard, 40.0)
    assert (counts.found, counts.heard, counts.false) == (2, 5, 1)  # 22 to 28 has no label
    assert counts.figures() == {
        "segment_f1": 0.5,
        "onset_delay": 1.0,
        "false_alarms_per_hour": pytest.approx(120.0),
    }
    all_known.add(true, heard, 40.0, all_known=True)
    assert all_known.figures() == counts.figures() | {"false_alarms_per_hour": pytest.approx(180.0)}
    spans = [Span(0, 1, "a"), Span(1, 2, "a"), Span(2, 3, "odd"), Span(3, 4, "a")]
    assert joined(spans, ["a"]) == [Span(0, 2, "a"), Span(3, 4, "a")]


def at(*events: tuple[float, str]) -> list[Span]:
    return [Span(seconds, seconds, label) for seconds, label in events]


def test_events_are_told_apart_missed_and_invented():
    true = at((1, "N"), (2, "V"), (3, "N"), (4, "odd"), (5, "V"))
    heard = at((1.1, "N"), (2.05, "N"), (4, "V"), (5, "V"), (7, "V"))
    counts = confusion(true, heard, ["N", "V"])
    assert counts.tolist() == [[1, 0, 1], [1, 1, 0], [0, 1, 0]]
    figures = rates(counts, ["N", "V"])
    assert figures == {
        "N.sensitivity": 0.5,
        "N.positive_predictivity": 0.5,
        "N.f1": 0.5,
        "V.sensitivity": 0.5,
        "V.positive_predictivity": 0.5,
        "V.f1": 0.5,
        "macro_f1": 0.5,
    }
    assert confusion(true, [], ["N", "V"])[:, 2].tolist() == [2, 2, 0]


def test_each_event_counts_once_and_without_the_label_for_none():
    targets = np.array([[NO_EVENT, 0, 0, 0, NO_EVENT, UNSCORED], [1, 1, NO_EVENT, NO_EVENT, 0, 0]])
    outputs = np.tile([0.3, 0.1, 0.6], (2, 6, 1))
    outputs[1, :2] = [0.1, 0.2, 0.7]
    found, wanted = scored(outputs, targets)
    assert wanted.tolist() == [0, 1, 0]
    assert found.argmax(axis=1).tolist() == [0, 1, 0]
    assert macro_f1(outputs, targets) == accuracy(outputs, targets) == 1.0


def test_of_a_label_at_every_step_those_with_a_target_count():
    targets = np.array([[0, 1, UNSCORED, 1]])
    outputs = posteriors([0, 0, 2, 1])[None]
    assert accuracy(outputs, targets) == pytest.approx(2 / 3)
    assert accuracy(outputs[:, 0], targets[:, 0]) == 1.0


def test_the_loss_leaves_steps_without_a_target_out():
    loss = LabellingLoss(0.0)
    outputs = posteriors([0, 2, 1], sure=0.8)[None].astype(np.float32)
    value = float(loss(np.array([[0, NO_EVENT, UNSCORED]]), outputs))
    assert value == pytest.approx(-np.log(0.8), rel=1e-4)
    assert float(loss(np.full((1, 3), UNSCORED), outputs)) == 0.0
