"""Scores of texts against references: BLEU and chrF by sacrebleu, and the share of exact answers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..evaluation.score import FromCounts, Metric
from ..ondevice.subwords import normalized

Texts = Sequence[str]


@dataclass(frozen=True)
class TextScore:
    """A score of texts, from counts that are summed over all of them."""

    counts: Callable[[Texts, Texts], np.ndarray]
    """counts(texts, references): the counts of each text, (N, counts)."""
    value: Callable[[np.ndarray], float]
    """value(counts): the score from the summed counts, (counts,)."""
    signature: Callable[[], str] | None = None
    """signature(): sacrebleu's signature, which tells the versions of a score apart; None if it has none."""

    def __call__(self, texts: Texts, references: Texts) -> float:
        """Return the score of all texts, each against one reference."""
        return self.value(self.counts(texts, references).sum(axis=0))


def _of_sacrebleu(name: str) -> TextScore:
    """Return a score whose counts by text are sacrebleu's own, so that sums give exactly its corpus score.

    BLEU is 0 where no text has four tokens. Such texts, answers of a word, are scored with sacrebleu's
    `effective_order`, which counts the shorter n-grams alone; for others it changes nothing.
    """

    def counts(texts: Texts, references: Texts) -> np.ndarray:
        return np.array(_scorer(name)._extract_corpus_statistics(list(texts), [list(references)]), np.int64)

    def value(summed: np.ndarray) -> float:
        scorer = _scorer(name, short=name != "chrf" and not summed[-1])
        return float(scorer._compute_score_from_stats([int(count) for count in summed]).score)

    def signature() -> str:
        scorer = _scorer(name)
        scorer._extract_corpus_statistics(["a"], [["a"]])  # only then the number of references is known
        return str(scorer.get_signature())

    return TextScore(counts, value, signature)


@functools.cache
def _scorer(name: str, short: bool = False) -> Any:
    from sacrebleu.metrics import BLEU, CHRF

    if name == "chrf":
        return CHRF()
    lowercase = name == "bleu_lower"
    # `force`: no warning about texts with a space before the full stop
    return BLEU(lowercase=lowercase, effective_order=short, force=True)


def _exact(texts: Texts, references: Texts) -> np.ndarray:
    equal = [normalized(one) == normalized(other) for one, other in zip(texts, references, strict=True)]
    return np.stack([np.array(equal, np.int64), np.ones(len(equal), np.int64)], axis=1)


SCORES: dict[str, TextScore] = {
    "bleu": _of_sacrebleu("bleu"),
    "bleu_lower": _of_sacrebleu("bleu_lower"),
    "chrf": _of_sacrebleu("chrf"),
    "exact": TextScore(_exact, lambda counts: float(counts[0] / counts[1])),
}
"""`bleu` with case, `bleu_lower` without, and `chrf`, all from 0 to 100, of raw texts; `exact`, the share of
texts that are equal to their reference but for spaces, from 0 to 1."""


def metrics_of(
    texts_of: Callable[[np.ndarray, np.ndarray], tuple[Texts, Texts]],
    scores: Mapping[str, TextScore] = SCORES,
) -> dict[str, Metric]:
    """Return the metrics of a network that writes texts.

    Args:
        texts_of: texts_of(outputs, targets) -> the texts in a network's outputs, and their references.
        scores: the scores by name. The first one decides which epoch is best.
    """

    def metric(score: TextScore) -> Metric:
        def counts(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
            return score.counts(*texts_of(outputs, targets))

        return FromCounts(counts, score.value, score.signature)

    return {name: metric(score) for name, score in scores.items()}
