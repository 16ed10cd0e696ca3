"""Image captioning: describes an image in a sentence.

Nothing here imports TensorFlow: `predict` runs on the device.
"""

from __future__ import annotations

from pipelines.app import App, lazy

from .config import PRESETS
from .features import encode, encode_targets, make_features
from .metrics import METRICS, baselines
from .predict import Options, describe, predict

APP = App(
    name="image_captioning",
    summary="Describe an image, and show where the network looked for each word.",
    presets=PRESETS,
    load=lazy(__name__, "data", "load"),
    features=make_features,
    build=lazy(__name__, "model", "build_model"),
    loss=lazy(__name__, "model", "make_loss"),
    metrics=METRICS,
    baseline=baselines,
    encode=encode,
    targets=encode_targets,
    predict=predict,
    describe=describe,
    plots=lazy(__name__, "plots", "make_plots"),
    options=Options,
    deployed=lazy(__name__, "model", "captioner"),
    trainable=lazy(__name__, "model", "set_trainable"),
    parts=lazy(__name__, "model", "make_parts"),
    show=lazy(__name__, "plots", "show"),
)
