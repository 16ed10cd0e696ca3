"""Sensor signals: recognises activities and heartbeats in streams of samples."""

from pipelines.app import stream_app

APP = stream_app(
    __name__,
    "Recognise activities in recordings of motion sensors, or mark the beats of an ECG.",
    input_column=lambda settings: "file",
    example=("recording.csv",),
)
