"""Streams made of labelled clips, and reports held against the events in them."""

import json

import numpy as np
import pytest

from pipelines.tasks.event_plots import write_detection
from pipelines.tasks.event_rates import (
    THRESHOLDS,
    Clips,
    Placed,
    Rates,
    detection_curve,
    make_stream,
    rates,
)
from pipelines.tasks.events import EventOptions, Heard

SAMPLE_RATE = 16_000
LABELS = ("yes", "no", "other", "nothing")


def tone(number: int) -> np.ndarray:
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * 200 * (number + 1) * time)).astype(np.float32)


def stream_of(clips: Clips, seed: int = 3) -> tuple[np.ndarray, list[Placed]]:
    def noise(samples: int, rng: np.random.Generator) -> np.ndarray:
        return 0.1 * rng.standard_normal(samples)

    return make_stream(clips, noise, rate=SAMPLE_RATE, minutes=2, seed=seed)


def test_a_stream_holds_its_events_where_it_says():
    clips = Clips(tone, LABELS, others=("other", "nothing"))
    samples, placed = stream_of(clips)
    assert len(samples) == 120 * SAMPLE_RATE
    assert len(placed) == 14  # a third of 40 slots, the first third rounded up
    assert {each.label for each in placed} == {"yes", "no"}
    for each in placed:
        start = round(each.start * SAMPLE_RATE)
        found = samples[start : start + SAMPLE_RATE]
        assert np.corrcoef(found, tone(LABELS.index(each.label)))[0, 1] > 0.9
        assert each.end - each.start == pytest.approx(1)
    again, _ = stream_of(clips)
    np.testing.assert_array_equal(samples, again)
    assert not np.array_equal(samples, stream_of(clips, seed=4)[0])


def test_a_slot_without_a_clip_is_nearly_empty():
    samples, placed = stream_of(Clips(tone, ("yes",), others=("nothing",)))
    slots = samples.reshape(40, -1)
    loud = [np.abs(slot).max() > 0.1 for slot in slots]
    assert sum(loud) == len(placed) == 20


@pytest.mark.parametrize(
    ("events", "miss_rate", "false_accepts"),
    [
        ([], 1.0, 0),
        ([("yes", 3.0), ("no", 7.0)], 0.0, 0),
        ([("yes", 3.0)], 0.5, 0),
        ([("no", 3.0)], 1.0, 60),  # the wrong label: missed, and a false accept
        ([("yes", 3.0), ("yes", 3.22)], 0.5, 60),  # reported twice
        ([("yes", 0.22)], 1.0, 60),  # before it came
        ([("no", 8.02)], 1.0, 60),  # long after
    ],
)
def test_reports_are_held_against_the_events_of_the_stream(events, miss_rate, false_accepts):
    placed = [Placed("yes", 2.0, 3.0), Placed("no", 6.0, 7.0)]
    heard = [Heard(label, seconds, 0.9) for label, seconds in events]
    assert rates(heard, placed, 0.7, 60.0) == Rates(0.7, miss_rate, false_accepts)


class Certain:
    """A listener that reports "yes" at 3 s with a probability of .75, whatever it hears."""

    sample_rate = 10

    def posteriors(self, samples):
        return iter([len(samples)])

    def events(self, posteriors, options):
        assert list(posteriors) == [600]
        return iter([Heard("yes", 3.0, 0.75)] if options.threshold <= 0.75 else [])


def test_the_curve_has_a_point_for_each_threshold_and_is_written(tmp_path):
    placed = [Placed("yes", 2.0, 3.0), Placed("no", 6.0, 7.0)]
    curve = detection_curve(Certain(), np.zeros(600), placed, EventOptions())
    assert [point.threshold for point in curve] == list(THRESHOLDS)
    assert [point.miss_rate for point in curve] == [0.5] * 5 + [1.0] * 5
    figures = write_detection(tmp_path, curve, title="here", threshold=0.8)
    assert figures == {
        "detection.threshold": 0.8,
        "detection.miss_rate": 1.0,
        "detection.false_accepts_per_hour": 0.0,
    }
    assert [row["threshold"] for row in json.loads((tmp_path / "detection.json").read_text())] == list(
        THRESHOLDS
    )
    assert (tmp_path / "detection.png").stat().st_size > 1000
