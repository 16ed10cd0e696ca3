"""IBM model 1 by its formula, the alignments that it gives, and texts that are written without a network."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from pipelines.data.examples import Data, Examples
from pipelines.tasks.alignment import Aligner
from pipelines.tasks.lexicon import Lexicon
from pipelines.tasks.translation_baselines import commonest, nearest, simple_writers, word_by_word
from pipelines.tasks.translation_scores import SCORES

RNG = np.random.default_rng(3)
SOURCES = [RNG.integers(0, 6, RNG.integers(1, 7)).tolist() for _ in range(40)]
TARGETS = [[(2 * word + 1) % 7 for word in source] for source in SOURCES]


def by_formula(rounds: int) -> dict[tuple[int | None, int], float]:
    """Return t(target | source) as the model's inventors write it; None is the empty word."""
    t: dict = defaultdict(lambda: 1.0)
    for _ in range(rounds):
        expected: dict = defaultdict(float)
        totals: dict = defaultdict(float)
        for source, target in zip(SOURCES, TARGETS, strict=True):
            for word in target:
                whole = sum(t[each, word] for each in [None, *source])
                for each in [None, *source]:
                    expected[each, word] += t[each, word] / whole
                    totals[each] += t[each, word] / whole
        t = {pair: value / totals[pair[0]] for pair, value in expected.items()}
    return t


@pytest.mark.parametrize("table", [True, False])
def test_the_lexicon_is_ibm_model_1(table: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.tasks.lexicon._LARGEST_TABLE", 2**24 if table else 0)
    for rounds in (1, 4):
        t = by_formula(rounds)
        found = Lexicon(SOURCES, TARGETS, rounds=rounds).probabilities(range(6), range(7))
        expected = [[t.get((each, word), 0) for each in [None, *range(6)]] for word in range(7)]
        np.testing.assert_allclose(found, expected, atol=1e-7 if table else 1e-12)


@pytest.mark.parametrize("table", [True, False])
def test_the_best_words_are_found_and_unknown_ones_have_none(
    table: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.tasks.lexicon._LARGEST_TABLE", 2**24 if table else 0)
    lexicon = Lexicon([*SOURCES, []], [*TARGETS, [1]], rounds=20)
    assert lexicon.best() == {word: (2 * word + 1) % 7 for word in range(6)}
    assert lexicon.probabilities([99, 0], [98, 1])[:, 1].tolist() == [0, 0]
    assert lexicon.probabilities([99, 0], [98])[0].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="expected pairs of words"):
        Lexicon([[], [1]], [[1], []])


def test_long_sequences_are_cut() -> None:
    assert Lexicon([[0] * 10_000], [[1] * 10_000]).best() == {0: 1}


def test_pieces_are_aligned_with_those_that_they_come_from() -> None:
    aligner = Aligner(SOURCES, TARGETS)
    source = [0, 1, 2, 3, 4]
    weights = aligner.weights(source, [(2 * word + 1) % 7 for word in source])
    assert weights.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]
    assert (weights.sum(axis=1) <= 1 + 1e-9).all()
    assert (weights >= 0).all()
    twice = aligner.weights([1, 0, 1], [3, 1, 3])  # equal pieces: the nearer one
    assert twice.argmax(axis=1).tolist() == [0, 1, 2]
    assert aligner.weights(source, [50]).tolist() == [[0] * 5]
    assert aligner.weights([], [1]).shape == (1, 0)
    flat = Aligner(SOURCES, TARGETS, tension=0).weights([1, 1], [3])
    assert flat[0, 0] == flat[0, 1]


def test_weights_of_many_pairs_are_padded_and_cut() -> None:
    aligner = Aligner(SOURCES, TARGETS)
    found = aligner.padded(SOURCES[:3], TARGETS[:3], (4, 5))
    assert found.shape == (3, 4, 5)
    for row, source, target in zip(found, SOURCES, TARGETS, strict=False):
        weights = aligner.weights(source, target)[:4, :5]
        np.testing.assert_allclose(row[: weights.shape[0], : weights.shape[1]], weights, atol=1e-3)
        assert row.sum() == pytest.approx(weights.sum(), abs=1e-2)


TRAIN = [
    ("The dog runs.", "Der Hund rennt."),
    ("The cat runs.", "Die Katze rennt."),
    ("A dog sleeps.", "Ein Hund schläft."),
    ("A cat sleeps.", "Eine Katze schläft."),
    ("A dog sleeps again.", "Ein Hund schläft."),
]


def examples(pairs: list[tuple[str, str]]) -> Examples:
    targets = np.empty(len(pairs), object)
    targets[:] = [target for _, target in pairs]
    return Examples([source for source, _ in pairs], targets)


def test_texts_are_written_without_a_network() -> None:
    train = examples(TRAIN)
    assert commonest(train)(["a", "b"]) == ["Ein Hund schläft."] * 2
    assert nearest(train)(["the  cat runs", "Nothing known"]) == ["Die Katze rennt.", "Der Hund rennt."]
    written = word_by_word(train)(["Dog sleeps,  UFO.", "", "cat\nruns"])
    assert written == ["Hund schläft, UFO.", "", "Katze\nrennt"]


def test_every_method_is_scored_on_every_test_split() -> None:
    splits = {"train": TRAIN, "validation": TRAIN[:1], "test": TRAIN[:2], "later": [("x", "x")]}
    data = Data({name: examples(pairs) for name, pairs in splits.items()}, (), "it")
    found = simple_writers(data, SCORES["exact"])
    assert found == {
        "copy": {"test": 0, "later": 1},
        "nearest": {"test": 1, "later": 0},
        "word_by_word": found["word_by_word"],
        "commonest": {"test": 0, "later": 0},
    }
    assert simple_writers(data)["nearest"]["test"] == pytest.approx(100)
