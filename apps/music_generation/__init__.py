"""Music: what comes after what was played so far.

Nothing here imports TensorFlow: `predict` runs on the device.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.app import App
from pipelines.data.examples import Data, Examples, Features

from .config import PRESETS, MusicConfig
from .features import encode, encode_targets, make_features
from .metrics import METRICS, baselines
from .predict import Options, describe, predict

if TYPE_CHECKING:
    import keras
    import numpy as np

    from pipelines.evaluation.outcome import Outcome
    from pipelines.ondevice.bundle import Bundle


def _load(config: MusicConfig) -> Data:
    from .data import load

    return load(config)


def _build(config: MusicConfig, features: Features) -> keras.Model:
    from .model import build_model

    return build_model(config, features)


def _loss(config: MusicConfig) -> keras.losses.Loss:
    from .model import NegativeLogLikelihood

    return NegativeLogLikelihood()


def _plots(config: MusicConfig, outcome: Outcome) -> dict[str, Any]:
    from .plots import make_plots

    return make_plots(config, outcome)


def _show(config: MusicConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    from .samples import write_samples

    return write_samples(config, outcome, bundle, folder)


def _each_epoch(
    config: MusicConfig, features: Features, deployed: keras.Model, epoch: int, folder: Path
) -> None:
    from .samples import each_epoch

    each_epoch(config, features, deployed, epoch, folder)


def _targets(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    return encode_targets(bundle, examples.inputs)


APP = App(
    name="music_generation",
    summary="Compose: chorales, tunes or piano rolls, written as MIDI and sound.",
    presets=PRESETS,
    load=_load,
    features=make_features,
    build=_build,
    loss=_loss,
    metrics=METRICS,
    baseline=lambda config, data, features, deployed: baselines(config, data),
    encode=encode,
    targets=_targets,
    predict=predict,
    describe=describe,
    plots=_plots,
    higher_is_better=False,
    options=Options,
    executions=lambda config: ("loop", "step"),
    each_epoch=_each_epoch,
    show=_show,
)
