"""Simple taggers that a network must beat. Each returns its F1 of spans on every test split."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..config import Config
from ..data.examples import Data
from ..data.tag_schemes import spans_of
from ..ondevice.tag_decoding import Span
from .tagging import counts_of, f1_of

Tagger = Callable[[Sequence[str]], Sequence[str]]
_MOST_SENTENCES = 20_000  # on which the regression is fitted


def simple_taggers(config: Config, data: Data, *_: Any) -> dict[str, dict[str, float]]:
    """Return the F1, by test split, of each word's commonest tag, of a dictionary of spans, and of regression
    on a window of words."""
    return {
        "commonest_tag": commonest_tag(data),
        "dictionary": dictionary(data),
        "regression": regression(data, config.seed),
    }


def _f1(data: Data, tagger: Tagger) -> dict[str, float]:
    found = {}
    for name in data.test_splits:
        counts = np.zeros(3)
        for words, tags in zip(data.splits[name].inputs, data.splits[name].targets, strict=True):
            counts += counts_of(_spans(tagger(words)), _spans(tags))
        found[name] = f1_of(counts)
    return found


def _spans(tags: Sequence[str]) -> set[Span]:
    spans, _ = spans_of(tags, "IOB2")
    return {Span(start, end, hash(label)) for start, end, label in spans}


def commonest_tag(data: Data) -> dict[str, float]:
    """Return the F1 of giving each word the tag that it has most often in `train`; others the commonest."""
    tags_of: dict[str, Counter[str]] = defaultdict(Counter)
    train = data.splits["train"]
    for words, tags in zip(train.inputs, train.targets, strict=True):
        for word, tag in zip(words, tags, strict=True):
            tags_of[word][tag] += 1
    commonest = {word: counts.most_common(1)[0][0] for word, counts in tags_of.items()}
    (usual, _), *_ = sum(tags_of.values(), Counter()).most_common(1)
    return _f1(data, lambda words: [commonest.get(word, usual) for word in words])


def dictionary(data: Data) -> dict[str, float]:
    """Return the F1 of marking the longest runs of words that are spans in `train`, by commonest type."""
    kinds: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    train = data.splits["train"]
    for words, tags in zip(train.inputs, train.targets, strict=True):
        for start, end, label in spans_of(tags, "IOB2")[0]:
            kinds[tuple(words[start:end])][label] += 1
    longest = max((len(words) for words in kinds), default=0)

    def tagger(words: Sequence[str]) -> list[str]:
        tags, i = ["O"] * len(words), 0
        while i < len(words):
            for size in range(min(longest, len(words) - i), 0, -1):
                if found := kinds.get(tuple(words[i : i + size])):
                    label = found.most_common(1)[0][0]
                    tags[i : i + size] = [f"B-{label}"] + [f"I-{label}"] * (size - 1)
                    break
            else:
                size = 1
            i += size
        return tags

    return _f1(data, tagger)


def regression(data: Data, seed: int) -> dict[str, float]:
    """Return the F1 of logistic regression on a word, its neighbours, their endings and their case."""
    from sklearn.feature_extraction import FeatureHasher
    from sklearn.linear_model import SGDClassifier

    train = data.splits["train"]
    hasher = FeatureHasher(2**18, input_type="string")
    rows = [row for words in train.inputs[:_MOST_SENTENCES] for row in _traits(words)]
    tags = [tag for tags in train.targets[:_MOST_SENTENCES] for tag in tags]
    classifier = SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=8, tol=None, random_state=seed)
    classifier.fit(hasher.transform(rows), tags)
    return _f1(data, lambda words: classifier.predict(hasher.transform(_traits(words))).tolist())


def _traits(words: Sequence[str]) -> Iterator[list[str]]:
    """Yield what is seen at each word: itself and its neighbours, endings, beginnings and case."""
    padded = ["<", "<", *words, ">", ">"]
    for i in range(2, len(padded) - 2):
        word = padded[i]
        near = [f"{at}={padded[i + at].lower()}" for at in (-2, -1, 0, 1, 2)]
        shapes = [f"{at}s={_shape(padded[i + at])}" for at in (-1, 0, 1)]
        parts = [f"e={word[-size:]}" for size in (1, 2, 3, 4)] + [f"b={word[:size]}" for size in (1, 2, 3)]
        pairs = [f"p={padded[i - 1].lower()} {word.lower()}", f"n={word.lower()} {padded[i + 1].lower()}"]
        yield [*near, *shapes, *parts, *pairs, "bias"]


def _shape(word: str) -> str:
    """Return the kinds of characters of a word, each once in a row: "Aa" for "Rome", "a0" for "mp3"."""
    kinds = [
        "A" if each.isupper() else "a" if each.islower() else "0" if each.isdigit() else each for each in word
    ]
    return "".join(kind for kind, before in zip(kinds, ["", *kinds], strict=False) if kind != before)
