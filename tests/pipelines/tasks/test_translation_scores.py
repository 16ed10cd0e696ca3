"""Scores of texts are sacrebleu's, also when they are put together from counts."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import sacrebleu

from pipelines.evaluation.score import FromCounts, signatures
from pipelines.tasks.translation_scores import SCORES, metrics_of

TRUE = ["The cat sat on the mat.", "No.", "Ein Mädchen läuft über die Straße.", "one two three four five"] * 3
FOUND = ["The cat is on the mat.", "no", "Ein Mädchen rennt über die Strasse.", "", "x y"] * 2 + TRUE[10:]


def test_scores_are_those_of_the_library() -> None:
    assert SCORES["bleu"](FOUND, TRUE) == sacrebleu.corpus_bleu(FOUND, [TRUE]).score
    assert SCORES["bleu_lower"](FOUND, TRUE) == sacrebleu.corpus_bleu(FOUND, [TRUE], lowercase=True).score
    assert SCORES["chrf"](FOUND, TRUE) == sacrebleu.corpus_chrf(FOUND, [TRUE]).score
    assert SCORES["exact"](FOUND, TRUE) == np.mean([a == b for a, b in zip(FOUND, TRUE, strict=True)])


def test_equal_texts_have_the_highest_scores_and_spaces_do_not_count_as_errors() -> None:
    spaced = [f" {text.replace(' ', '  ')}" for text in TRUE]
    assert {name: round(score(spaced, TRUE), 6) for name, score in SCORES.items()} == {
        "bleu": 100,
        "bleu_lower": 100,
        "chrf": 100,
        "exact": 1,
    }
    assert SCORES["exact"](["Yes"], ["yes"]) == 0
    assert [score([""], ["a b"]) for score in SCORES.values()] == [0, 0, 0, 0]


def test_answers_of_a_word_have_a_bleu() -> None:
    assert SCORES["bleu"](["yes", "no", "yes", "no"], ["yes", "no", "no", "no"]) == pytest.approx(75)
    assert SCORES["bleu"](["a b c d"], ["yes"]) == sacrebleu.corpus_bleu(["a b c d"], [["yes"]]).score
    assert SCORES["bleu"](["yes", "a b c d"], ["yes", "e"]) < 40


def test_signatures_tell_how_it_was_scored() -> None:
    found = signatures(metrics_of(lambda outputs, targets: (TRUE, TRUE)))
    assert list(found) == ["bleu", "bleu_lower", "chrf"]
    assert found["bleu"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert "case:lc" in found["bleu_lower"]


def test_metrics_read_the_texts_in_outputs_and_draw_examples_again(caplog: pytest.LogCaptureFixture) -> None:
    metrics = metrics_of(lambda outputs, targets: ([TRUE[i] for i in outputs], [TRUE[i] for i in targets]))
    assert list(metrics) == ["bleu", "bleu_lower", "chrf", "exact"]
    outputs, targets = np.array([0, 1, 2, 2]), np.array([0, 1, 2, 3])
    assert metrics["exact"](outputs, targets) == 0.75
    bleu = metrics["bleu"]
    assert isinstance(bleu, FromCounts)
    again = bleu.resampled(outputs, targets)
    assert again(np.array([0, 2, 2])) == pytest.approx(100)
    assert again(np.arange(4)) == bleu(outputs, targets)
    with caplog.at_level(logging.WARNING):
        SCORES["bleu"](["a ."] * 200, ["a."] * 200)
    assert caplog.text == ""
