"""The recordings that the page of a bundle carries, and what Python finds in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.app import Page
from pipelines.data.windows import EVENT_STEPS, NOTHING
from pipelines.ondevice.bundle import Bundle
from pipelines.page.golden import CASES, Golden
from pipelines.page.streams import noise, segments_of

from .features import stretches_of
from .predict import Finder, Options

_SECONDS = 4.0
EXERCISES = {
    "ABD": "abduction",
    "ER": "external rotation",
    "FEL": "forward elevation",
    "IR": "internal rotation",
    "PEN": "pendulum",
    "ROW": "upright row",
    "TRAP": "trapezius extension",
}
"""What the labels of the wrist's recordings stand for."""


def settings() -> Mapping[str, Any]:
    """Return the defaults of what is reported, which the page has too."""
    options = Options()
    names = ("smoothing_ms", "enter", "leave", "threshold")
    shared = {name: getattr(options, name) for name in names}
    return {**shared, "ignored": [NOTHING], "event_steps": EVENT_STEPS, "names": EXERCISES}


def inputs(bundle: Bundle) -> Sequence[np.ndarray]:
    """Return recordings (samples, channels): of the wrist, or if the network reads other channels, noise."""
    from .embedded.wrist_file import CHANNELS, RATE, read_data  # needed for this alone

    wanted = bundle.preprocessing
    length = round(_SECONDS * wanted["sample_rate"])
    if (tuple(wanted["channels"]), wanted["sample_rate"]) != (CHANNELS, RATE):
        return noise(wanted, (length, len(wanted["channels"])))
    signals = read_data()["X"]
    some = [np.asarray(each, np.float32) for each in signals[:: len(signals) // CASES][:CASES]]
    return [each[len(each) // 2 :][:length] for each in some]


def answers(bundle: Bundle, file: str, recordings: Sequence[np.ndarray]) -> Iterator[Golden]:
    """Yield for each recording the labels of its segments or events, and the probabilities of all steps."""
    find = Finder(bundle, file, Options())
    yield from segments_of(bundle, file, recordings, find=find, read=stretches_of)


PAGE = Page("signals", inputs, answers, settings())
