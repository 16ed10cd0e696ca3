"""What the page of handwriting carries: numbers that draw texts, and Python's strokes."""

from __future__ import annotations

import numpy as np

from apps.handwriting.page import PAGE
from pipelines.app import SHIPPED, folder_of
from pipelines.ondevice.bundle import Bundle


def test_a_file_that_writes_for_longer_is_cut_where_the_numbers_end() -> None:
    bundle = Bundle.open(folder_of("handwriting") / SHIPPED)
    (file,) = (each["file"] for each in bundle.variants)
    rng = np.random.default_rng(0)
    numbers = np.concatenate([np.full((7, 2), 0.5), rng.normal(size=(7, 2))], axis=1)
    (written,) = PAGE.answers(bundle, file, [{"text": "Write it", "draws": numbers}])
    assert written.outputs.shape == (7, 2)
    assert not written.answer["finished"]
