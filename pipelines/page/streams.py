"""What Python answers on the page of a network that listens to streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..data.recordings import Recording, Span
from ..data.windows import NOTHING
from ..ondevice.bundle import Bundle
from ..tasks.events import EventOptions, Listener
from .golden import CASES, Golden


def noise(wanted: Mapping[str, Any], shape: Sequence[int]) -> list[np.ndarray]:
    """Return curves of this shape around the mean of the training data, that of `wanted`."""
    steps = np.random.default_rng(1).normal(size=(CASES, *shape))
    curves = np.tanh(steps.cumsum(axis=1) / 10) * wanted["deviation"] + wanted["mean"]
    return list(curves.astype(np.float32))


def segments_of(
    bundle: Bundle,
    file: str,
    streams: Iterable[np.ndarray],
    *,
    find: Callable[[Recording], Sequence[Span]],
    read: Callable[[Bundle, np.ndarray], Sequence[Recording]],
) -> Iterator[Golden]:
    """Yield for each stream the labels of its segments or events, and the probabilities of all steps.

    Args:
        bundle, file: the network.
        streams: samples (n, ...) each.
        find: finds the segments of a recording.
        read: makes the one recording of a stream.
    """
    listener = Listener(bundle, file, EventOptions(), ignored=(NOTHING,))
    for each in streams:
        listener.reset()
        posteriors = np.stack(list(listener.posteriors(each)))
        (recording,) = read(bundle, each)
        yield Golden(answer=[span.label for span in find(recording)], outputs=posteriors)
