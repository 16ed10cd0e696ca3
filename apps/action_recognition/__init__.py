"""Action recognition: what happens in a video, or to the joints of a body, while it happens."""

from pipelines.app import stream_app

from .metrics import by_settings

_SUMMARY = "Recognise actions in videos, or in the places of a body's joints, frame by frame."
APP = stream_app(__name__, _SUMMARY, by_settings=by_settings, example=("clip.mp4",))
