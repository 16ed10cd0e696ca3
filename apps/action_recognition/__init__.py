"""Action recognition: what happens in a video, or to the joints of a body, while it happens."""

from operator import attrgetter

from pipelines.app import usual_app

from .metrics import by_settings

APP = usual_app(
    __name__,
    "Recognise actions in videos, or in the places of a body's joints, frame by frame.",
    also=("targets", "show"),
    executions=attrgetter("executions"),
    by_settings=by_settings,
    example=("clip.mp4",),
)
