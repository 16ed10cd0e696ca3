"""Detect events and labels in a stream of posteriors, with smoothing and thresholds. Needs numpy only."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np


class Event(NamedTuple):
    """A detected label."""

    step: int
    """The step at which it was detected, counted from 0."""
    label: str
    score: float
    """The smoothed posterior probability at that step."""


class Trigger:
    """Fire when the smoothed posterior of a label reaches a threshold.

        s_t = mean of p_u over the last `smoothing` steps u <= t      (at the start, over the steps so far)

    The label k with the largest s_t[k] fires at step t if

        s_t[k] >= threshold, and
        no label has fired in the last `suppression` steps, and
        s[k] has been below the threshold since k last fired.

    Args:
        labels: the names of the posteriors, in their order.
        threshold: above 0, at most 1.
        smoothing: steps, at least 1.
        suppression: steps; 0 for none.
        ignored: labels that never fire, such as "_silence_".
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        threshold: float,
        smoothing: int,
        suppression: int,
        ignored: Collection[str] = (),
    ) -> None:
        self._labels = list(labels)
        self._fires = np.array([label not in ignored for label in labels])
        self._threshold = threshold
        self._suppression = suppression
        self._last: deque[np.ndarray] = deque(maxlen=smoothing)
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._last.clear()
        self._step = -1
        self._quiet_until = 0
        self._armed = np.ones(len(self._labels), bool)

    def __call__(self, posterior: np.ndarray) -> Event | None:
        """Take the posteriors (labels,) of the next step. Return the event that fires, or None."""
        self._step += 1
        self._last.append(np.asarray(posterior, np.float64))
        scores = np.mean(self._last, axis=0)
        self._armed |= scores < self._threshold
        best = int(np.where(self._fires, scores, -1.0).argmax())
        ready = self._fires[best] and self._armed[best] and self._step >= self._quiet_until
        if not ready or scores[best] < self._threshold:
            return None
        self._armed[best] = False
        self._quiet_until = self._step + self._suppression + 1
        return Event(self._step, self._labels[best], float(scores[best]))


class Steady:
    """Follow the label of a stream without flicker, by smoothing and hysteresis.

        s_t = mean of p_u over the last `smoothing` steps u <= t

    Another label k takes over when s_t[k] >= `enter` and the present one has s_t < `leave`.

    Args:
        smoothing: steps, at least 1.
        enter, leave: probabilities.
    """

    def __init__(self, smoothing: int, enter: float, leave: float) -> None:
        self._last: deque[np.ndarray] = deque(maxlen=smoothing)
        self._enter, self._leave = enter, leave
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._last.clear()
        self._label = -1

    def __call__(self, posterior: np.ndarray) -> int:
        """Take the posteriors (labels,) of the next step; return the number of the label, -1 before any."""
        self._last.append(np.asarray(posterior, np.float64))
        scores = np.mean(self._last, axis=0)
        best = int(scores.argmax())
        if scores[best] >= self._enter and (self._label < 0 or scores[self._label] < self._leave):
            self._label = best
        return self._label


class Packets:
    """Cut a stream that arrives in pieces of any size into packets of a fixed size.

    Args:
        size: the number of elements in a packet.
        shape: the shape of an element; numbers by default.
    """

    def __init__(self, size: int, shape: tuple[int, ...] = ()) -> None:
        self._size = size
        self._rest = np.empty((0, *shape), np.float32)

    def __call__(self, piece: np.ndarray) -> list[np.ndarray]:
        """Take the next elements (n, ...), and return the packets (size, ...) that they complete."""
        waiting = np.concatenate([self._rest, np.asarray(piece, np.float32)])
        whole = len(waiting) // self._size * self._size
        self._rest = waiting[whole:]
        return np.split(waiting[:whole], whole // self._size) if whole else []
