"""How good the labels are, and what simple methods reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.data.examples import Data
from pipelines.ondevice.tokenizer import tokenize
from pipelines.tasks.classification import accuracy, macro_f1

from .config import SentimentConfig

if TYPE_CHECKING:
    from pipelines.evaluation.score import Metric


METRICS: dict[str, Metric] = {"accuracy": accuracy, "macro_f1": macro_f1}


def baselines(config: SentimentConfig, data: Data) -> dict[str, dict[str, float]]:
    """Score on every test split: the commonest label, and logistic regression on a bag of words."""
    train = data.splits["train"]
    counts = np.bincount(train.targets, minlength=len(data.labels))
    bag = _bag_of_words(config.seed).fit(train.inputs, train.targets)
    results: dict[str, dict[str, float]] = {"majority": {}, "bag_of_words": {}}
    for name in data.test_splits:
        split = data.splits[name]
        results["majority"][name] = float(np.mean(split.targets == counts.argmax()))
        results["bag_of_words"][name] = float(bag.score(split.inputs, split.targets))
    return results


def _bag_of_words(seed: int) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    counts = CountVectorizer(analyzer=tokenize, min_df=2, binary=True)
    return make_pipeline(counts, LogisticRegression(C=0.3, max_iter=1000, random_state=seed))
