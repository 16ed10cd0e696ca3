"""Tagging: marks names, places and other spans in text, or gives each word its part of speech."""

from pipelines.app import lazy, usual_app

APP = usual_app(
    __name__,
    "Mark names, places, organisations, times and quantities in text, or tag words with your labels.",
    reads_lines=True,
    input_column=lambda _: "text",
    executions=lambda settings: settings.executions,
    show=lazy(__name__, "plots", "show_types"),
    example=("Anna Keller works for Halden Motors in Port Tessow .",),
    also=("targets",),
)
