"""The embedded reviews: labels as people give them, splits that share nothing, pairs for order."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import time
from collections import Counter
from pathlib import Path

import pytest

from apps.sentiment.embedded import fragments, sampling
from apps.sentiment.embedded.fragments import Parts
from apps.sentiment.embedded.frames import FRAMES
from apps.sentiment.embedded.grammar import LABELS, Fill, Review, compose, counterpart, normalize

HELD_OUT = ("validation", "test", "order")

# Template, its words (the sign is that of x), the sentence and its label as a reader would write them.
EXPECTATIONS = [
    ("{it} {be} {x}", {"it": "film", "x": "great"}, 1, "This film was great.", "positive"),
    ("{it} {be} {x:noun}", {"it": "pizza", "x:noun": "a mess"}, -1, "This pizza was a mess.", "negative"),
    ("{it} {fact}", {"it": "diner", "fact": "opened in May"}, 1, "This diner opened in May.", "neutral"),
    ("{it} {be} {very} {x:mild}", {"it": "lamp", "very": "really", "x:mild": "bad"}, -1,
     "This lamp was really bad.", "negative"),
    ("{a} {be:a} somewhat {bad:mild}", {"a": "jokes*", "bad:mild": "silly"}, 1,
     "The jokes were somewhat silly.", "negative"),
    ("{it} {be} nowhere near as {x:mild} as I had {x:wish}",
     {"it": "soup", "x:mild": "bad", "x:wish": "feared"}, -1,
     "This soup was nowhere near as bad as I had feared.", "positive"),
    ("{a} {be:a} far less {x:more} than I had {x:wish}",
     {"a": "songs*", "x:more": "moving", "x:wish": "hoped"}, 1,
     "The songs were far less moving than I had hoped.", "negative"),
    ("{a} {not:a} {x} at all", {"a": "plot", "x": "bad"}, -1, "The plot was not bad at all.", "positive"),
    ("{it} {not} {x}", {"it": "phone", "x": "great"}, 1, "This phone was not great.", "negative"),
    ("{it} {not} {x}, it {be} {y}", {"it": "film", "x": "dull", "y": "great"}, -1,
     "This film was not dull, it was great.", "positive"),
    ("{it} {be} not only {x:mild} but also {x2:mild}", {"it": "cafe", "x:mild": "warm", "x2:mild": "nice"}, 1,
     "This cafe was not only warm but also nice.", "positive"),
    ("{it} {be} anything but {x}", {"it": "curry", "x": "bland"}, -1,
     "This curry was anything but bland.", "positive"),
    ("you will not find a more {x:more} {kind} than {it}",
     {"x:more": "enjoyable", "kind": "film", "it": "western"}, 1,
     "You will not find a more enjoyable film than this western.", "positive"),
    ("{it} {be} neither {x} nor {y}", {"it": "stew", "x": "good", "y": "bad"}, 1,
     "This stew was neither good nor bad.", "neutral"),
    ("it is not true that {it} {not} {x}", {"it": "radio", "x": "good"}, 1,
     "It is not true that this radio was not good.", "positive"),
    ("it is not true that {it} {be} {x}", {"it": "radio", "x": "good"}, 1,
     "It is not true that this radio was good.", "negative"),
    ("I can't say that {a} {not:a} {x}", {"a": "beans*", "x": "awful"}, -1,
     "I can't say that the beans were not awful.", "negative"),
    ("{a} {be:a} {x}, but {b} {be:b} {y}", {"a": "acting", "x": "great", "b": "plot", "y": "dull"}, 1,
     "The acting was great, but the plot was dull.", "negative"),
    ("{b} {be:b} {y}, although {a} {be:a} {x}", {"b": "plot", "y": "clever", "a": "jokes*", "x": "dull"}, -1,
     "The plot was clever, although the jokes were dull.", "positive"),
    ("despite the {x} {a:bare}, {it} {be} {y}", {"x": "weak", "a": "manual", "it": "radio", "y": "good"}, -1,
     "Despite the weak manual, this radio was good.", "positive"),
    ("{a} {not:a} {x}, but {b} {be:b}", {"a": "sauce", "x": "tasty", "b": "bread"}, 1,
     "The sauce was not tasty, but the bread was.", "positive"),
    ("{it} {be} {x:cmp} than {other}", {"it": "lamp", "x:cmp": "worse", "other": "my old one"}, -1,
     "This lamp was worse than my old one.", "negative"),
    ("{it} {be} less {x:more} than {other}", {"it": "film", "x:more": "boring", "other": "the book"}, -1,
     "This film was less boring than the book.", "positive"),
    ("next to {other}, {it} {be} {x}", {"other": "the book", "it": "film", "x": "superb"}, 1,
     "Next to the book, this film was superb.", "positive"),
    ("{it} {be} about as {x:mild} as {other}", {"it": "film", "x:mild": "good", "other": "the book"}, 1,
     "This film was about as good as the book.", "neutral"),
    ("{it} would have been {x} if {cond}", {"it": "stew", "x": "great", "cond": "we had shared it"}, 1,
     "This stew would have been great if we had shared it.", "negative"),
    ("even if {cond}, {it} would have been {x}", {"it": "stew", "x": "great", "cond": "we had shared it"}, 1,
     "Even if we had shared it, this stew would have been great.", "positive"),
    ("whether {it} is {x} or {y} remains to be seen", {"it": "play", "x": "good", "y": "bad"}, 1,
     "Whether this play is good or bad remains to be seen.", "neutral"),
    ("{friend} says {it} {be} {x}, but I found it {y}",
     {"friend": "my boss", "it": "film", "x": "great", "y": "dull"}, 1,
     "My boss says this film was great, but I found it dull.", "negative"),
    ("{friend} {x:liked} {it}, but I did not", {"friend": "my uncle", "x:liked": "hated", "it": "pie"}, -1,
     "My uncle hated this pie, but I did not.", "positive"),
    ("{friend} was wrong to call {it} {x}", {"friend": "my uncle", "it": "pie", "x": "bad"}, -1,
     "My uncle was wrong to call this pie bad.", "positive"),
    ("{friend} asked me whether {it} {be} {x}", {"friend": "my uncle", "it": "pie", "x": "bad"}, -1,
     "My uncle asked me whether this pie was bad.", "neutral"),
    ("the {x} {a:bare} could not make up for the {y} {b:bare}",
     {"x": "good", "a": "plot", "y": "awful", "b": "songs*"}, 1,
     "The good plot could not make up for the awful songs.", "negative"),
    ("{a} {be:a} {x} and {b} {be:b} {y}, so it evens out",
     {"a": "plot", "x": "good", "b": "songs*", "y": "bad"}, 1,
     "The plot was good and the songs were bad, so it evens out.", "neutral"),
]  # fmt: skip


@pytest.fixture(scope="module")
def splits() -> dict[str, list[Review]]:
    return {split: list(sampling.reviews(split)) for split in sampling.SIZES}


@pytest.mark.parametrize(("template", "words", "sign", "text", "label"), EXPECTATIONS)
def test_sentences_and_labels_are_those_of_a_reader(
    template: str, words: dict[str, str], sign: int, text: str, label: str
) -> None:
    frame = next(frame for frame in FRAMES if frame.template == template)
    review = compose(frame, Fill(words, sign))
    assert (review.text, review.label) == (text, label)


def test_expectations_cover_every_phenomenon() -> None:
    covered = {frame.phenomenon for frame in FRAMES if frame.template in {row[0] for row in EXPECTATIONS}}
    assert covered == {frame.phenomenon for frame in FRAMES}


def test_openers_and_contractions_are_written_as_people_do() -> None:
    frame = next(
        frame for frame in FRAMES if frame.template == "you will not find a more {x:more} {kind} than {it}"
    )
    words = {"x:more": "enjoyable", "kind": "film", "it": "western"}
    opened = compose(frame, Fill(words, 1, opener="In short:", closer="That is all."))
    assert opened.text == "In short: you will not find a more enjoyable film than this western. That is all."
    negated = next(frame for frame in FRAMES if frame.template == "{a} {not:a} {x} at all")
    short = compose(negated, Fill({"a": "beans*", "x": "bad"}, -1, past=False, contracted=True))
    assert short.text == "The beans aren't bad at all."


def test_a_counterpart_swaps_the_judging_words_or_the_sides() -> None:
    contrast = next(f for f in FRAMES if f.template == "although {a} {be:a} {x}, {b} {be:b} {y}")
    first = compose(contrast, Fill({"a": "plot", "x": "dull", "b": "cast", "y": "great"}, -1))
    assert first.label == "positive"
    second = counterpart(first)
    assert (second.text, second.label) == ("Although the plot was great, the cast was dull.", "negative")
    comparison = next(f for f in FRAMES if f.template == "I prefer {it} to {other}")
    first = compose(comparison, Fill({"it": "film", "other": "the book"}, 1))
    assert (first.text, first.label) == ("I prefer this film to the book.", "positive")
    assert (counterpart(first).text, counterpart(first).label) == (
        "I prefer the book to this film.",
        "negative",
    )


def test_sizes_and_classes(splits: dict[str, list[Review]]) -> None:
    assert {split: len(reviews) for split, reviews in splits.items()} == sampling.SIZES
    assert sum(sampling.SIZES[split] for split in ("train", "validation", "test")) >= 12_000
    for split in ("train", "validation", "test"):
        shares = Counter(review.label for review in splits[split])
        assert set(shares) == set(LABELS)
        assert min(shares.values()) > 0.3 * len(splits[split])
    assert Counter(review.label for review in splits["order"]) == {"negative": 500, "positive": 500}


def test_every_phenomenon_is_in_every_split(splits: dict[str, list[Review]]) -> None:
    everything = {frame.phenomenon for frame in FRAMES}
    for split in ("train", "validation", "test"):
        counts = Counter(review.frame.phenomenon for review in splits[split])
        assert set(counts) == everything
        assert min(counts.values()) > 0.03 * len(splits[split])
    # Plain statements and degrees have one judgement only: nothing in them can change places.
    assert {review.frame.phenomenon for review in splits["order"]} == everything - {"plain", "intensity"}


def test_the_same_reviews_on_every_machine(splits: dict[str, list[Review]]) -> None:
    # Frozen. After a change of words, frames or seed: raise the builder's VERSION and put the new hash here.
    rows = [[split, review.text, review.label] for split, reviews in splits.items() for review in reviews]
    assert (
        hashlib.sha256(json.dumps(rows).encode()).hexdigest()
        == "710334d6b096c83d88cef31034125ce31705125d95375881281487551a7a954f"
    )


def test_no_text_is_in_two_splits_or_twice_in_one(splits: dict[str, list[Review]]) -> None:
    texts = Counter(normalize(review.text) for reviews in splits.values() for review in reviews)
    assert texts.most_common(1)[0][1] == 1


def _all_parts() -> list[Parts]:
    tables = (
        fragments.SUBJECTS,
        fragments.ASPECTS,
        fragments.OTHERS,
        fragments.CONDITIONS,
        fragments.FACTS,
    )
    general = [fragments.REPORTERS, fragments.OPENERS, fragments.CLOSERS]
    return [parts for table in tables for parts in table.values()] + general


def test_there_are_several_hundred_fragments() -> None:
    assert sum(len(parts.train + parts.validation + parts.test) for parts in _all_parts()) > 500


@pytest.mark.parametrize(
    ("mine", "other"), [("test", "train"), ("test", "validation"), ("validation", "train")]
)
def test_held_out_fragments_are_nowhere_else(splits: dict[str, list[Review]], mine: str, other: str) -> None:
    held_out = [normalize(fragment) for parts in _all_parts() for fragment in parts.of(mine)]
    assert len(held_out) > 50
    others = "\n".join(normalize(review.text) for review in splits[other])
    pattern = re.compile(r"\b(" + "|".join(sorted(map(re.escape, held_out), key=len, reverse=True)) + r")\b")
    assert pattern.findall(others) == []


def test_every_held_out_review_has_a_held_out_fragment_frame_or_combination(
    splits: dict[str, list[Review]],
) -> None:
    known = {(r.frame, slot, word) for r in splits["train"] for slot, word in r.fill.words.items()}
    adjectives = ("", "mild", "more", "strong")
    for split in HELD_OUT:
        for review in splits[split]:
            if review.frame.split != "shared":
                continue
            for slot, word in review.fill.words.items():
                name, _, form = slot.partition(":")
                if name in ("x", "y", "x2", "y2", "good", "bad") and form in adjectives:
                    assert (review.frame, slot, word) not in known


def test_held_out_frames_are_nowhere_else(splits: dict[str, list[Review]]) -> None:
    templates = [template for f in FRAMES for template in (f.template, f.mirror) if template]
    assert len(set(templates)) == len(templates), "a frame that is in the table twice isn't held out"
    seen = {split: Counter(review.frame.split for review in reviews) for split, reviews in splits.items()}
    assert set(seen["train"]) == {"shared"}
    assert set(seen["validation"]) == {"shared", "validation"}
    for split in ("test", "order"):
        assert set(seen[split]) == {"shared", "test"}
        assert seen[split]["test"] > 0.4 * len(splits[split])


def test_train_shows_every_judging_word(splits: dict[str, list[Review]]) -> None:
    counts = Counter(word for review in splits["train"] for word in review.fill.words.values())
    tables = (fragments.GENERAL, *fragments.SPECIAL.values())
    words = {word for table in tables for forms in table.values() for pool in forms.values() for word in pool}
    assert min(counts[word] for word in words) >= 10


def test_order_pairs_differ_in_nothing_but_order(splits: dict[str, list[Review]]) -> None:
    reviews = splits["order"]
    for first, second in zip(reviews[::2], reviews[1::2], strict=True):
        assert Counter(normalize(first.text).split()) == Counter(normalize(second.text).split())
        assert normalize(first.text) != normalize(second.text)
        assert {first.label, second.label} == {"negative", "positive"}


def test_reviews_are_clean_english_on_the_surface(splits: dict[str, list[Review]]) -> None:
    for reviews in splits.values():
        for review in reviews:
            text = review.text
            assert not re.search(
                r"[{}*]|  |\ba [aeio]|\ban (?!hour)[^aeiou]|\b(\w+) \1\b", text, re.IGNORECASE
            ), text
            assert text[0].isupper()
            assert text[-1] == "."
            assert 3 < len(text.split()) < 45, text


def test_generation_is_quick() -> None:
    start = time.process_time()
    for split in sampling.SIZES:
        assert sum(1 for _ in sampling.reviews(split)) == sampling.SIZES[split]
    assert time.process_time() - start < 20


def test_a_bag_of_words_is_at_chance_on_order(splits: dict[str, list[Review]]) -> None:
    feature_extraction = pytest.importorskip("sklearn.feature_extraction.text")
    linear_model = pytest.importorskip("sklearn.linear_model")
    vectorizer = feature_extraction.CountVectorizer(token_pattern=r"\w+")
    train = splits["train"][::2]
    model = linear_model.LogisticRegression(max_iter=500)
    model.fit(vectorizer.fit_transform([r.text for r in train]), [r.label for r in train])
    scores = {
        split: model.score(
            vectorizer.transform([r.text for r in splits[split]]), [r.label for r in splits[split]]
        )
        for split in ("test", "order")
    }
    assert scores["order"] <= 0.5
    assert scores["test"] < 0.7


def test_the_builder_prepares_and_reads_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.sentiment.embedded.compositional_reviews import CompositionalReviews

    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(sampling, "SIZES", {"train": 60, "validation": 30, "test": 30, "order": 20})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    builder = CompositionalReviews(data_dir=tmp_path / "data")
    builder.download_and_prepare()
    assert {name: split.num_examples for name, split in builder.info.splits.items()} == sampling.SIZES
    assert builder.info.features["label"].names == ["negative", "neutral", "positive"]
    for split in sampling.SIZES:
        read = {
            (row["text"].decode(), LABELS[row["label"]], row["phenomenon"].decode())
            for row in builder.as_dataset(split=split).as_numpy_iterator()
        }
        assert read == {(r.text, r.label, r.frame.phenomenon) for r in sampling.reviews(split)}
    assert list(temporary.iterdir()) == []
