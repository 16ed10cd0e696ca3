"""Sentiment: labels texts with their writer's opinion."""

from pipelines.app import usual_app

from .config import PRESETS
from .metrics import METRICS

APP = usual_app(
    __name__,
    "Label a text: positive, negative, neutral, or whatever your data says.",
    presets=PRESETS,
    metrics=METRICS,
    reads_lines=True,
)
