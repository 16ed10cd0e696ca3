"""Sensor signals: recognises activities and heartbeats in streams of samples."""

from operator import attrgetter

from pipelines.app import usual_app

APP = usual_app(
    __name__,
    "Recognise activities in recordings of motion sensors, or mark the beats of an ECG.",
    also=("targets", "show"),
    input_column=lambda settings: "file",
    executions=attrgetter("executions"),
    example=("recording.csv",),
)
