"""Metrics of taggers: spans of words with types. Needs numpy only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..evaluation.score import FromCounts, MeanOf, Metric
from ..ondevice.tag_decoding import Span, chain_of, spans_of, viterbi

PADDING = -1
"""The target of a step that has no word to tag."""


def decided(outputs: np.ndarray, targets: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each sentence its most probable tags and the true ones, without padding."""
    return [
        (viterbi(chain_of(output, scored)), target[scored])
        for output, target, scored in zip(outputs, targets, targets != PADDING, strict=True)
    ]


def _counts(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.array([counts_of(spans_of(tags), spans_of(true)) for tags, true in decided(outputs, targets)])


def counts_of(found: Iterable[Span], true: Iterable[Span]) -> tuple[int, int, int]:
    """Return the number of spans right in place and type, of all that were found, and of all true ones."""
    these, those = set(found), set(true)
    return len(these & those), len(these), len(those)


def f1_of(counts: Sequence[int] | np.ndarray) -> float:
    """Return the harmonic mean of precision and recall from `counts_of`, summed; 1 where there is no span."""
    right, found, true = counts
    return 2 * float(right) / float(found + true) if found + true else 1.0


def precision_of(counts: Sequence[int] | np.ndarray) -> float:
    """Return the share of the spans found that are right, from `counts_of`.

    Where none is found it is 0, but 1 where there is none.
    """
    right, found, true = counts
    return float(right) / float(found) if found else float(not true)


def recall_of(counts: Sequence[int] | np.ndarray) -> float:
    """Return the share of the true spans that are found, from `counts_of`; 1 where there is none."""
    right, _, true = counts
    return float(right) / float(true) if true else 1.0


def counts_by_type(outputs: np.ndarray, targets: np.ndarray, types: int) -> np.ndarray:
    """Return `counts_of` for each type of span, (types, 3)."""
    counts = np.zeros([types, 3])
    for tags, true in decided(outputs, targets):
        some = spans_of(tags), spans_of(true)
        for kind in {each.kind for spans in some for each in spans}:
            counts[kind] += counts_of(*([each for each in spans if each.kind == kind] for spans in some))
    return counts


f1 = FromCounts(_counts, f1_of)
"""F1 of spans: a span counts only with its exact place and type, as in seqeval's strict mode. With a label
for each word it is the accuracy."""


def _right(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.array([np.mean(tags == true) if len(true) else 1.0 for tags, true in decided(outputs, targets)])


def _lengths(targets: np.ndarray) -> np.ndarray:
    return np.maximum(1, (targets != PADDING).sum(axis=1)).astype(float)


METRICS: dict[str, Metric] = {
    "f1": f1,
    "precision": FromCounts(_counts, precision_of),
    "recall": FromCounts(_counts, recall_of),
    "accuracy": MeanOf(_right, _lengths),
}
"""The metrics of a tagger. The first one decides which epoch is best."""


def tags_of(types: Iterable[str]) -> tuple[str, ...]:
    """Return the tags of types in IOB2, in the order in which `ondevice.tag_decoding` numbers them."""
    return ("O", *(f"{letter}-{each}" for each in types for letter in "BI"))


def types_of(tags: Sequence[str]) -> list[str]:
    """Return the types of tags that `tags_of` made."""
    return [tag[2:] for tag in tags[1::2]]


def numbered(tags: Iterable[str], labels: Sequence[str]) -> list[int]:
    """Return the numbers of tags in IOB2 among `labels`; 0, which is outside, for others.

    A span that began before the first tag begins with it.
    """
    known = {label: number for number, label in enumerate(labels)}
    numbers = [known.get(tag, 0) for tag in tags]
    if numbers and numbers[0] > 0 and numbers[0] % 2 == 0:
        numbers[0] -= 1
    return numbers
