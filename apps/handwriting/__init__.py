"""Handwriting: writes with a pen, and reads what a pen writes."""

from pipelines.app import lazy, usual_app

APP = usual_app(
    __name__,
    "Write a text with a pen, or read what a pen writes, stroke by stroke.",
    by_settings=lazy(__name__, "metrics", "by_settings"),
    also=("targets", "show"),
    example=("--write", "Hello, world"),
)
