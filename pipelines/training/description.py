"""Describe a finished run in a few lines of Markdown: its figures, and the command that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .record import smallest_file


def headline(record: Mapping[str, Any]) -> str:
    """Return the first metric on the test split, with its spread if there are several seeds."""
    return _of_split(record, "test")


def description(record: Mapping[str, Any], command: str) -> str:
    """Return the description of a run or of several seeds.

    Args:
        record: a record of `record.of_run`, `of_seed` or `of_seeds`.
        command: the command line that makes the run.
    """
    metric = record["metric"]
    scores = [f"{split} **{_of_split(record, split)}**" for split in record["scores"]]
    simple = [f"{name.replace('_', ' ')} {_figure(of['test'])}" for name, of in record["baselines"].items()]
    return "\n".join(
        [
            f"{metric}: {', '.join(scores)}; simple methods on test: {', '.join(simple)}",
            "",
            f"`{command}`",
            "",
            *([f"- {_smallest(record)}"] if "variants" in record else []),
            *(f"- left out: {file}: {reason}" for file, reason in record.get("left_out", {}).items()),
            f"- data: {record['data']}",
            f"- {record['training_minutes']} minutes of training{_seeds(record)}",
        ]
    )


def _of_split(record: Mapping[str, Any], split: str) -> str:
    metric = record["metric"]
    value = _figure(record["scores"][split][metric])
    spread = record.get("spread", {}).get("scores", {}).get(split, {}).get(metric)
    return f"{value} ± {_figure(spread['std'])}" if spread else value


def _figure(value: float) -> str:
    return f"{value:.3f}"


def _smallest(record: Mapping[str, Any]) -> str:
    row = smallest_file(record)
    size = f"{row['bytes'] / 1000:,.0f} KB"
    return f"smallest file: {row['variant']}, {size}, test {_figure(row['metric'])}"


def _seeds(record: Mapping[str, Any]) -> str:
    return f" on average; means over {len(record['runs'])} seeds" if "runs" in record else ""
