"""Sentiment: what a text's writer thinks.

Nothing here imports TensorFlow: `predict` runs on the device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.app import App
from pipelines.data.examples import Data, Features

from .config import PRESETS, SentimentConfig
from .features import encode, make_features
from .metrics import METRICS, baselines
from .predict import describe, predict

if TYPE_CHECKING:
    import keras

    from pipelines.evaluation.outcome import Outcome


def _load(config: SentimentConfig) -> Data:
    from .data import load

    return load(config)


def _build(config: SentimentConfig, features: Features) -> keras.Model:
    from .model import build_model

    return build_model(config, features)


def _loss(config: SentimentConfig) -> keras.losses.Loss:
    import keras

    return keras.losses.SparseCategoricalCrossentropy()


def _plots(config: SentimentConfig, outcome: Outcome) -> dict[str, Any]:
    from .plots import make_plots

    return make_plots(config, outcome)


APP = App(
    name="sentiment",
    summary="Label a text: positive, negative, neutral, or whatever your data says.",
    presets=PRESETS,
    load=_load,
    features=make_features,
    build=_build,
    loss=_loss,
    metrics=METRICS,
    baseline=lambda config, data, features, deployed: baselines(config, data),
    encode=encode,
    predict=predict,
    describe=describe,
    plots=_plots,
    reads_lines=True,
)
