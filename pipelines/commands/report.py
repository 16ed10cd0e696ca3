"""Show results as tables: at the end of a training run, and in the READMEs."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from ..app import SMOKE
from ..files import write_atomically
from ..training.record import no_better_than, smallest_file
from ..training.recorded import read_records
from ..training.zipped import ZIPPED
from .readme import renew_readme

if TYPE_CHECKING:
    from ..training.record import Result

_SOURCE = "results.json"
_ABOUT_SEEDS = """\
"a ± b" is the mean and the standard deviation over seeds; variants are those of the seed that is best on \
validation. Presets that train for more than 15 minutes are recorded with one seed."""
_ABOUT_INTERVALS = "A range in brackets is the 95 % confidence interval over the test examples of one run."
_MOST_COLUMNS = 3
Rows = Sequence[Sequence[Any]]


def summary(result: Result, predict: str) -> str:
    """Return the tables of a finished training run, and commands to continue with.

    Args:
        result: the result of the run.
        predict: the command to try the bundle with.
    """
    record = result.record
    metric = record["metric"]
    several = "runs" in record
    return "\n".join(
        [
            "",
            _quality_table(record),
            *([f"± is the standard deviation over {len(record['runs'])} seeds"] if several else []),
            *_warning(record),
            *(["", f"seed {record['best_seed']}, the best on validation:"] if several else [""]),
            text_table(_variant_columns(metric), [_variant(row) for row in record["variants"]]),
            *_zipped(record.get("figures", {})),
            *(f"left out  {file}: {reason}" for file, reason in record["left_out"].items()),
            "",
            f"bundle  {result.bundle}",
            f"run     {result.run_id}",
            f"model   {result.model_uri}  (for mlflow.pyfunc.load_model, mlflow models serve)",
            "",
            "next:",
            f"  {predict}",
            f"  {result.page or 'make ui':<40} the run, its plots and files, in the browser",
        ]
    )


def _zipped(figures: Mapping[str, float]) -> list[str]:
    """Return a line for each file whose size in a zip is known: those of a pruned network."""
    sizes = {name.removeprefix(ZIPPED): size for name, size in figures.items() if name.startswith(ZIPPED)}
    return [f"zipped    {name}: {size:,.0f} bytes" for name, size in sizes.items()]


def _warning(record: Mapping[str, Any]) -> list[str]:
    """Return a line that warns of a network that is of no use, if it is so."""
    if record["preset"] == SMOKE:
        return [f"the preset {SMOKE} only tries every step: this network is no model to use"]
    found = no_better_than(record)
    which = " and ".join(f"than {method} on {split}" for split, method in found.items())
    use = ": it is no model to use" if "test" in found else ""
    return [f"this network is no better {which}{use}"] if found else []


def _quality_table(record: Mapping[str, Any]) -> str:
    """Return the table of baselines, network and seeds; its columns are the splits, or its rows if many."""
    if len(record["scores"]) <= _MOST_COLUMNS:
        return text_table([record["metric"], *record["scores"]], _quality(record))
    return text_table(*_by_split(record))


def _by_split(record: Mapping[str, Any]) -> tuple[Sequence[str], Rows]:
    """Return the header and the rows of a table with a row for each split, and one for validation."""
    metric, methods, runs = record["metric"], list(record["baselines"]), record.get("runs", ())
    rows = [
        [
            split,
            *(_baseline(record, method, split) for method in methods),
            _score(record, split),
            *(_number(run["scores"][split][metric]) for run in runs),
        ]
        for split in record["scores"]
    ]
    if runs:
        validation = [_number(run["validation"]) for run in runs]
        rows.insert(0, ["validation", *[""] * (len(methods) + 1), *validation])
    return [metric, *methods, "this network", *(f"seed {run['seed']}" for run in runs)], rows


def _quality(record: Mapping[str, Any]) -> Rows:
    """Return the rows that compare baselines and network, with a row for each seed if there are several."""
    metric, splits = record["metric"], list(record["scores"])
    rows = [
        [name, *(_baseline(record, name, split) for split in of_split)]
        for name, of_split in record["baselines"].items()
    ]
    name = "this network (no better)" if no_better_than(record) else "this network"
    rows.append([name, *(_score(record, split) for split in splits)])
    for run in record.get("runs", ()):
        name = f"  seed {run['seed']} (validation {_number(run['validation'])})"
        rows.append([name, *(_number(run["scores"][split][metric]) for split in splits)])
    return rows


def _score(record: Mapping[str, Any], split: str) -> str:
    spread = record.get("spread", {}).get("scores", {}).get(split, {}).get(record["metric"])
    return _number(record["scores"][split][record["metric"]]) + _plus_minus(spread)


def _baseline(record: Mapping[str, Any], name: str, split: str) -> str:
    if name not in record["baselines"]:
        return "-"
    spread = record.get("spread", {}).get("baselines", {}).get(name, {}).get(split)
    return _number(record["baselines"][name][split]) + _plus_minus(spread)


def _plus_minus(spread: Mapping[str, float] | None) -> str:
    """Return a standard deviation as text; "" if there is only one seed, or if the seeds don't differ."""
    return f" ± {_number(spread['std'])}" if spread and spread["std"] > 0 else ""


