"""Scoring: whole splits, partial batches, latencies."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import layers
from pipelines.evaluation.intervals import interval
from pipelines.evaluation.latency import latency_ms
from pipelines.evaluation.predictors import KerasPredictor, StreamPredictor, in_batches
from pipelines.evaluation.score import MeanOf, score


def _mean_of_hits(outputs: np.ndarray, targets: np.ndarray) -> float:
    return float(np.mean(outputs[:, 0] == targets))


def test_score_gives_every_metric_over_the_whole_split_and_the_outputs() -> None:
    inputs = np.array([[1.0], [2.0], [3.0]])
    values, outputs = score(
        lambda x: x * 2, inputs, np.array([2, 4, 0]), {"hits": _mean_of_hits, "none": lambda o, t: 0.0}
    )
    assert values == {"hits": pytest.approx(2 / 3), "none": 0.0}
    np.testing.assert_array_equal(outputs, [[2], [4], [6]])


def test_a_metric_that_is_none_for_these_targets_is_left_out() -> None:
    metrics = {"hits": _mean_of_hits, "facts": lambda outputs, targets: None}
    values, _ = score(lambda x: x, np.array([[1.0]]), np.array([1]), metrics)
    assert values == {"hits": 1.0}


def test_the_interval_of_a_mean_is_that_of_the_same_metric_without_its_parts() -> None:
    rng = np.random.default_rng(0)
    outputs, targets = rng.integers(0, 2, (80, 1)), rng.integers(0, 2, 80)
    calls = []

    def hits(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        calls.append(len(outputs))
        return outputs[:, 0] == targets

    mean = MeanOf(hits)
    assert mean(outputs, targets) == _mean_of_hits(outputs, targets)
    calls.clear()
    assert interval(mean, outputs, targets) == interval(_mean_of_hits, outputs, targets)
    assert calls == [80]


def test_a_weighted_mean_counts_by_weight_whole_and_in_the_interval() -> None:
    outputs, targets = np.array([[1.0], [3.0], [5.0]] * 20), np.array([1, 1, 2] * 20)
    mean = MeanOf(lambda outputs, targets: outputs[:, 0], lambda targets: targets)

    def by_hand(outputs: np.ndarray, targets: np.ndarray) -> float:
        return float((outputs[:, 0] * targets).sum() / targets.sum())

    assert mean(outputs[:3], targets[:3]) == pytest.approx(14 / 4)
    assert interval(mean, outputs, targets) == pytest.approx(interval(by_hand, outputs, targets))


@pytest.mark.parametrize(("inputs", "targets"), [(3, 2), (0, 0)])
def test_score_refuses_unequal_or_no_examples(inputs: int, targets: int) -> None:
    with pytest.raises(ValueError, match=f"got {inputs} and {targets}"):
        score(lambda x: x, np.zeros((inputs, 1)), np.zeros(targets), {})


@pytest.mark.parametrize(("size", "expected"), [(2, [2, 2, 1]), (5, [5]), (9, [5]), (1, [1] * 5)])
def test_batches_hold_every_example_once_and_the_last_may_be_smaller(size: int, expected: list[int]) -> None:
    seen = []

    def predictor(batch: np.ndarray) -> np.ndarray:
        seen.append(len(batch))
        return batch

    inputs = np.arange(10).reshape(5, 2)
    np.testing.assert_array_equal(in_batches(predictor, inputs, size), inputs)
    assert seen == expected


def test_keras_predictor_answers_as_the_model_whatever_the_batch(tiny) -> None:
    expected = np.asarray(tiny.model(tiny.inputs[:9], training=False))
    for batch_size in (4, 9, 256):
        answers = KerasPredictor(tiny.model, batch_size)(tiny.inputs[:9])
        np.testing.assert_allclose(answers, expected, atol=1e-6)


@pytest.mark.parametrize("steps", [4, 7, 100])
def test_a_long_sequence_is_read_in_pieces_with_its_state(steps: int) -> None:
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(5, 3),
            layers.LSTM(4, return_sequences=True),
            layers.GRU(3, return_sequences=True),
        ]
    )
    tokens = np.random.default_rng(0).integers(0, 5, (3, 11)).astype("int32")
    found = StreamPredictor(model, batch_size=2, steps=steps)(tokens)
    np.testing.assert_allclose(found, model(tokens, training=False), atol=1e-6)


def test_latency_is_of_one_example_at_a_time() -> None:
    shapes = set()

    def predictor(batch: np.ndarray) -> np.ndarray:
        shapes.add(batch.shape)
        return batch

    latency = latency_ms(predictor, np.zeros((3, 4)), calls=20)
    assert shapes == {(1, 4)}
    assert 0 < latency["p50"] <= latency["p95"] < 1000


def test_latency_of_a_slow_model_ends_with_the_time_allowed() -> None:
    calls = []
    latency_ms(lambda batch: calls.append(1), np.zeros((3, 4)), calls=200, seconds=0.0)
    assert len(calls) == 3 + 10
