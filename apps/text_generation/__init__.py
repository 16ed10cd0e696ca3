"""Text generation: writes text character by character."""

from pipelines.app import lazy, usual_app

from .config import PRESETS
from .features import encode_targets
from .metrics import METRICS, baselines
from .predict import Options

APP = usual_app(
    __name__,
    "Write text character by character, complete words, or show which characters of a text surprise.",
    presets=PRESETS,
    metrics=METRICS,
    baseline=lambda config, data, features, deployed: baselines(config, features),
    targets=encode_targets,
    higher_is_better=False,
    options=Options,
    example=("--primer", "In the beginning"),
    executions=lambda config: ("loop", "step"),
    deployed=lazy(__name__, "model", "deployed"),
    trainable=lazy(__name__, "model", "start_epoch"),
    each_epoch=lazy(__name__, "samples", "each_epoch"),
    show=lazy(__name__, "samples", "write_samples"),
)
