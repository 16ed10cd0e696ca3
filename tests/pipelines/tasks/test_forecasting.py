"""Scores and simple methods of forecasts, by hand and on the weather of Seattle."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from apps.forecasting.config import PRESETS
from apps.forecasting.data import load
from apps.forecasting.features import make_features
from apps.forecasting.metrics import forecasts, methods
from pipelines.tasks.forecasting import (
    LEVELS,
    MEDIAN,
    METRICS,
    coverage_80,
    draw,
    interval_of,
    mean_of,
    middle,
    own_errors,
)
from pipelines.tasks.forecasting_baselines import Ridge, last_season, last_value
from pipelines.tasks.forecasting_layers import (
    ForecastLoss,
    IncreasingQuantiles,
    StudentQuantiles,
    student_t_quantiles,
)


def targets_of(values: np.ndarray, deviation: float = 2.0, change: float = 4.0) -> np.ndarray:
    constants = np.broadcast_to(np.array([deviation, change]), (*values.shape, 2))
    return np.concatenate([values[..., None], constants], axis=-1).astype(np.float32)


def test_the_metrics_of_points_by_hand_skip_what_is_missing():
    values = np.array([[[1.0], [np.nan]], [[3.0], [5.0]]])
    outputs = np.array([[[2.0], [9.0]], [[3.0], [1.0]]])
    found = {name: metric(outputs, targets_of(values)) for name, metric in METRICS.items()}
    assert found["mse"] == pytest.approx((1 + 0 + 16) / 3 / 4)
    assert found["mae"] == pytest.approx((1 + 0 + 4) / 3 / 2)
    assert found["mae_own_unit"] == pytest.approx(5 / 3)
    assert found["mase"] == pytest.approx(5 / 3 / 4)
    assert found["pinball"] is found["coverage_80"] is None


def test_the_metrics_of_quantiles_by_hand():
    quantiles = np.array([[[[-9.0, -2.0, -1.0, 0.0, 1.0, 2.0, 9.0]]]])
    targets = targets_of(np.array([[[2.5]]]))
    levels, errors = np.array(LEVELS), (2.5 - quantiles[0, 0, 0]) / 2
    wanted = np.where(errors > 0, levels * errors, (levels - 1) * errors).mean()
    assert METRICS["pinball"](quantiles, targets) == pytest.approx(wanted)
    assert coverage_80(quantiles, targets) == 0
    assert coverage_80(quantiles + 1, targets) == 1
    assert middle(quantiles).tolist() == [[[0.0]]]
    assert [float(end[0, 0, 0]) for end in interval_of(quantiles, 0.99)] == [-9, 9]
    assert mean_of(quantiles)[0, 0, 0] == pytest.approx(0)
    skewed = quantiles + 3.0 * (quantiles > 1)
    assert mean_of(skewed)[0, 0, 0] > 0.2


def test_a_negative_deviation_scores_logarithms():
    values, outputs = np.array([[[np.e - 1]]]), np.array([[[np.e**3 - 1]]])
    assert METRICS["mae"](outputs, targets_of(values, deviation=-0.5)) == pytest.approx(4, rel=1e-5)
    loss = ForecastLoss("point", "mae")
    assert float(loss(targets_of(values, deviation=-0.5), outputs.astype("float32"))) == pytest.approx(
        4, rel=1e-4
    )


@pytest.mark.parametrize("distribution", ["point", "quantiles", "student_t"])
def test_losses_ignore_what_is_missing_and_are_least_at_the_truth(distribution):
    rng = np.random.default_rng(0)
    values = rng.standard_t(5, (400, 1, 1)).astype(np.float32)
    values[:3] = np.nan
    quantiles = np.array(student_t_quantiles(5.0), np.float32)
    loss = ForecastLoss(distribution)

    def at(shift: float, scale: float = 1.0) -> float:
        outputs = np.full((400, 1, 1), shift, np.float32)
        if distribution != "point":
            outputs = outputs[..., None] + scale * quantiles
        return float(loss(targets_of(values, 1.0), outputs))

    assert np.isfinite(at(0.0))
    assert at(0.0) < min(at(1.0), at(-1.0))
    if distribution != "point":
        assert at(0.0) < min(at(0.0, 3.0), at(0.0, 0.3))


def test_quantiles_never_cross_whatever_the_numbers_are():
    numbers = np.random.default_rng(0).normal(0, 50, (500, len(LEVELS))).astype(np.float32)
    quantiles = IncreasingQuantiles()(numbers).numpy()
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    np.testing.assert_array_equal(quantiles[:, MEDIAN], numbers[:, MEDIAN])
    student = StudentQuantiles(student_t_quantiles(4.0))(numbers[:, :2]).numpy()
    assert (np.diff(student, axis=-1) > 0).all()
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(StudentQuantiles(student_t_quantiles(4.0)))
    )
    np.testing.assert_array_equal(again(numbers[:, :2]), student)


def test_draws_have_the_quantiles_that_they_are_drawn_from():
    quantiles = np.array([[-9.0, -2, -1, 0, 1, 2, 9], [0, 1, 2, 3, 5, 8, 13]])
    draws = draw(np.repeat(quantiles[None], 20_000, axis=0), np.random.default_rng(0))
    places = (np.array(LEVELS) - LEVELS[0]) / (LEVELS[-1] - LEVELS[0])
    found = np.quantile(draws, places, axis=0).T
    np.testing.assert_allclose(found[:, 1:-1], quantiles[:, 1:-1], atol=0.2)
    assert (draws >= quantiles[:, 0]).all()
    assert (draws <= quantiles[:, -1]).all()


def test_naive_forecasts_by_hand():
    past = np.arange(6.0).reshape(1, 6, 1)
    assert last_value(past, 3).ravel().tolist() == [5, 5, 5]
    assert last_season(past, 5, 3).ravel().tolist() == [3, 4, 5, 3, 4]
    assert last_season(past, 2, 24).ravel().tolist() == [0, 1]


def test_ridge_finds_a_linear_rule_and_skips_what_is_missing():
    rng = np.random.default_rng(0)
    past = rng.normal(size=(300, 4, 2))
    wanted = past[:, -1:] + 0.5 * (past[:, -2:-1] - past[:, -1:])
    wanted[:20, 0, 0] = np.nan
    splits = {"train": slice(0, 200), "validation": slice(200, 300)}
    inputs, targets = ({name: array[rows] for name, rows in splits.items()} for array in (past, wanted))
    for shared in (True, False):
        ridge = Ridge(4, shared=shared).fit(inputs, targets)
        np.testing.assert_allclose(ridge(past, 1, 2)[20:], wanted[20:], atol=0.02)


def test_the_known_figures_of_seattle():
    """Maximum temperature, seven days ahead, in 2015: last value 3.40 C, last week 3.77, ridge below 2.84."""
    config = PRESETS["default"]
    features = make_features(config, load(config))
    targets = features.targets["whole"]
    known = {"last_value": 3.40, "last_season": 3.77}
    found = {}
    for name, method in methods(features).items():
        errors = own_errors(forecasts(method, features, "whole"), targets)
        found[name] = float(errors[..., 1].mean())
    assert targets.shape == (359, 7, 4, 3)
    assert {name: round(found[name], 2) for name in known} == known
    assert found["ridge"] < 2.84
    assert found["nlinear"] < 3
