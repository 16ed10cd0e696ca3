"""Forecasting: what comes next in series of numbers, with its uncertainty."""

from pipelines.app import lazy, usual_app

APP = usual_app(
    __name__,
    "Forecast series of numbers with their uncertainty, or mark what no forecast expected.",
    example=("--csv", "series.csv"),
    higher_is_better=False,
    executions=lambda config: ("loop", "step"),
    also=("targets",),
    show=lazy(__name__, "plots", "show"),
)
