"""The clips that the page of a bundle carries with Python's answers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from pipelines.app import Page
from pipelines.ondevice.bundle import Bundle
from pipelines.page import sounds
from pipelines.page.golden import CASES


def inputs(bundle: Bundle) -> Sequence[np.ndarray]:
    """Return clips of 16-bit samples as long as the network hears: words spoken by espeak-ng, and noise."""
    from .embedded.utterances import utterances  # imported late: it needs espeak-ng

    length = bundle.preprocessing["samples"]
    clips = [each.samples for each in itertools.islice(utterances("test", 2), CASES)]
    return [np.resize(clip, length) for clip in clips]


PAGE = Page("sounds", inputs, sounds.words, sounds.settings())
