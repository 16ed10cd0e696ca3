"""Finds segments by a network that was trained on windows with one label. Needs numpy and LiteRT only.

Only the answer at a window's end was trained, from the initial state on. So the network runs on each window
anew. Its answer holds for the middle of the window.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..data.recordings import Recording, Span
from ..data.windows import padded_to
from ..ondevice.bundle import Bundle
from ..ondevice.model import runner_of
from .classification import require_one_each
from .segment_finder import Found, found_in
from .segments import SegmentOptions, segments


class WindowListener:
    """Answers to the last window of a stream, at its first whole window and each `hop` after it.

    Args:
        bundle: its preprocessing has `sample_rate` and `samples` (of a window), its config the seconds `hop`.
        variant: a file or a precision, as for evaluation.

    Attributes:
        length: samples of a window.
        hop: samples from one window to the next.
        step_seconds: the time from one answer to the next.
        late: the seconds from the beginning of what an answer holds for to that answer.
    """

    def __init__(self, bundle: Bundle, variant: str | None) -> None:
        rate = bundle.preprocessing["sample_rate"]
        record = bundle.variant(variant)
        self._network = runner_of(record["execution"])(bundle.variant_path(record["file"]))
        self._labels = bundle.labels
        self.length: int = bundle.preprocessing["samples"]
        self.hop = max(1, round(bundle.manifest["config"]["hop"] * rate))
        self.step_seconds: float = self.hop / rate
        self.late = (self.length + self.hop) / 2 / rate
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._latest: deque[np.ndarray] = deque(maxlen=self.length)
        self._lacking = self.length

    def posteriors(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        """Take the next samples (n, ...); yield the probabilities (labels,) for each window they complete."""
        for sample in samples:
            self._latest.append(sample)
            self._lacking -= 1
            if not self._lacking:
                self._lacking = self.hop
                yield self.posterior(np.stack(self._latest))

    def posterior(self, samples: np.ndarray) -> np.ndarray:
        """Return the probabilities (labels,) of a window; copies of its first sample precede a short one."""
        (probabilities,) = self._network.predict(padded_to(samples, self.length)[None])
        require_one_each(self._labels, probabilities)
        return probabilities


class WindowFinder:
    """Finds the segments of recordings, and tells what a clip as a whole is.

    Args:
        bundle, variant: as for `WindowListener`.
        options: what is reported.
    """

    def __init__(self, bundle: Bundle, variant: str | None, options: SegmentOptions) -> None:
        self._listener = WindowListener(bundle, variant)
        self._labels, self._options = bundle.labels, options

    def __call__(self, recording: Recording) -> list[Span]:
        """Return the segments of a recording, at the times of its file."""
        return self._segments(recording, self.posteriors(recording))

    def posteriors(self, recording: Recording) -> list[np.ndarray]:
        """Return the probabilities (labels,) of each window.

        A recording no longer than a window is one. Of a longer one the last window ends where it ends.
        """
        listener, signal = self._listener, recording.signal
        return [listener.posterior(signal[:end][-listener.length :]) for end in self._ends(len(signal))]

    def of_input(self, given: Any, streams: Sequence[Recording]) -> tuple[Found, np.ndarray | None]:
        """Return what is found in an input, and if it is one window, its probabilities (labels,).

        Args:
            given: the input, a path or an array.
            streams: the input as the network reads it, in the order of time.
        """
        answers: list[np.ndarray] = []

        def find(stream: Recording) -> list[Span]:
            posteriors = self.posteriors(stream)
            answers.extend(posteriors)
            return self._segments(stream, posteriors)

        found = found_in(given, streams, find)
        return found, answers[0] if len(answers) == 1 else None

    def _ends(self, samples: int) -> list[int]:
        ends = list(range(self._listener.length, samples, self._listener.hop))
        return [*ends, samples]

    def _segments(self, recording: Recording, posteriors: Sequence[np.ndarray]) -> list[Span]:
        """Return the segments in the answers to windows; between two answers it ends half-way."""
        ends, step = np.array(self._ends(len(recording.signal))), self._listener.step_seconds
        inner = (ends[1:] + ends[:-1] - self._listener.length) / 2
        edges = recording.start + np.array([0, *inner, len(recording.signal)]) / recording.rate
        return [
            Span(float(edges[round(span.start / step)]), float(edges[round(span.end / step)]), span.label)
            for span in segments(posteriors, self._labels, step, self._options)
        ]
