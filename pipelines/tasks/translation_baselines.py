"""Simple ways to write a target text, which a network must beat. Each gives its texts for any sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..data.examples import Data, Examples
from ..ondevice.subwords import normalized
from ..ondevice.word_offsets import words_of
from .lexicon import Lexicon
from .translation_scores import SCORES, TextScore

Writer = Callable[[Sequence[str]], list[str]]
"""writer(sources) -> a text for each."""
_MOST_PAIRS = 50_000  # training pairs whose sources are compared
_AT_ONCE = 256  # sources whose similarity to all training sources is held in memory


def simple_writers(data: Data, score: TextScore = SCORES["bleu"]) -> dict[str, dict[str, float]]:
    """Return the score, by method and test split, of texts that are written without a network.

    copy: the source itself. nearest: the target of the training source with the most similar words.
    word_by_word: each word is replaced by that which IBM model 1 gives it. commonest: the most frequent
    training target.
    """
    train = data.splits["train"]
    writers: dict[str, Writer] = {
        "copy": list,
        "nearest": nearest(train),
        "word_by_word": word_by_word(train),
        "commonest": commonest(train),
    }
    found: dict[str, dict[str, float]] = {}
    for name, writer in writers.items():
        tests = {split: data.splits[split] for split in data.test_splits}
        found[name] = {
            split: score(writer(each.inputs), each.targets.tolist()) for split, each in tests.items()
        }
    return found


def commonest(train: Examples) -> Writer:
    """Return a writer of the most frequent target; the first of equal ones."""
    ((text, _),) = Counter(train.targets.tolist()).most_common(1)
    return lambda sources: [text] * len(sources)


def nearest(train: Examples) -> Writer:
    """Return a writer of the target whose source has the largest cosine of TF-IDF vectors of words.

    The vectors count words, and sequences of two and three.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(tokenizer=_words, token_pattern=None, lowercase=False, ngram_range=(1, 3))
    known = vectors.fit_transform(train.inputs[:_MOST_PAIRS]).T.tocsr()

    def write(sources: Sequence[str]) -> list[str]:
        rows: list[int] = []
        for start in range(0, len(sources), _AT_ONCE):
            similar: Any = vectors.transform(sources[start : start + _AT_ONCE]) @ known
            rows += np.asarray(similar.argmax(axis=1)).ravel().tolist()
        return [train.targets[row] for row in rows]

    return write


def word_by_word(train: Examples) -> Writer:
    """Return a writer that replaces each word by that with the highest probability in IBM model 1.

    Words are learnt in lower case and written as they most often are within a target. A capital letter at the
    beginning of the source stays. Unknown words stay as they are.
    """
    sides = [_numbered([_words(text) for text in texts]) for texts in (train.inputs, train.targets.tolist())]
    (sources, numbers), (targets, names) = sides
    best = Lexicon(sources, targets).best()
    written = _usual_forms(train.targets.tolist())
    words = list(names)
    becomes = {word: written[words[best[number]]] for word, number in numbers.items() if number in best}

    def write(sources: Sequence[str]) -> list[str]:
        return [_replaced(normalized(text), becomes) for text in sources]

    return write


def _words(text: str) -> list[str]:
    return [word.text.lower() for word in words_of(normalized(text))]


def _numbered(texts: Sequence[Sequence[str]]) -> tuple[list[list[int]], dict[str, int]]:
    """Return the numbers of the words of each text, and the words with their numbers."""
    numbers: dict[str, int] = {}
    return [[numbers.setdefault(word, len(numbers)) for word in text] for text in texts], numbers


def _usual_forms(texts: Sequence[str]) -> dict[str, str]:
    """Return for each word in lower case how it is most often written, but at the beginning of a text."""
    counts: Counter[tuple[str, str]] = Counter()
    for text in texts:
        for place, word in enumerate(words_of(normalized(text))):
            counts[word.text.lower(), word.text if place else word.text.lower()] += 1
    return {lower: form for (lower, form), _ in sorted(counts.items(), key=lambda each: each[1])}


def _replaced(text: str, becomes: dict[str, str]) -> str:
    parts, end = [], 0
    for word in words_of(text):
        new = becomes.get(word.text.lower(), word.text)
        if word.start == 0 and word.text[0].isupper():
            new = new[0].upper() + new[1:]
        parts += [text[end : word.start], new]
        end = word.end
    return "".join(parts)
