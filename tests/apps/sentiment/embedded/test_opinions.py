"""The default's data set: statements as people type them, and test splits that training never sees."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

import pytest

from apps.sentiment.embedded import opinions, sampling, statements
from apps.sentiment.embedded.grammar import LABELS, normalize
from apps.sentiment.embedded.rated_sentences import Rated
from apps.sentiment.embedded.statements import Pattern

HASHES = {"train": "eb3c91d68099458b", "validation": "f31e569954dbd2d4"}
FIRST = next(statements.statements("train"))[0].upper()
RATED = [
    Rated("films", "train", "Fine enough", 0.6),  # so near the margin that it has two labels
    Rated("films", "validation", "A dull hour", -2.0),
    Rated("news", "test", "The vote was lost", -1.0),
    Rated("tweets", "test", "yay", 3.0),
    Rated("tweets", "validation", FIRST, 0.0),
]


@pytest.fixture(scope="module")
def splits() -> dict[str, list[opinions.Row]]:
    return opinions.examples(RATED)


def test_where_rated_sentences_go(splits: dict[str, list[opinions.Row]]) -> None:
    assert splits["train"][:2] == [("Fine enough", "positive", "films"), ("Fine enough", "neutral", "films")]
    assert splits["validation"][0] == ("A dull hour", "negative", "films")
    assert splits["test"] == [("The vote was lost", "negative", "news"), ("yay", "positive", "tweets")]
    assert {name: len(splits[name]) for name in ("products", "films", "news", "tweets")} == {
        "products": 0,
        "films": 0,
        "news": 1,
        "tweets": 1,
    }


def test_no_test_sentence_is_in_training_or_validation(splits: dict[str, list[opinions.Row]]) -> None:
    seen = {normalize(text) for name in ("train", "validation") for text, *_ in splits[name]}
    for name in ("test", "order", *opinions.EVERYDAY):
        assert not [text for text, *_ in splits[name] if normalize(text) in seen], name
    trained = {normalize(text) for text, *_ in splits["train"]}
    assert not [text for text, *_ in splits["validation"] if normalize(text) in trained]


def test_a_generated_sentence_that_somebody_wrote_is_left_out(splits: dict[str, list[opinions.Row]]) -> None:
    text, label = next(statements.statements("train"))
    assert normalize(text) == normalize(FIRST)
    assert (text, label, "statements") not in splits["train"]


def test_every_split_has_the_three_labels_in_fair_shares(splits: dict[str, list[opinions.Row]]) -> None:
    shares = Counter(label for _, label, origin in splits["train"] if origin == "statements")
    assert set(shares) == set(LABELS)
    assert min(shares.values()) > 0.2 * sum(shares.values())
    for name in opinions.EVERYDAY:
        counts = Counter(label for _, label, _ in splits[name])
        assert len(set(counts.values())) == 1
        assert set(counts) == set(LABELS)
    assert len(splits["order"]) == sampling.SIZES["order"]


@pytest.mark.parametrize("split", statements.SIZES)
def test_every_machine_gets_the_same_clean_statements(split: str) -> None:
    rows = list(statements.statements(split))
    assert len(rows) == statements.SIZES[split]
    assert len({normalize(text) for text, _ in rows}) == len(rows)
    for text, _ in rows:
        assert not re.search(r"[{}]|  |\ba [aeiou]", text), text
    content = "".join(f"{label} {text}\n" for text, label in rows)
    assert hashlib.sha256(content.encode()).hexdigest().startswith(HASHES[split])


def test_validation_has_patterns_of_its_own() -> None:
    train, held = statements.patterns("train"), statements.patterns("validation")
    assert len({*train, *held}) == len(train) + len(held), "a pattern that is there twice"
    assert len(held) > 50


def test_every_slot_has_words() -> None:
    words, patterns = statements.material()
    templates = [pattern.template for pattern in patterns] + [
        text for pool in words.values() for text in pool
    ]
    for template in templates:
        for name, sign in re.findall(r"{(\w+)([+-]?)}", template):
            signed = {name + sign} if sign else {name + "+", name + "-"}
            assert name in words or signed <= set(words), template


@pytest.mark.parametrize(
    ("mark", "labels"),
    [
        ("0", ["neutral"]),
        ("+", ["positive"]),
        ("-", ["negative"]),
        ("x", ["positive", "negative"]),
        ("!x", ["negative", "positive"]),
    ],
)
def test_the_mark_of_a_pattern_gives_its_labels(mark: str, labels: list[str]) -> None:
    pattern = Pattern(mark, "it is {adjective}.")
    assert [pattern.label(sign) for sign in pattern.signs] == labels
