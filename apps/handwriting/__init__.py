"""Handwriting: writes with a pen, and reads what a pen writes."""

from collections.abc import Mapping
from typing import Any

from pipelines.app import lazy, usual_app

_metrics = lazy(__name__, "metrics", "metrics_of")


def _by_settings(config: Any) -> Mapping[str, Any]:
    return {"metrics": _metrics(config), "higher_is_better": config.answer == "label"}


APP = usual_app(
    __name__,
    "Write a text with a pen, or read what a pen writes, stroke by stroke.",
    by_settings=_by_settings,
    higher_is_better=False,
    executions=lambda config: ("loop", "step"),
    targets=lazy(__name__, "features", "targets_of"),
    show=lazy(__name__, "show", "show"),
    example=("--write", "Hello, world"),
)
