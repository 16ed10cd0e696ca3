"""Music generation: composes the next step from the music so far."""

from pipelines.app import generating_app

APP = generating_app(
    __name__,
    "Compose chorales, tunes or piano rolls, and write them as MIDI and sound.",
    example=("--seconds", "30"),
)
