"""The texts that the page of a bundle carries with Python's answers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from pipelines.app import Page
from pipelines.ondevice.bundle import Bundle
from pipelines.page import texts

_EVERYDAY = Path(__file__).with_name("embedded") / "everyday_2.txt"
_ODD = (
    "",
    "NOT bad… at all!!!",
    "It\u2019s fine, isn\u2019t it?",
    "<b>caf\u00e9</b> cr\u00e8me, 3\u00bd stars \U0001f600",
)


def inputs(bundle: Bundle) -> Sequence[str]:
    """Return sentences of every day, some longer than the network reads, and some that are odd to cut."""
    lines = _EVERYDAY.read_text(encoding="utf-8").splitlines()
    sentences = [line.split(" ", 1)[1] for line in lines]
    some = sentences[:: max(1, len(sentences) // 14)][:14]
    long = [" ".join(itertools.islice(itertools.cycle(sentences[i:]), 12)) for i in (0, 7)]
    return [*some, *long, *_ODD]


PAGE = Page("texts", inputs, texts.labels)
