"""What the trainings came to: a file of records, one for each task and cell, and the table of the README."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.errors import UserError
from pipelines.files import write_atomically

from ..report import aligned_table as table
from .task import Task

_BEGIN, _END = "<!-- results: generated from results.json, do not edit -->", "<!-- end of results -->"
Records = Sequence[dict[str, Any]]


def read(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file, none where there is none; raises UserError."""
    try:
        return json.loads(path.read_text()) if path.is_file() else []
    except ValueError as error:
        raise UserError(f"{path}: expected JSON: {error}") from None


def keep(path: Path, record: dict[str, Any], tasks: Mapping[str, Task]) -> None:
    """Put a record in the place of the older one of its task and cell, and renew the README next to it."""
    others = [each for each in read(path) if _key(each) != _key(record)]
    order = [(task.name, cell) for task in tasks.values() for cell in task.cells]
    place = {key: index for index, key in enumerate(order)}
    records = sorted([*others, record], key=lambda each: (place.get(_key(each), len(order)), _key(each)))
    write_atomically(path, json.dumps(records, indent=1).encode() + b"\n")
    readme = path.with_name("README.md")
    if readme.is_file() and _BEGIN in readme.read_text():
        write_atomically(readme, with_results(readme.read_text(), records, tasks).encode())


def _key(record: Mapping[str, Any]) -> tuple[str, str]:
    return record["task"], record["cell"]


def with_results(readme: str, records: Records, tasks: Mapping[str, Task]) -> str:
    """Return the text of a README with its results made anew."""
    before, rest = readme.split(_BEGIN)
    _, after = rest.split(_END)
    return f"{before}{_BEGIN}\n{markdown(records, tasks)}\n{_END}{after}"


def markdown(records: Records, tasks: Mapping[str, Task]) -> str:
    """Return a table for each task that there are records of."""
    found = {name: [each for each in records if each["task"] == name] for name in tasks}
    sections = [_section(tasks[name], rows) for name, rows in found.items() if rows]
    return "\n\n".join(sections) or "Not measured yet."


def _section(task: Task, records: Records) -> str:
    names = list(records[0]["scores"])
    scores = [f"{task.metric} {name}".strip() for name in names]
    published = ["published"] if task.published else []
    rows = [
        [f"*{task.baseline[0]}*", "", *[figure(task.baseline[1])] * len(names), *[""] * (len(published) + 2)]
    ]
    for each in records:
        literature = [figure(each["published"]) if each["published"] is not None else ""] if published else []
        reached = [figure(each["scores"][name]) for name in names]
        cost = [f"{each['steps']:,}", f"{each['minutes']:.1f}"]
        rows.append([each["cell"], f"{each['parameters']:,}", *reached, *literature, *cost])
    header = ["cell", "parameters", *scores, *published, "steps", "minutes"]
    source = f" Published: {task.source}." if task.published else ""
    return f"### {task.name}\n\n{task.summary[0].upper()}{task.summary[1:]}.{source}\n\n{table(header, rows)}"


def figure(value: float) -> str:
    """Return a number with three digits that count."""
    return f"{value:.3g}"
