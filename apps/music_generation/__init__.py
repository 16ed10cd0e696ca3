"""Music generation: composes the next step from the music so far."""

from pipelines.app import Page, generating_app, lazy

from .page import settings

APP = generating_app(
    __name__,
    "Compose chorales, tunes or piano rolls, and write them as MIDI and sound.",
    example=("--seconds", "30"),
    page=Page("pieces", lazy(__name__, "page", "inputs"), lazy(__name__, "page", "answers"), settings()),
)
