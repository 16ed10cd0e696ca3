"""Text generation: writes text character by character."""

from pipelines.app import generating_app, lazy

APP = generating_app(
    __name__,
    "Write text character by character, complete words, or show which characters of a text surprise.",
    example=("--primer", "In the beginning"),
    deployed=lazy(__name__, "model", "deployed"),
    trainable=lazy(__name__, "model", "start_epoch"),
)
