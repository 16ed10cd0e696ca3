"""Sensor signals: recognises activities and heartbeats in streams of samples."""

from pipelines.app import Page, lazy, stream_app

from .page import settings

APP = stream_app(
    __name__,
    "Recognise activities in recordings of motion sensors, or mark the beats of an ECG.",
    input_column=lambda settings: "file",
    example=("recording.csv",),
    page=Page("signals", lazy(__name__, "page", "inputs"), lazy(__name__, "page", "answers"), settings()),
)
