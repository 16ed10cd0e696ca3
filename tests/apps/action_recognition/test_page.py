"""The inputs of the page for networks of other kinds, and Python's answers to frames."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from apps.action_recognition import page
from apps.action_recognition.page import PAGE
from pipelines.data.recordings import Span
from pipelines.page import streams
from pipelines.page.golden import CASES


def bundle_of(**preprocessing: Any) -> Any:
    return SimpleNamespace(
        labels=["a", "b"],
        preprocessing={"kind": "video", "samples": 40, "sample_rate": 12.0, "joints": [], **preprocessing},
    )


@pytest.mark.parametrize(
    ("size", "colours", "most"), [(32, 1, 40), (16, 3, 40), (64, 1, 40), (112, 3, 5), (512, 3, 2)]
)
def test_pictures_have_the_size_of_the_network_and_large_ones_are_few(size, colours, most):
    clips = PAGE.inputs(bundle_of(shape=[size, size, colours]))
    assert len(clips) == CASES
    assert {each.shape[1:] for each in clips} == {(size, size, colours)}
    assert max(len(each) for each in clips) == most
    assert all(each.dtype == np.uint8 and each.std() > 5 for each in clips)


def test_a_network_of_joints_gets_curves_and_tells_its_segments_with_the_probabilities_of_frames(monkeypatch):
    mean, deviation = np.ones((3, 3)).tolist(), np.full((3, 3), 0.5).tolist()
    bundle = bundle_of(kind="joints", shape=[3, 3], mean=mean, deviation=deviation, samples=30)
    clips = PAGE.inputs(bundle)
    assert {each.shape for each in clips} == {(30, 3, 3)}
    listener = SimpleNamespace(reset=lambda: None, posteriors=lambda clip: clip[:, 0, :2])
    monkeypatch.setattr(streams, "Listener", lambda *_, **__: listener)
    monkeypatch.setattr(page, "finder_of", lambda *_: lambda recording: [Span(0.0, recording.seconds, "b")])
    answers = list(PAGE.answers(bundle, "float32_step.tflite", clips))
    assert [each.answer for each in answers] == [["b"]] * CASES
    np.testing.assert_array_equal(answers[3].outputs, clips[3][:, 0, :2])
