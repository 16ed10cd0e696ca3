"""N-gram metrics of captions against values worked out by hand."""

from __future__ import annotations

import logging
import math
import subprocess

import numpy as np
import pytest

from pipelines.ondevice.vocabulary import words
from pipelines.tasks import generation_text
from pipelines.tasks.generation_text import (
    cider_of_each,
    commonest_text,
    java_runs,
    text_scores,
)

HYPOTHESES = ["A red dog runs!", "the cat", "two birds"]
REFERENCES = [["a red dog sits", "Dogs."], ["the cat", "the cat sleeps"], ["a house", "a small house"]]


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("Two dogs, playing .", ["two", "dogs", "playing"]),
        ("A T-shirt; it's BIG", ["a", "tshirt", "its", "big"]),
        ("caf\u00e9  \n No_2", ["caf\u00e9", "no2"]),
        (" . !", []),
    ],
)
def test_words(caption: str, expected: list[str]) -> None:
    assert words(caption) == expected


def test_bleu_by_hand() -> None:
    scores = text_scores(HYPOTHESES, REFERENCES)
    # Right words: 3 of 4, 2 of 2, 0 of 2; pairs: 2 of 3, 1 of 1, 0 of 1; triples: 1 of 2; fours: 0 of 1.
    # Lengths 4 + 2 + 2, and of the closest references 4 + 2 + 2: nothing taken off.
    assert scores["bleu_1"] == pytest.approx(5 / 8)
    assert scores["bleu_2"] == pytest.approx(math.sqrt(5 / 8 * 3 / 5))
    assert scores["bleu_3"] == pytest.approx((5 / 8 * 3 / 5 * 1 / 2) ** (1 / 3))
    assert scores["bleu_4"] < 1e-3
    short = text_scores(["a dog", "a cat"], [["a dog runs"], ["a cat runs fast"]])
    assert short["bleu_1"] == pytest.approx(math.exp(1 - 7 / 4))


def test_rouge_l_by_hand() -> None:
    # Longest common subsequence over the length of the caption and of the reference, the best of each.
    precisions, recalls, beta = [3 / 4, 1.0, 0.0], [3 / 4, 1.0, 0.0], 1.2
    expected = [
        (1 + beta**2) * p * r / (r + beta**2 * p) if p else 0.0
        for p, r in zip(precisions, recalls, strict=True)
    ]
    assert text_scores(HYPOTHESES, REFERENCES)["rouge_l"] == pytest.approx(np.mean(expected))
    uneven = text_scores(["a b c d"], [["a c"]])["rouge_l"]
    assert uneven == pytest.approx((1 + beta**2) * 0.5 * 1.0 / (1.0 + beta**2 * 0.5))


def test_cider_by_hand() -> None:
    # Every n-gram is in one image's references only, so each weighs log 2, which the cosines lose.
    hypotheses, references = ["a b", "d e"], [["a b"], ["d e f"]]
    scores = cider_of_each(hypotheses, references)
    # First image: words and pairs agree; of triples and quadruples there are none.
    assert scores[0] == pytest.approx(10 * (1 + 1) / 4)
    # Second: 2 of 3 words and 1 of 2 pairs; a pair less than the reference has.
    cosines = 2 / math.sqrt(2 * 3) + 1 / math.sqrt(2)
    assert scores[1] == pytest.approx(10 * cosines / 4 * math.exp(-(1**2) / (2 * 6**2)))
    assert text_scores(hypotheses, references)["cider"] == pytest.approx(scores.mean())


def test_cider_weighs_what_is_said_of_few_images() -> None:
    references = [["a dog"], ["a cat"], ["a bird"]]
    rare, common = cider_of_each(["dog", "a", "a bird"], references)[:2]
    assert rare > 0
    assert common == 0


def test_perfect_and_empty_captions() -> None:
    perfect = text_scores([of[0] for of in REFERENCES], REFERENCES)
    assert perfect["bleu_1"] == pytest.approx(1)
    assert perfect["rouge_l"] == pytest.approx(1)
    assert set(perfect) == {"bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider"}
    empty = text_scores(["", "", "?"], REFERENCES)
    assert max(empty.values()) < 1e-6
    assert not any(math.isnan(value) for value in empty.values())


def test_case_and_punctuation_do_not_count() -> None:
    plain = text_scores(["a red dog runs", "the cat", "two birds"], REFERENCES)
    assert plain == text_scores(HYPOTHESES, REFERENCES)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    text_scores(HYPOTHESES, REFERENCES)
    assert capfd.readouterr() == ("", "")


def test_the_commonest_caption_is_said_of_most_images() -> None:
    references = [["A dog.", "a cat"], ["a dog", "A DOG!"], ["a cat", "b"], ["a cat", "c"], ["a dog", "d"]]
    assert commonest_text(references) == "a cat"
    assert commonest_text([*references, ["a dog"]]) == "a dog"


def test_meteor_is_said_to_be_left_out_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    java_runs.cache_clear()
    with caplog.at_level(logging.INFO):
        scores = [text_scores(HYPOTHESES, REFERENCES, meteor=True) for _ in range(2)]
    java_runs.cache_clear()
    assert all("meteor" not in each for each in scores)
    assert [record.message for record in caplog.records if "METEOR" in record.message] == [
        "METEOR is left out: it needs a Java runtime, and none is installed"
    ]


def test_a_java_that_does_not_run_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: "java")
    monkeypatch.setattr(
        generation_text.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], returncode=1)
    )
    java_runs.cache_clear()
    assert not java_runs()
    java_runs.cache_clear()


def test_meteor_is_asked_for_where_java_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation_text, "java_runs", lambda: True)
    monkeypatch.setattr(generation_text, "_meteor", lambda true, said: 0.25)
    assert text_scores(HYPOTHESES, REFERENCES, meteor=True)["meteor"] == 0.25
    assert "meteor" not in text_scores(HYPOTHESES, REFERENCES)
