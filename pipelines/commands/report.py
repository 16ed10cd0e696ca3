"""Results for people: the table at the end of a training, and the committed record in the README."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from ..errors import UserError
from ..files import write_atomically

if TYPE_CHECKING:
    from ..training.experiment import Result

_BEGIN, _END = "<!-- results: generated from results.json, do not edit -->", "<!-- end of results -->"
Rows = Sequence[Sequence[Any]]


def summary(result: Result) -> str:
    """Return the tables of a finished training, and what to type next."""
    record = result.record
    metric, scores, app = record["metric"], record["scores"], record["app"]
    quality = [
        *([name, *map(_share, of_split.values())] for name, of_split in record["baselines"].items()),
        ["this network", *(_share(values[metric]) for values in scores.values())],
    ]
    return "\n".join(
        [
            "",
            text_table([metric, *scores], quality),
            "",
            text_table(_form_columns(metric), [_form(row._asdict()) for row in result.rows]),
            *(f"left out  {file}: {reason}" for file, reason in record["left_out"].items()),
            "",
            f"bundle  {result.bundle}",
            f"run     {result.run_id}",
            f"model   {result.model_uri}  (for mlflow.pyfunc.load_model, mlflow models serve)",
            "",
            "next:",
            f'  python -m apps {app} predict "..."     (or make predict-{app.replace("_", "-")})',
            "  make ui                                  the run, its plots and files, in the browser",
        ]
    )


def _share(value: float) -> str:
    return f"{value:.4f}"


def text_table(header: Sequence[str], rows: Rows) -> str:
    """Return a table for a terminal, numbers to the right."""
    table = Table(*header, box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    text = io.StringIO()
    Console(file=text, width=120).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines() if line.strip())


def keep_record(app: str, record: Mapping[str, Any], root: Path = Path()) -> None:
    """Put a run's record into apps/APP/results.json, in the place of its preset's older one."""
    folder = root / "apps" / app
    results = read_records(folder) | {record["preset"]: dict(record)}
    ordered = {name: results[name] for name in sorted(results)}
    write_atomically(folder / "results.json", json.dumps(ordered, indent=1).encode() + b"\n")
    tables = {folder / "README.md": markdown_table(ordered), root / "README.md": overview(root)}
    for readme, table in tables.items():
        if readme.is_file() and _BEGIN in readme.read_text():
            write_atomically(readme, with_results(readme.read_text(), table).encode())


def read_records(folder: Path) -> dict[str, Any]:
    """Return the committed records of the app in `folder`, by preset."""
    path = folder / "results.json"
    try:
        return json.loads(path.read_text()) if path.is_file() else {}
    except ValueError as error:
        raise UserError(f"{path}: expected JSON: {error}") from None


def with_results(readme: str, table: str) -> str:
    """Return the text of a README with another table of results."""
    before, rest = readme.split(_BEGIN)
    _, after = rest.split(_END)
    return f"{before}{_BEGIN}\n{table}\n{_END}{after}"


def overview(root: Path = Path()) -> str:
    """Return the table of the main README: every recorded preset of every app, in Keras and in int8."""
    rows = [
        _overview_row(path.parent.name, record)
        for path in sorted(root.glob("apps/*/results.json"))
        for record in read_records(path.parent).values()
    ]
    columns = ["app", "preset", "data", "metric", "simple methods", "network", "on the device", "minutes"]
    return _markdown(columns, rows)


def _overview_row(app: str, record: Mapping[str, Any]) -> list[str]:
    metric = record["metric"]
    simple = " / ".join(_share(of_split["test"]) for of_split in record["baselines"].values())
    smallest = min((row for row in record["forms"] if row["form"].endswith(".tflite")), key=_bytes)
    device = f"{_share(smallest['metric'])}, {smallest['bytes'] / 1000:,.0f} KB ({smallest['form']})"
    value = f"**{_share(record['scores']['test'][metric])}**"
    minutes = f"{record['training_minutes']:.1f}"
    return [app, f"`{record['preset']}`", record["data"], metric, simple, value, device, minutes]


def _bytes(row: Mapping[str, Any]) -> int:
    return row["bytes"]


def markdown_table(records: Mapping[str, Any]) -> str:
    """Return the tables of a README: how good each preset's network is, and what each of its forms is."""
    quality = [
        [
            f"`{preset}`",
            record["data"],
            split,
            record["examples"][split],
            " / ".join(_share(of_split[split]) for of_split in record["baselines"].values()),
            f"**{_share(values[record['metric']])}**{_around(record.get('intervals', {}).get(split))}",
            f"{record['training_minutes']:.1f}",
        ]
        for preset, record in records.items()
        for split, values in record["scores"].items()
    ]
    forms = [[f"`{preset}`", *_form(row)] for preset, record in records.items() for row in record["forms"]]
    first = next(iter(records.values()))
    names = " / ".join(name.replace("_", " ") for name in first["baselines"])
    metric = first["metric"]
    columns = ["preset", "data", "split", "examples", names, f"network, {metric}", "minutes"]
    return f"{_markdown(columns, quality)}\n\n{_markdown(['preset', *_form_columns(metric)], forms)}"


def _form_columns(metric: str) -> list[str]:
    return ["form", f"test {metric}", "bytes", "p50 ms", "largest error"]


def _form(row: Mapping[str, Any]) -> list[str]:
    size, latency, error = row["bytes"], row["latency_p50_ms"], row["max_abs_error"]
    value = f"{_share(row['metric'])}{_around(row.get('interval'))}"
    return [row["form"], value, f"{size:,}", f"{latency:.2f}", f"{error:.1e}"]


def _around(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f})"


def _markdown(header: Sequence[str], rows: Rows) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
