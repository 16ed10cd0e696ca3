"""Music generation: composes the next step from the music so far.

Nothing here imports TensorFlow: `predict` runs on the device.
"""

from __future__ import annotations

from pipelines.app import App, lazy

from .config import PRESETS
from .features import encode, make_features, targets_of
from .metrics import METRICS, baselines
from .predict import Options, describe, predict

APP = App(
    name="music_generation",
    summary="Compose chorales, tunes or piano rolls, and write them as MIDI and sound.",
    presets=PRESETS,
    load=lazy(__name__, "data", "load"),
    features=make_features,
    build=lazy(__name__, "model", "build_model"),
    loss=lazy(__name__, "model", "make_loss"),
    metrics=METRICS,
    baseline=lambda config, data, features, deployed: baselines(config, data),
    encode=encode,
    targets=targets_of,
    predict=predict,
    describe=describe,
    plots=lazy(__name__, "plots", "make_plots"),
    higher_is_better=False,
    options=Options,
    executions=lambda config: ("loop", "step"),
    each_epoch=lazy(__name__, "samples", "each_epoch"),
    show=lazy(__name__, "samples", "write_samples"),
)
