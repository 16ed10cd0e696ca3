"""Simple classifiers that a network must beat. Each returns its accuracy on every test split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..data.examples import Data, Examples

_AT_ONCE = 5000  # examples that are classified at a time: there may be more than fit in memory


def majority(data: Data) -> dict[str, float]:
    """Return the accuracy, by test split, of always predicting the most frequent label of `train`."""
    commonest = np.bincount(data.splits["train"].targets, minlength=len(data.labels)).argmax()
    return {name: float(np.mean(data.splits[name].targets == commonest)) for name in data.test_splits}


def fitted(
    data: Data, classifier: Any, represent: Callable[[Sequence[Any]], Any] = lambda inputs: inputs
) -> dict[str, float]:
    """Fit a scikit-learn classifier on `train`, and return its accuracy by test split.

    `represent` turns the inputs of a split into features for the classifier.
    """
    train = data.splits["train"]
    classifier.fit(represent(train.inputs), train.targets)

    def right(split: Examples, start: int) -> int:
        some, targets = split.inputs[start : start + _AT_ONCE], split.targets[start : start + _AT_ONCE]
        return round(classifier.score(represent(some), targets) * len(targets))

    tests = {name: data.splits[name] for name in data.test_splits}
    return {
        name: sum(right(split, start) for start in range(0, len(split), _AT_ONCE)) / len(split)
        for name, split in tests.items()
    }


def bag_of_words(data: Data, tokenize: Callable[[str], list[str]], seed: int) -> dict[str, float]:
    """Return the accuracy, by test split, of logistic regression on the presence of words.

    Words that occur in only one training text are ignored, unless all do. `tokenize` returns the words of a
    text.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts_with = Counter(word for text in data.splits["train"].inputs for word in set(tokenize(text)))
    least = min(2, max(texts_with.values()))
    words = CountVectorizer(analyzer=tokenize, min_df=least, binary=True)
    return fitted(data, make_pipeline(words, LogisticRegression(C=0.3, max_iter=1000, random_state=seed)))
