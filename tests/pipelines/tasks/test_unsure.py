"""Answers that are not to be relied on."""

from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.tasks.unsure import is_unsure, threshold


def test_the_least_sure_tenth_is_below_the_threshold():
    sure = np.linspace(0.5, 1, 101)
    outputs = np.stack([sure, 1 - sure], axis=1)
    targets = np.zeros(101, int)
    targets[:6] = 1
    found = threshold(outputs, targets)
    assert found == {"below": 0.55, "right": 0.4, "right_above": 1.0}  # 10 are below, of which 4 are right


def test_all_alike_are_sure():
    found = threshold(np.full([4, 2], 0.5), np.array([0, 0, 0, 1]))
    assert found == {"below": 0.5, "right_above": 0.75}


@pytest.mark.parametrize(("largest", "unsure"), [(0.59, True), (0.6, False), (0.9, False)])
def test_an_answer_below_the_threshold_is_unsure(largest, unsure):
    bundle = SimpleNamespace(manifest={"unsure": {"below": 0.6}})
    said = is_unsure(bundle, np.array([largest, 1 - largest]))
    assert said == {"unsure": unsure, "unsure_below": 0.6}


def test_a_bundle_without_threshold_says_nothing():
    assert is_unsure(SimpleNamespace(manifest={}), np.array([0.5, 0.5])) == {}
