"""Sentiment: labels texts with their writer's opinion."""

from pipelines.app import lazy, usual_app
from pipelines.tasks.unsure import facts

APP = usual_app(
    __name__,
    "Label a text as positive, negative or neutral, or with the labels of your data.",
    example=("not bad at all",),
    facts=facts,
    first_weights=lazy(__name__, "model", "first_weights"),
    reads_lines=True,
    input_column=lambda settings: settings["text_column"],
)