def _number(value: float) -> str:
    return f"{value:.4f}"


def text_table(header: Sequence[str], rows: Rows) -> str:
    """Return a table for a terminal, with the numbers aligned to the right."""
    table = Table(*header, box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    text = io.StringIO()
    Console(file=text, width=120).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines() if line.strip())


def keep_record(app: str, record: Mapping[str, Any], root: Path = Path()) -> None:
    """Write a preset's record to apps/APP/results.json, replacing an older one, and update the READMEs."""
    folder = root / "apps" / app
    results = read_records(folder) | {record["preset"]: dict(record)}
    ordered = {name: results[name] for name in sorted(results)}
    write_atomically(folder / _SOURCE, json.dumps(ordered, indent=1).encode() + b"\n")
    tables = {folder / "README.md": markdown_table(ordered), root / "README.md": overview(root)}
    for readme, table in tables.items():
        renew_readme(readme, _SOURCE, table)


def overview(root: Path = Path()) -> str:
    """Return the table of the main README: each recorded preset, its network and its smallest device file."""
    rows = [
        _overview_row(path.parent.name, record)
        for path in sorted(root.glob("apps/*/results.json"))
        for record in read_records(path.parent).values()
    ]
    columns = ["app", "preset", "data", "metric", "simple methods", "network", "on the device", "minutes"]
    return f"{_markdown(columns, rows)}\n\n{_ABOUT_SEEDS}"


def _overview_row(app: str, record: Mapping[str, Any]) -> list[str]:
    simple = " / ".join(_baseline(record, name, "test") for name in record["baselines"])
    smallest = smallest_file(record)
    device = f"{_number(smallest['metric'])}, {smallest['bytes'] / 1000:,.0f} KB ({smallest['variant']})"
    network = f"{_network(record, 'test')} ({_seeds(record)})"
    minutes = f"{record['training_minutes']:.1f}"
    return [app, f"`{record['preset']}`", record["data"], record["metric"], simple, network, device, minutes]


def _network(record: Mapping[str, Any], split: str) -> str:
    mean, _, spread = _score(record, split).partition(" ")
    return f"**{mean}** {spread}".rstrip()


def _seeds(record: Mapping[str, Any]) -> str:
    count = len(record.get("runs", [record]))
    return "1 seed" if count == 1 else f"{count} seeds"


def markdown_table(records: Mapping[str, Any]) -> str:
    """Return the tables of an app's README: the scores of each preset's network, and the variants.

    If the presets have different metrics, the rows name them.
    """
    metrics = list(dict.fromkeys(record["metric"] for record in records.values()))
    several = len(metrics) > 1
    methods = list(dict.fromkeys(name for record in records.values() for name in record["baselines"]))
    quality = [
        [
            f"`{preset}`",
            record["data"],
            split,
            record["examples"][split],
            " / ".join(_baseline(record, name, split) for name in methods),
            f"{record['metric']} " * several
            + f"{_network(record, split)} ({_seeds(record)}{_single_interval(record, split)})",
            f"{record['training_minutes']:.1f}",
        ]
        for preset, record in records.items()
        for split in record["scores"]
    ]
    variants = [
        [f"`{preset}`", *_variant(row)] for preset, record in records.items() for row in record["variants"]
    ]
    names = " / ".join(name.replace("_", " ") for name in methods)
    network = "network" if several else f"network, {metrics[0]}"
    columns = ["preset", "data", "split", "examples", names, network, "minutes"]
    of_variants = _variant_columns("metric" if several else metrics[0])
    tables = _markdown(columns, quality), _markdown(["preset", *of_variants], variants)
    return f"{tables[0]}\n\n{_ABOUT_SEEDS} {_ABOUT_INTERVALS}\n\n{tables[1]}"


def _single_interval(record: Mapping[str, Any], split: str) -> str:
    around = record.get("intervals", {}).get(split)
    return "" if around is None else f"; {around[0]:.3f} to {around[1]:.3f}"


def _variant_columns(metric: str) -> list[str]:
    return ["variant", f"test {metric}", "bytes", "p50 ms", "largest error"]


def _variant(row: Mapping[str, Any]) -> list[str]:
    size, latency, error = row["bytes"], row["latency_p50_ms"], row["max_abs_error"]
    value = f"{_number(row['metric'])}{_interval(row.get('interval'))}"
    return [row["variant"], value, f"{size:,}", f"{latency:.2f}", f"{error:.1e}"]


def _interval(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f})"


def _markdown(header: Sequence[str], rows: Rows) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
