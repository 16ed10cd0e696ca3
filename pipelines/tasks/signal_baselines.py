"""What simple classifiers read of recordings: statistics of windows, shapes and intervals of beats."""

from __future__ import annotations

import itertools

import numpy as np

from ..data.recordings import Recording
from ..data.windows import UNSCORED, Cutting, WindowedData

_BANDS = 6
_EVERY = 5  # of a label at every step, only every so many of the scored steps are read
_SECONDS = 2.5  # before such a step
_INTERVALS = 8
_POINTS = 40  # of a beat's shape
_BEFORE, _AFTER = 0.3, 0.4  # seconds around a beat

Rows = tuple[np.ndarray, np.ndarray]


def window_statistics(data: WindowedData, split: str, cutting: Cutting) -> Rows:
    """Return statistics (N, numbers) and the label of each window of a split, (N,).

    With a label at every step, the windows are the seconds before some of the steps. What lies before the
    network's window is a copy of its first sample here, since the network doesn't know it, either.
    """
    examples = data.splits[split]
    if cutting.answer == "window":
        return np.stack([statistics(window) for window in examples.inputs]), examples.targets
    rows, targets = [], []
    span = max(2, int(_SECONDS * data.whole[split][0].rate))
    for window, target in zip(examples.inputs, examples.targets, strict=True):
        before = np.concatenate([np.repeat(window[:1], span, axis=0), window])
        for step in np.flatnonzero(target != UNSCORED)[::_EVERY]:
            end = (step + 1) * cutting.packet
            rows.append(statistics(before[end : end + span]))
            targets.append(target[step])
    return np.stack(rows), np.array(targets)


def statistics(window: np.ndarray) -> np.ndarray:
    """Return moments, quantiles, roughness, correlations and the spectrum of a window (samples, channels)."""
    window = window.astype(np.float64)
    centred = window - window.mean(axis=0)
    deviation = centred.std(axis=0) + 1e-9
    quantiles = np.quantile(window, [0, 0.25, 0.5, 0.75, 1], axis=0)
    rough = np.abs(np.diff(window, axis=0)).mean(axis=0)
    skew = (centred**3).mean(axis=0) / deviation**3
    products = (centred.T @ centred) / len(window) / np.outer(deviation, deviation)
    power = np.abs(np.fft.rfft(centred, axis=0)) ** 2
    edges = np.unique(np.geomspace(1, len(power), _BANDS + 1).astype(int))
    bands = [np.log(power[a:b].sum(axis=0) + 1e-9) for a, b in itertools.pairwise(edges)]
    pairs = products[np.triu_indices(len(products), 1)]
    return np.concatenate([window.mean(axis=0), deviation, *quantiles, rough, skew, pairs, *bands])


def beat_shapes(data: WindowedData, split: str, cutting: Cutting) -> Rows:
    """Return the shape around each event and the intervals before it, (N, numbers), and its label, (N,).

    The events are those that the network is scored on, or more by a few at the borders of windows. The places
    of the events are given; the shape ends 0.4 s after the event.
    """
    rows, targets = [], []
    for recording in data.whole[split]:
        of_recording = _beats(recording, cutting.labels)
        rows += of_recording[0]
        targets += of_recording[1]
    return np.stack(rows), np.array(targets)


def _beats(recording: Recording, labels: tuple[str, ...]) -> tuple[list[np.ndarray], list[int]]:
    signal, rate = recording.signal[:, 0], recording.rate
    times = np.array([span.start for span in recording.spans])
    rows, targets = [], []
    for number, span in enumerate(recording.spans):
        last = np.diff(times[max(0, number - _INTERVALS) : number + 1])
        first, end = (round((span.start + off) * rate) for off in (-_BEFORE, _AFTER))
        if span.label not in labels or not len(last) or first < 0 or end > len(signal):
            continue
        shape = signal[first:end] - np.median(signal[first:end])
        points = np.interp(np.linspace(0, len(shape) - 1, _POINTS), np.arange(len(shape)), shape)
        mean = max(float(last.mean()), 1e-3)
        rows.append(np.concatenate([points, [last[-1], mean, last[-1] / mean, shape.std(), np.ptp(shape)]]))
        targets.append(labels.index(span.label))
    return rows, targets
