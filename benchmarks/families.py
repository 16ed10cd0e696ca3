"""Keeps the results of comparisons of families, and shows them as tables in the README.

    python -m apps APP compare --budget 60KB --json > comparison.json
    python -m benchmarks.families comparison.json ...

A comparison replaces the one of the same app, data and budget. Prints the tables.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from pipelines.commands.command_line import guarded, parse
from pipelines.commands.readme import renew_readme
from pipelines.errors import UserError
from pipelines.files import require_folder, write_atomically

from .report import aligned_table

SOURCE = "benchmarks/families.json"
"""The name of the record in the markers of the README."""
_KEPT = ("app", "preset", "budget", "precision", "seeds", "learning_rates", "execution", "families", "rows")
Comparisons = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Families:
    """Keep the results of comparisons, and renew the tables of the README."""

    files: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Files with the output of `compare --json`; none to write the tables anew."""
    output: Path = Path(SOURCE)
    """The file of the comparisons."""
    readme: Path = Path("README.md")
    """The page whose tables are renewed."""


def read(path: Path) -> dict[str, Any]:
    """Return what is kept of a comparison.

    Raises:
        UserError: the file isn't the output of `compare --json`.
    """
    try:
        found = json.loads(path.read_text())
        kept = {name: found[name] for name in _KEPT}
        data = Path(found["config"]["dataset"]).name
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: expected the output of compare --json: {error!r}") from None
    return {**kept, "data": data, "epochs": found["config"]["epochs"]}


def add(kept: Comparisons, new: Comparisons) -> list[Mapping[str, Any]]:
    """Return the comparisons with new ones in the place of those of the same app, data and budget."""
    return sorted({_key(each): each for each in (*kept, *new)}.values(), key=_key)


def _key(comparison: Mapping[str, Any]) -> tuple[str, str, int]:
    return comparison["app"], comparison["data"], comparison["budget"]


def markdown(comparisons: Comparisons) -> str:
    """Return a table of the families' figures, and one of their costs."""
    families = list(dict.fromkeys(row["family"] for each in comparisons for row in each["rows"]))
    quality = [[*_case(each), *_figures(each, families)] for each in comparisons]
    costs = [[*_case(each)[:1], *_case(each)[2:], *_costs(each, families)] for each in comparisons]
    return "\n\n".join(
        [
            aligned_table(["data", "metric", "budget", *families], quality),
            "Milliseconds for a step of a stream (for the whole sequence where there is no stream), and the "
            "numbers that a stream carries from step to step:",
            aligned_table(["data", "budget", *families], costs),
        ]
    )


def _case(comparison: Mapping[str, Any]) -> list[str]:
    data = comparison["data"] if comparison["data"] != "embedded" else "its own data"
    metric = next((row["metric"] for row in comparison["rows"] if "metric" in row), "")
    better = next((row["higher_is_better"] for row in comparison["rows"] if "metric" in row), True)
    size = f"{comparison['budget'] / 1000:g} KB {comparison['precision']}"
    return [f"{comparison['app']}: {data}", f"{metric} ({'more' if better else 'less'} is better)", size]


def _figures(comparison: Mapping[str, Any], families: Sequence[str]) -> list[str]:
    """Return each family's figure on test, the best one in bold; a dash for one that was left out."""
    rows = {row["family"]: row for row in comparison["rows"] if "value" in row}
    ready = list(rows.values())
    best = max if ready and ready[0]["higher_is_better"] else min
    first = best((row["value"] for row in ready), default=None)
    return [_figure(rows[name], first) if name in rows else "-" for name in families]


def _figure(row: Mapping[str, Any], best: float | None) -> str:
    value = f"{row['value']:.3f}"
    spread = f" ± {row['spread']:.3f}" if row["spread"] is not None else ""
    return (f"**{value}**" if row["value"] == best else value) + spread


def _costs(comparison: Mapping[str, Any], families: Sequence[str]) -> list[str]:
    rows = {row["family"]: row for row in comparison["rows"] if "value" in row}
    return [_cost(rows[name]) if name in rows else "-" for name in families]


def _cost(row: Mapping[str, Any]) -> str:
    time = row["step_ms"] or row["answer_ms"]
    return f"{time:.3f} / {row['state']:,}" if time else f"- / {row['state']:,}"


def run(command: Families) -> str:
    """Keep the comparisons of the files, renew the README, and return the tables."""
    before = json.loads(command.output.read_text()) if command.output.is_file() else []
    comparisons = add(before, [read(path) for path in command.files])
    write_atomically(command.output, json.dumps(comparisons, indent=1).encode() + b"\n")
    text = markdown(comparisons)
    renew_readme(command.readme, SOURCE, text)
    return text


def _run() -> None:
    command = parse(Families, "python -m benchmarks.families", sys.argv[1:])
    require_folder("--output", command.output.parent)
    print(run(command))


if __name__ == "__main__":
    sys.exit(guarded(_run))
