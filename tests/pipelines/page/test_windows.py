"""How pages answer to the windows of a stream, in Node.js: equal to Python."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from pipelines.data.recordings import Recording
from pipelines.data.windows import NOTHING
from pipelines.tasks import window_finder
from pipelines.tasks.segments import SegmentOptions
from pipelines.tasks.window_finder import WindowFinder

LABELS = ["a", "b", NOTHING]
RATE, LENGTH = 4.0, 8


def streams(monkeypatch) -> list[dict[str, Any]]:
    """Return streams of numbers, and what is found if the number in the middle of a window is its label."""
    rng, found = np.random.default_rng(14), []

    def predict(inputs: np.ndarray) -> np.ndarray:
        given.append(inputs[0, :, 0].tolist())
        return np.eye(len(LABELS))[inputs[:, LENGTH // 2, 0].astype(int)]

    monkeypatch.setattr(window_finder, "runner_of", lambda _: lambda _: SimpleNamespace(predict=predict))
    for samples, hop in ((1, 4), (5, 4), (8, 4), (9, 4), (10, 3), (40, 4), (41, 2), (43, 5), (40, 12)):
        numbers = rng.integers(0, 3, 12).repeat(4)[:samples]
        bundle: Any = SimpleNamespace(
            labels=LABELS,
            preprocessing={"sample_rate": RATE, "samples": LENGTH, "shape": [1], "delay": 0.0},
            manifest={"config": {"hop": hop / RATE, "answer": "clip"}},
            variants=[],
            variant=lambda name: {"execution": "loop", "file": ""},
            variant_path=lambda file: file,
        )
        given: list[list[float]] = []
        signal = numbers[:, None].astype(np.float32)
        finder = WindowFinder(bundle, None, SegmentOptions(smoothing_ms=100))
        told, whole = finder.of_input(signal, [Recording("", signal, RATE, ())])
        found.append(
            {
                "bundle": {each: getattr(bundle, each) for each in ("labels", "preprocessing", "manifest")},
                "frames": numbers.tolist(),
                "windows": given,
                "spans": [span._asdict() for span in told.spans],
                "even": samples <= LENGTH or (samples - LENGTH) % hop == 0,
                "whole": None if whole is None else LABELS[int(whole.argmax())],
            }
        )
    return found


def test_windows_of_streams_and_their_segments_are_those_of_python(node_test, monkeypatch):
    settings = {"smoothing_ms": 100, "enter": 0.5, "leave": 0.5, "ignored": [NOTHING]}
    node_test("windows.test.mjs", {"streams": streams(monkeypatch), "settings": settings})
