"""The loss of unsegmented labels against the forward algorithm in numpy, and character errors."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ondevice.ctc import log_likelihood
from pipelines.tasks.character_errors import (
    character_error_rate,
    edit_counts,
    edit_distance,
    labels_of,
    rate_of,
    read_greedily,
)
from pipelines.tasks.ctc_loss import CTCLoss
from pipelines.tasks.ctc_targets import ctc_targets, steps_needed

LABELS, STEPS = [[2, 2, 1], [3], [], [1, 2, 3, 1]], [4, 6, 3, 7]
rng = np.random.default_rng(0)
LOGITS = rng.normal(0, 2, (4, 7, 4)).astype(np.float32)


def test_the_loss_is_that_of_the_forward_algorithm_without_padding() -> None:
    log_probabilities = LOGITS - np.logaddexp.reduce(LOGITS, axis=2, keepdims=True)
    expected = [
        -log_likelihood(each[:steps], labels)
        for each, steps, labels in zip(log_probabilities, STEPS, LABELS, strict=True)
    ]
    targets = ctc_targets(LABELS, STEPS)
    for outputs in (LOGITS, log_probabilities):
        np.testing.assert_allclose(CTCLoss(reduction=None)(targets, outputs), expected, rtol=1e-4)
    assert float(CTCLoss()(targets.astype(np.float32), LOGITS)) == pytest.approx(np.mean(expected), rel=1e-4)


def test_padding_gets_no_gradient_and_the_rest_a_finite_one() -> None:
    outputs = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        loss = CTCLoss()(ctc_targets(LABELS, STEPS), outputs)
    gradient = tape.gradient(loss, outputs).numpy()
    assert np.isfinite(gradient).all()
    for row, steps in enumerate(STEPS):
        assert (gradient[row, steps:] == 0).all()
        assert (np.abs(gradient[row, :steps]).max(axis=1) > 0).all()


def test_targets_hold_the_steps_and_padded_labels() -> None:
    targets = ctc_targets(LABELS, STEPS)
    assert targets.tolist()[:2] == [[4, 2, 2, 1, 0], [6, 3, 0, 0, 0]]
    assert labels_of(targets) == LABELS
    assert [steps_needed(each) for each in LABELS] == [4, 1, 0, 4]
    with pytest.raises(ValueError, match="labels 0: expected at least 4 steps, got 3"):
        ctc_targets([[2, 2, 1]], [3])
    with pytest.raises(ValueError, match="labels 1: expected none that is 0, which is the blank"):
        ctc_targets([[1], [1, 0]], [3, 3])
    keras.losses.deserialize(keras.losses.serialize(CTCLoss()))


@functools.cache
def by_recursion(one: str, other: str) -> int:
    if not one or not other:
        return max(len(one), len(other))
    changed = by_recursion(one[1:], other[1:]) + (one[0] != other[0])
    return min(changed, by_recursion(one[1:], other) + 1, by_recursion(one, other[1:]) + 1)


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_the_edit_distance_is_that_of_its_definition(one: str, other: str) -> None:
    assert edit_distance(one, other) == by_recursion(one, other)
    assert edit_distance([ord(each) for each in one], [ord(each) for each in other]) == by_recursion(
        one, other
    )


def test_character_errors_by_hand() -> None:
    counts = edit_counts(["kitten", "", "same"], ["sitting", "ab", "same"])
    assert counts.tolist() == [[3, 7, 1], [2, 2, 1], [0, 4, 0]]
    assert rate_of(counts.sum(axis=0)) == pytest.approx(5 / 13)
    assert edit_counts([], []).shape == (0, 3)


def test_the_rate_of_outputs_that_are_read_greedily() -> None:
    """The first is right, the second reads 3 twice more; what is behind the end is not read."""
    paths = np.array([[2, 0, 2, 1, 3, 3, 3], [3, 0, 3, 0, 3, 3, 1]])
    outputs, targets = np.eye(4)[paths], ctc_targets(LABELS[:2], STEPS[:2])
    assert read_greedily(outputs, targets) == [[2, 2, 1], [3, 3, 3]]
    assert character_error_rate(outputs, targets) == pytest.approx(2 / 4)
