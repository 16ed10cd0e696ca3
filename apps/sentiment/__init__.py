"""Sentiment: labels texts with their writer's opinion."""

from pipelines.app import Page, lazy, usual_app
from pipelines.page import texts
from pipelines.tasks.unsure import facts

APP = usual_app(
    __name__,
    "Label a text as positive, negative or neutral, or with the labels of your data.",
    example=("not bad at all",),
    facts=facts,
    reads_lines=True,
    input_column=lambda settings: settings["text_column"],
    page=Page("texts", lazy(__name__, "page", "inputs"), texts.labels),
)
