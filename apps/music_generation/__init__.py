"""Music generation: composes the next step from the music so far."""

from pipelines.app import generating_app

from .config import PRESETS
from .metrics import METRICS
from .predict import Options

APP = generating_app(
    __name__,
    "Compose chorales, tunes or piano rolls, and write them as MIDI and sound.",
    presets=PRESETS,
    metrics=METRICS,
    options=Options,
    example=("--seconds", "30"),
)
