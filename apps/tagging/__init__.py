"""Tagging: marks names, places and other spans in text, or gives each word its part of speech."""

from operator import attrgetter

from pipelines.app import lazy, usual_app

APP = usual_app(
    __name__,
    "Mark names, places, organisations, times and quantities in text, or tag words with your labels.",
    example=("Anna Keller works for Halden Motors in Port Tessow .",),
    reads_lines=True,
    targets=lazy(__name__, "features", "targets_of"),
    show=lazy(__name__, "plots", "show"),
    executions=attrgetter("executions"),
)
