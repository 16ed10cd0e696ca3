"""Speech commands: a second of sound in, a word out; or words with their times, in a stream.

Nothing here imports TensorFlow: `predict` runs on the device.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.app import App
from pipelines.data.examples import Data, Features

from .config import PRESETS, SpeechConfig
from .features import encode, make_features
from .listen import SpeechOptions
from .metrics import METRICS, baselines
from .predict import describe, predict

if TYPE_CHECKING:
    import keras

    from pipelines.evaluation.outcome import Outcome
    from pipelines.ondevice.bundle import Bundle


def _load(config: SpeechConfig) -> Data:
    from .data import load

    return load(config)


def _build(config: SpeechConfig, features: Features) -> keras.Model:
    from .model import build_model

    return build_model(config, features)


def _loss(config: SpeechConfig) -> keras.losses.Loss:
    from .model import smoothed_loss

    return smoothed_loss(config.label_smoothing)


def _plots(config: SpeechConfig, outcome: Outcome) -> dict[str, Any]:
    from .plots import make_plots

    return make_plots(config, outcome)


def _show(config: SpeechConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    from .plots import show

    return show(config, outcome, bundle, folder)


def _executions(config: SpeechConfig) -> tuple[str, ...]:
    return ("loop", "step") if config.streams else ("loop",)


APP = App(
    name="speech_commands",
    summary="Hear words: in a clip, in a file of any length, or live at the microphone.",
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
    options=SpeechOptions,
    executions=_executions,
    show=_show,
)
