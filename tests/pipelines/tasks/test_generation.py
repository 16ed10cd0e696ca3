"""Metrics and layers of networks that generate."""

import numpy as np
import pytest

from pipelines.tasks.generation import nll, step_accuracy
from pipelines.tasks.generation_layers import RecentAttention

PADDING = -1


def test_nats_a_step_by_hand():
    """Two keys, two frames and padding: log 4 + log 2 in the first, log 2 + log 8 in the second."""
    on = np.array([[[0.25, 0.5], [0.5, 0.125], [0.9, 0.9]]])
    outputs = np.stack([1 - on, on], axis=-1)
    targets = np.array([[[1, 0], [1, 1], [PADDING, PADDING]]])
    assert nll(outputs, targets) == pytest.approx(7 * np.log(2) / 2)
    assert step_accuracy(outputs, targets) == 0  # no frame is right as a whole: 0.5 counts as off
    tokens = np.array([[[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [1, 0, 0]]])
    assert nll(tokens, np.array([[0, 2, PADDING]])) == pytest.approx(2 * np.log(2))
    assert step_accuracy(tokens, np.array([[0, 2, PADDING]])) == 0.5
    assert nll(np.array([[[0.0, 1.0]]]), np.array([[0]])) == pytest.approx(-np.log(1e-9))


def test_recent_attention_by_its_equation():
    rng = np.random.default_rng(0)
    layer, x = RecentAttention(3, 4), rng.normal(size=(2, 6, 5)).astype(np.float32)
    found = layer(x).numpy()
    query, key, value = (x @ weight.numpy() for weight in layer.weights)
    for t in range(6):
        window = slice(max(0, t - 2), t + 1)
        scores = np.exp(np.einsum("bu,bju->bj", query[:, t], key[:, window]) / 2)
        weights = scores / scores.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(
            found[:, t], np.einsum("bj,bju->bu", weights, value[:, window]), rtol=1e-4, atol=1e-5
        )
