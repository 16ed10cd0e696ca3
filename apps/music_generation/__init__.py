"""Music generation: composes the next step from the music so far."""

from pipelines.app import lazy, usual_app

from .config import PRESETS
from .features import targets_of
from .metrics import METRICS, baselines
from .predict import Options

APP = usual_app(
    __name__,
    "Compose chorales, tunes or piano rolls, and write them as MIDI and sound.",
    presets=PRESETS,
    metrics=METRICS,
    baseline=lambda config, data, features, deployed: baselines(config, data),
    targets=targets_of,
    higher_is_better=False,
    options=Options,
    example=("--seconds", "30"),
    executions=lambda config: ("loop", "step"),
    each_epoch=lazy(__name__, "samples", "each_epoch"),
    show=lazy(__name__, "samples", "write_samples"),
)
