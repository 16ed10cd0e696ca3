"""The chain's loss, best tags and probabilities equal those from all sequences of tags, written out."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers import CRFLoss, LinearChainCRF
from pipelines.ondevice.tag_decoding import Chain, Span, chain_of, span_probabilities, spans_of, viterbi

TAGS = 3


def chain(steps: int, seed: int = 0) -> Chain:
    rng = np.random.default_rng(seed)
    return Chain(rng.normal(size=(steps, TAGS)), rng.normal(size=TAGS), rng.normal(size=(TAGS, TAGS)))


def score(tags: tuple[int, ...], of: Chain) -> float:
    between = sum(of.transitions[a, b] for a, b in itertools.pairwise(tags))
    return float(of.start[tags[0]] + sum(of.scores[t, tag] for t, tag in enumerate(tags)) + between)


def all_scores(of: Chain) -> dict[tuple[int, ...], float]:
    return {tags: score(tags, of) for tags in itertools.product(range(TAGS), repeat=len(of.scores))}


def packed(of: Chain, rows: int) -> np.ndarray:
    padded = np.concatenate([of.scores, np.full([rows - len(of.scores), TAGS], 9.0)])
    return np.concatenate([padded, of.start[None], of.transitions]).astype(np.float32)


def test_the_loss_is_the_likelihood_among_all_sequences_also_with_padding() -> None:
    rows, truths = 5, [(0, 2, 1, 1, 0), (2, 1), (1,)]
    chains = [
        chain(len(truth))._replace(start=chain(1).start, transitions=chain(1).transitions) for truth in truths
    ]
    expected = [
        np.log(sum(map(np.exp, all_scores(each).values()))) - score(truth, each)
        for each, truth in zip(chains, truths, strict=True)
    ]
    targets = np.array([[*truth, *[-1] * (rows - len(truth))] for truth in truths])
    outputs = np.stack([packed(each, rows) for each in chains])
    np.testing.assert_allclose(CRFLoss(reduction=None)(targets, outputs), expected, rtol=1e-5)


def test_its_gradient_is_that_of_small_differences() -> None:
    targets, outputs = np.array([[0, 2, 1, -1]]), packed(chain(3), 4)[None].astype(np.float32)
    given = tf.constant(outputs)
    with tf.GradientTape() as tape:
        tape.watch(given)
        loss = CRFLoss()(targets, given)
    found = tape.gradient(loss, given).numpy()[0]
    for place in [(0, 0), (2, 1), (3, 0), (4, 2), (6, 1), (7, 2)]:
        moved = [outputs.copy() for _ in range(2)]
        for each, by in zip(moved, (1e-2, -1e-2), strict=True):
            each[(0, *place)] += by
        slope = float(CRFLoss()(targets, moved[0]) - CRFLoss()(targets, moved[1])) / 2e-2
        assert found[place] == pytest.approx(slope, abs=2e-3)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_best_tags_and_probabilities_are_those_of_all_sequences(steps: int) -> None:
    of = chain(steps)
    scores = all_scores(of)
    assert tuple(viterbi(of)) == max(scores, key=scores.__getitem__)
    of = chain_of(packed(of, steps), np.full(steps, fill_value=True))
    weights = {tags: np.exp(value) for tags, value in all_scores(of).items()}
    spans = [Span(start, end, 0) for start in range(steps) for end in range(start + 1, steps + 1)]
    expected = [
        sum(weight for tags, weight in weights.items() if span in spans_of(np.array(tags)))
        / sum(weights.values())
        for span in spans
    ]
    np.testing.assert_allclose(span_probabilities(of, spans), expected, atol=1e-6)
    assert span_probabilities(of, []) == []


def test_a_span_never_continues_what_did_not_begin() -> None:
    rng = np.random.default_rng(0)
    for steps in (1, 4, 9):
        chosen = np.arange(9) >= 9 - steps
        decided = [
            chain_of(rng.normal(size=(9 + 1 + 5, 5)).astype(np.float32), chosen),
            chain_of(rng.dirichlet(np.ones(5), 9), chosen),
        ]
        for each in decided:
            tags = [0, *viterbi(each)]
            for before, tag in itertools.pairwise(tags):
                assert tag == 0 or tag % 2 or before in (tag, tag - 1)
    assert viterbi(chain_of(np.zeros([8, 5]), np.full(8, fill_value=False))).size == 0


def test_spans_of_tags() -> None:
    assert spans_of(np.array([0, 1, 2, 2, 1, 3, 4, 0, 2])) == [(1, 4, 0), (4, 5, 0), (5, 7, 1), (8, 9, 0)]


def test_the_layer_adds_its_scores_and_travels_through_a_file(tmp_path) -> None:
    model = keras.Sequential([keras.Input((None, TAGS)), LinearChainCRF()])
    of = chain(4)
    model.layers[0].set_weights([of.start, of.transitions])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(of.scores[None].astype(np.float32))[0], packed(of, 4), rtol=1e-6)
    assert loaded.output_shape == (None, None, TAGS)
