"""Image captioning: a picture in, a sentence out.

Nothing here imports TensorFlow: `predict` runs on the device.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.app import App
from pipelines.data.examples import Data, Features

from .config import PRESETS, CaptioningConfig
from .features import encode, encode_targets, make_features
from .metrics import METRICS, baselines
from .predict import Options, describe, predict

if TYPE_CHECKING:
    import keras

    from pipelines.evaluation.outcome import Outcome
    from pipelines.export.part import Part
    from pipelines.ondevice.bundle import Bundle


def _load(config: CaptioningConfig) -> Data:
    from .data import load

    return load(config)


def _build(config: CaptioningConfig, features: Features) -> keras.Model:
    from .model import build_model

    return build_model(config, features)


def _deployed(config: CaptioningConfig, features: Features, model: keras.Model) -> keras.Model:
    from .model import captioner

    return captioner(features, model)


def _loss(config: CaptioningConfig) -> keras.losses.Loss:
    from .model import CaptionLoss

    return CaptionLoss(config.label_smoothing)


def _trainable(config: CaptioningConfig, model: keras.Model, epoch: int) -> None:
    from .model import encoder_of

    encoder_of(model).trainable = epoch >= config.frozen_epochs


def _parts(config: CaptioningConfig, outcome: Outcome) -> Mapping[str, Part]:
    from .parts import make_parts

    return make_parts(outcome)


def _plots(config: CaptioningConfig, outcome: Outcome) -> dict[str, Any]:
    from .plots import make_plots

    return make_plots(config, outcome)


def _show(config: CaptioningConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    from .plots import show

    return show(config, outcome, bundle, folder)


APP = App(
    name="image_captioning",
    summary="Say what a picture shows, and where the network looked for each word.",
    presets=PRESETS,
    load=_load,
    features=make_features,
    build=_build,
    loss=_loss,
    metrics=METRICS,
    baseline=baselines,
    encode=encode,
    targets=encode_targets,
    predict=predict,
    describe=describe,
    plots=_plots,
    options=Options,
    deployed=_deployed,
    trainable=_trainable,
    parts=_parts,
    show=_show,
)
