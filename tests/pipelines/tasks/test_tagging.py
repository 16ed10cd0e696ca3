"""Spans are counted as seqeval counts them in its strict mode."""

import numpy as np
import pytest

from pipelines.tasks.tagging import (
    METRICS,
    PADDING,
    counts_by_type,
    f1_of,
    numbered,
    precision_of,
    recall_of,
    tags_of,
)

LABELS = tags_of(["LOC", "ORG", "PER"])
SENTENCES = [  # true, found
    ("B-PER I-PER O B-LOC O", "B-PER I-PER O B-LOC O"),
    ("B-ORG I-ORG I-ORG O O B-PER", "B-ORG I-ORG O O O B-PER"),
    ("B-LOC B-LOC O O", "B-LOC I-LOC O O"),
    ("O O B-PER I-PER", "O B-PER I-PER I-PER"),
    ("B-ORG O B-LOC O", "B-LOC O B-LOC O"),
    ("O", "B-ORG"),
    ("B-PER", "O"),
    ("B-ORG B-PER I-PER O", "B-ORG B-PER I-PER O"),
]
# Of seqeval 1.2.2 with mode="strict", scheme=IOB2: precision, recall, F1
BY_TYPE = {"LOC": (1 / 2, 1 / 2, 1 / 2), "ORG": (1 / 3, 1 / 3, 1 / 3), "PER": (3 / 4, 3 / 5, 2 / 3)}
ALL = {
    "f1": 0.5217391304347826,
    "precision": 0.5454545454545454,
    "recall": 0.5,
    "accuracy": 0.7586206896551724,
}


@pytest.fixture(scope="module")
def arrays() -> tuple[np.ndarray, np.ndarray]:
    """Return the tags found as probabilities (N, 6, tags), and the true ones, padded (N, 6)."""
    outputs = np.full([len(SENTENCES), 6, len(LABELS)], 0.01)
    targets = np.full([len(SENTENCES), 6], PADDING)
    for i, (true, found) in enumerate(SENTENCES):
        numbers = numbered(true.split(), LABELS)
        targets[i, : len(numbers)] = numbers
        outputs[i, np.arange(len(numbers)), numbered(found.split(), LABELS)] = 0.94
    return outputs, targets


def test_all_spans(arrays):
    assert {name: metric(*arrays) for name, metric in METRICS.items()} == pytest.approx(ALL)


def test_spans_by_type(arrays):
    counts = counts_by_type(*arrays, 3)
    for label, each in zip(BY_TYPE, counts, strict=True):
        assert (precision_of(each), recall_of(each), f1_of(each)) == pytest.approx(BY_TYPE[label])


def test_nothing_to_find_and_nothing_found():
    none = np.zeros(3)
    assert (precision_of(none), recall_of(none), f1_of(none)) == (1, 1, 1)
    assert (precision_of([0, 2, 0]), recall_of([0, 0, 2]), f1_of([0, 2, 0])) == (0, 0, 0)
    assert precision_of([0, 0, 2]) == 0


def test_a_span_that_began_before_begins_and_unknown_types_are_outside():
    assert numbered(["I-ORG", "I-ORG", "B-NEW", "O"], LABELS) == [3, 4, 0, 0]
