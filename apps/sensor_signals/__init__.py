"""Sensor signals: recognises activities and heartbeats in streams of samples."""

from pipelines.app import lazy, usual_app

APP = usual_app(
    __name__,
    "Recognise activities in recordings of motion sensors, or mark the beats of an ECG.",
    example=("recording.csv",),
    executions=lambda config: ("loop", "step") if config.streams else ("loop",),
    targets=lazy(__name__, "features", "targets_of"),
    show=lazy(__name__, "show", "show"),
)
