"""Segments by a network that runs on each window anew: where windows lie, and what their answers hold for."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.data.recordings import Recording, Span
from pipelines.data.windows import NOTHING
from pipelines.tasks import window_finder
from pipelines.tasks.segments import SegmentOptions
from pipelines.tasks.window_finder import WindowFinder, WindowListener

LABELS = ["a", "b", NOTHING]
RATE, LENGTH, HOP = 4.0, 8, 4
BUNDLE = SimpleNamespace(
    labels=LABELS,
    preprocessing={"sample_rate": RATE, "samples": LENGTH},
    manifest={"config": {"hop": HOP / RATE}},
    variant=lambda name: {"execution": "loop", "file": "made"},
    variant_path=lambda file: file,
)
OPTIONS = SegmentOptions(smoothing_ms=100)


@pytest.fixture
def windows(monkeypatch) -> list[np.ndarray]:
    """All windows that the network is given; it answers with the label whose number is in their middle."""
    given: list[np.ndarray] = []

    def predict(inputs: np.ndarray) -> np.ndarray:
        given.extend(inputs[..., 0])
        return np.eye(len(LABELS))[inputs[:, LENGTH // 2, 0].astype(int)]

    monkeypatch.setattr(window_finder, "runner_of", lambda _: lambda _: SimpleNamespace(predict=predict))
    return given


def recording(*numbers: int, start: float = 0.0) -> Recording:
    return Recording("", np.array(numbers, np.float32)[:, None], RATE, (), start=start)


def test_a_recording_no_longer_than_a_window_is_one_and_its_first_sample_precedes_it(windows):
    found, whole = WindowFinder(BUNDLE, None, OPTIONS).of_input("clip", [recording(0, 1, 1, 1, 1)])
    np.testing.assert_array_equal(windows, [[0, 0, 0, 0, 1, 1, 1, 1]])
    np.testing.assert_array_equal(whole, [0, 1, 0])
    assert (found.spans, found.seconds) == ([Span(0, 1.25, "b")], 1.25)


def test_of_a_longer_one_each_window_tells_its_middle_and_the_last_one_ends_with_it(windows):
    stream = recording(*[0] * 7, *[2] * 4, *[1] * 8, start=5.0)
    finder = WindowFinder(BUNDLE, None, OPTIONS)
    found, whole = finder.of_input(stream.signal, [stream])
    assert [len(each) for each in windows] == [LENGTH] * 4
    np.testing.assert_array_equal(windows[-1], stream.signal[-LENGTH:, 0])
    assert whole is None
    assert found.spans == [Span(5.0, 6.5, "a"), Span(7.5, 9.75, "b")]
    assert finder(stream) == found.spans


def test_while_samples_arrive_the_answers_are_those_of_the_whole_windows(windows):
    stream = recording(*np.random.default_rng(0).integers(0, 3, 4 * LENGTH))
    listener = WindowListener(BUNDLE, None)
    for _ in range(2):
        listener.reset()
        pieces = np.split(stream.signal, [3, 4, 20])
        told = [answer for piece in pieces for answer in listener.posteriors(piece)]
        np.testing.assert_array_equal(told, WindowFinder(BUNDLE, None, OPTIONS).posteriors(stream))
    assert (listener.step_seconds, listener.late) == (1.0, 1.5)
