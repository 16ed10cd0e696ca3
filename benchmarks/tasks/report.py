"""Keeps the records of trainings in a file, one per task and cell, and shows them as tables in the README."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.commands.readme import renew_readme
from pipelines.errors import UserError
from pipelines.files import write_atomically

from ..report import aligned_table
from .task import Task

SOURCE = "results.json"
"""The name of the record in the markers of the README."""
Records = Sequence[dict[str, Any]]


def read(path: Path) -> list[dict[str, Any]]:
    """Return the records in a file, or none if the file is missing; raises UserError if it isn't JSON."""
    try:
        return json.loads(path.read_text()) if path.is_file() else []
    except ValueError as error:
        raise UserError(f"{path}: expected JSON: {error}") from None


def keep(path: Path, record: dict[str, Any], tasks: Mapping[str, Task]) -> None:
    """Add a record to a file, and renew the tables in README.md in the same folder.

    Args:
        path: the file of the records; it is created if missing.
        record: replaces the record of the same task and cell.
        tasks: all tasks by name; their order is that of the records.
    """
    others = [each for each in read(path) if _key(each) != _key(record)]
    order = [(task.name, cell) for task in tasks.values() for cell in task.cells]
    place = {key: index for index, key in enumerate(order)}
    records = sorted([*others, record], key=lambda each: (place.get(_key(each), len(order)), _key(each)))
    write_atomically(path, json.dumps(records, indent=1).encode() + b"\n")
    renew_readme(path.with_name("README.md"), SOURCE, markdown(records, tasks))


def _key(record: Mapping[str, Any]) -> tuple[str, str]:
    return record["task"], record["cell"]


def markdown(records: Records, tasks: Mapping[str, Task]) -> str:
    """Return a Markdown section with a table for each task that has records."""
    found = {name: [each for each in records if each["task"] == name] for name in tasks}
    sections = [_section(tasks[name], rows) for name, rows in found.items() if rows]
    return "\n\n".join(sections) or "Not measured yet."


def _section(task: Task, records: Records) -> str:
    names = list(records[0]["scores"])
    scores = [f"{task.metric} {name}".strip() for name in names]
    published = ["published"] if task.published else []
    baseline, value = task.baseline
    rows = [[f"*{baseline}*", "", *[figure(value)] * len(names), *[""] * (len(published) + 2)]]
    for each in records:
        literature = [figure(each["published"]) if each["published"] is not None else ""] if published else []
        reached = [figure(each["scores"][name]) for name in names]
        cost = [f"{each['steps']:,}", f"{each['minutes']:.1f}"]
        rows.append([each["cell"], f"{each['parameters']:,}", *reached, *literature, *cost])
    header = ["cell", "parameters", *scores, *published, "steps", "minutes"]
    source = f" Published: {task.source}." if task.published else ""
    summary = f"{task.summary[0].upper()}{task.summary[1:]}.{source}"
    return f"### {task.name}\n\n{summary}\n\n{aligned_table(header, rows)}"


def figure(value: float) -> str:
    """Return a number as text with three significant digits."""
    return f"{value:.3g}"
