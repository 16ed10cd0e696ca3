"""The shares of all workers add up to the loss and the gradient of the whole batch."""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import layers
from apps.handwriting.model import MixtureLoss
from pipelines.cluster.place import on_this_machine
from pipelines.data.examples import Features
from pipelines.errors import UserError
from pipelines.tasks.classification_loss import SmoothedCrossEntropy
from pipelines.tasks.ctc_loss import CTCLoss
from pipelines.tasks.forecasting_layers import ForecastLoss
from pipelines.tasks.generation_losses import NegativeLogLikelihood, NextTokenLoss
from pipelines.tasks.labelling_loss import LabellingLoss
from pipelines.tasks.stroke_mixture import StrokeLoss
from pipelines.training.shared_step import of_share, require_shareable

ROOT = Path(__file__).parents[3]
ROWS, STEPS = 7, 5
RNG = np.random.default_rng(0)
LENGTHS = np.array([5, 1, 4, 2, 5, 1, 3])
REAL = np.arange(STEPS) < LENGTHS[:, None]


def labels(most, padding):
    return np.where(REAL, RNG.integers(1, most, (ROWS, STEPS)), padding).astype(np.int32)


def strokes(columns):
    values = RNG.normal(size=(ROWS, STEPS, columns)).astype(np.float32)
    values[..., 2:] = values[..., 2:] > 0
    values[..., 2][~REAL] = -1
    return values


def forecasts():
    values = np.stack([RNG.normal(size=(ROWS, STEPS, 1)), np.full((ROWS, STEPS, 1), 0.5)], axis=-1)
    values[..., 0][~REAL] = np.nan
    return values.astype(np.float32)


CASES = {
    "one of three": (keras.losses.SparseCategoricalCrossentropy(), RNG.integers(0, 3, ROWS), (), 3),
    "words": (keras.losses.SparseCategoricalCrossentropy(ignore_class=-1), labels(3, -1), (STEPS,), 3),
    "SmoothedCrossEntropy": (SmoothedCrossEntropy(0.1), RNG.integers(0, 3, ROWS), (), 3),
    "LabellingLoss": (LabellingLoss(0.1), labels(3, -2), (STEPS,), 3),
    "NextTokenLoss": (
        NextTokenLoss(0.1),
        np.stack([labels(4, 0), labels(4, 0)], axis=-1),
        (STEPS, 2),
        4,
    ),
    "NegativeLogLikelihood": (NegativeLogLikelihood(), labels(3, -1), (STEPS,), 3),
    "StrokeLoss": (StrokeLoss(), strokes(3), (STEPS,), 13),
    "MixtureLoss": (MixtureLoss(13, ends=True), strokes(4), (STEPS,), 14),
    "ForecastLoss": (ForecastLoss(), forecasts(), (STEPS,), 1),
    "CTCLoss": (
        CTCLoss(),
        np.stack([np.full(ROWS, STEPS), RNG.integers(1, 3, ROWS), np.zeros(ROWS, int)], axis=1),
        (STEPS,),
        3,
    ),
    "CRFLoss": (layers.CRFLoss(), labels(3, -1), (STEPS,), 3),
}
"""By the name of the loss: the loss, targets, and the shape of its outputs without the rows."""
PROBABILITIES = {"one of three", "words", "SmoothedCrossEntropy", "LabellingLoss", "NegativeLogLikelihood"}


def network(case, **regularizer):
    """A linear network with outputs of the shape that the loss takes, and data for it."""
    loss, targets, shape, last = CASES[case]
    given = keras.Input([4])
    small = keras.initializers.RandomNormal(stddev=0.03, seed=1)  # a correlation of strokes is below 1
    x = keras.layers.Dense(int(np.prod(shape)) * last, kernel_initializer=small, **regularizer)(given)
    x = keras.layers.Reshape((*shape, last) if case != "ForecastLoss" else (*shape, 1))(x)
    if case in PROBABILITIES:
        x = keras.layers.Softmax()(x)
    if case == "CRFLoss":
        x = layers.LinearChainCRF()(x)
    model = keras.Model(given, x)
    model.compile(keras.optimizers.SGD(), loss)
    return model, RNG.normal(size=(ROWS, 4)).astype(np.float32), targets


def shares(model, inputs, targets, workers, **options):
    """The loss and gradients of one process, and the sums over the shares of several."""
    whole, *parts = (
        of_share(model, tf.constant(inputs), tf.constant(targets), place=place, **options)
        for place in (*on_this_machine(1), *on_this_machine(workers))
    )
    return whole, [tf.add_n(each) for each in zip(*parts, strict=True)]


def require_same(whole, together):
    assert float(np.abs(whole[1]).max()) > 1e-4
    for one, several in zip(whole, together, strict=True):
        np.testing.assert_allclose(several, one, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("workers", [2, 3, 9])
@pytest.mark.parametrize("case", CASES)
def test_shares_add_up(case, workers):
    require_same(*shares(*network(case), workers))


@pytest.mark.parametrize("case", CASES)
def test_the_whole_is_what_keras_trains_with(case):
    model, inputs, targets = network(case)
    whole, _ = shares(model, inputs, targets, 2)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(inputs, targets, model(inputs, training=True))
    require_same(whole, [loss, *tape.gradient(loss, [each.value for each in model.trainable_variables])])


def test_weights_of_labels_and_losses_of_layers_are_shared_by_rows():
    model, inputs, targets = network("one of three", activity_regularizer=keras.regularizers.L2(0.1))
    weights = {0: 0.5, 1: 2.0, 2: 1.5}
    whole, together = shares(model, inputs, targets, 2, weights=weights)
    of_rows = np.vectorize(weights.get)(targets)
    expected = model.compute_loss(inputs, targets, model(inputs, training=True), sample_weight=of_rows)
    np.testing.assert_allclose(whole[0], expected, rtol=1e-6)
    require_same(whole, together)


def test_every_loss_of_the_project_has_a_case():
    found = set()
    for path in (
        each for folder in ("apps", "pipelines", "layers") for each in (ROOT / folder).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and any("Loss" in ast.unparse(each) for each in node.bases):
                found.add(node.name)
    assert found == CASES.keys() - {"one of three", "words"}


def test_networks_that_carry_states_between_batches_are_refused():
    with pytest.raises(UserError, match=r"--workers: text_generation carries .*: expected 1, got 2"):
        require_shareable("text_generation", Features({}, {}, (), in_order=True), 2)
    require_shareable("sentiment", Features({}, {}, ()), 2)
