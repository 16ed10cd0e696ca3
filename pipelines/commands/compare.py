"""The verb `compare` of every app."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import tyro

from ..app import App
from ..comparison import families
from ..config import Config, from_dict, require
from ..files import require_writable
from ..ondevice.manifest import Precision
from ..tracking.provenance import provenance
from ..tracking.store import require_answer, store_uri
from ..training.own_process import call_in_own_process
from ..training.raw_data import check_data
from .command_line import log_to_standard_error
from .compiled_code import keep_compiled_code
from .report import text_table
from .train import COMPILED, EXPORTS, options, prepare_training

if TYPE_CHECKING:
    from ..comparison.comparison import Comparison

C = TypeVar("C", bound=Config)
_UNITS = {"": 1, "B": 1, "KB": 1_000, "MB": 1_000_000}


@dataclass(frozen=True)
class Compare(Generic[C]):
    """Train kinds of networks whose files have the same size, and compare what they give and cost."""

    config: tyro.conf.OmitArgPrefixes[C]
    preset: str = "default"
    """The settings that all families share. The options below change single settings."""
    budget: Annotated[str, tyro.conf.arg(metavar="SIZE")] = "60KB"
    """The bytes of each family's file without its metadata, such as 60KB; a tenth more or less is allowed."""
    include: Annotated[tuple[str, ...], tyro.conf.arg(metavar="FAMILY ...")] = families.USUAL
    """The families: kinds of layers, as for --cell, and presets of the app. `all` takes every kind of layer.
    The units of each are found by converting a few untrained networks."""
    seeds: int = 1
    """Train each family with this many seeds."""
    learning_rates: Annotated[tuple[float, ...], tyro.conf.arg(metavar="RATE ...")] = ()
    """Learning rates to try for each family with the first seed; the one that is best on validation is used.
    Without this option all have the learning rate of the preset."""
    precision: Precision = "int8"
    """The precision of the files."""
    execution: Literal["loop", "step"] | None = None
    """The file that must meet the budget. Default: step, or loop for families that can't stream."""
    output: Path = EXPORTS / "comparisons"
    """The folder for bundles."""
    resume: Annotated[str | None, tyro.conf.arg(metavar="RUN_ID", help_behavior_hint="")] = None
    """The id of a stopped comparison to continue. Families that were finished are kept."""
    json: bool = False
    """Print one JSON object instead of the table."""


def run(app: App, argv: list[str], prog: str) -> None:
    """Compare with the options in `argv`, and print the table.

    Raises:
        UserError: an option is wrong, or a file or data set that it names can't be used.
    """
    command = options(app, argv, prog, Compare)
    from ..comparison.compare import compare

    wanted = _wanted(app, command)
    families.require_known(app, wanted.config, wanted.families)
    require(wanted.seeds >= 1, "seeds", "at least 1", wanted.seeds)
    rates = wanted.learning_rates
    require(all(rate > 0 for rate in rates), "learning_rates", "each above 0", list(rates))
    require_writable("--output", command.output)
    require_answer(store_uri())
    of_data = {"app_name": app.name, "config": wanted.config}
    call_in_own_process(check_data, of_data, prepare=log_to_standard_error)
    keep_compiled_code(COMPILED)
    made_with = provenance()
    result = compare(wanted, output=command.output, resume=command.resume, prepare=prepare_training)
    if command.json:
        made = {"run_id": result.run_id, "made_with": made_with}
        print(json.dumps({**made, **wanted.settings(), "rows": result.rows}, indent=1))
    else:
        shown = result.page or "make ui"
        print(
            f"\n{table(result.rows)}\n\nrun     {result.run_id}\nshown   {shown}, with pictures and all runs"
        )


def _wanted(app: App, command: Compare[Any]) -> Comparison:
    """Return what the options ask for, or what the stopped comparison of --resume compared."""
    from ..comparison.compare import stored
    from ..comparison.comparison import Comparison

    if command.resume:
        kept = stored(app, command.resume)
        config = from_dict(type(command.config), kept["config"])
        given = {name: kept[name] for name in ("preset", "budget", "precision", "seeds", "execution")}
        given |= {name: tuple(kept[name]) for name in ("families", "learning_rates")}
        return Comparison(app, config=config, **given)
    config = command.config
    named = families.kinds_of(config) if "all" in command.include else command.include
    return Comparison(
        app,
        command.preset,
        config,
        families=tuple(named),
        budget=bytes_of(command.budget),
        precision=command.precision,
        seeds=command.seeds,
        learning_rates=command.learning_rates,
        execution=command.execution,
    )


def bytes_of(size: str) -> int:
    """Return a number of bytes that is written like 60KB, 1.5MB or 60000.

    Raises:
        UserError: it is written in another way, or is below 1,000.
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) *([KM]?B?)", size.strip().upper())
    count = int(float(found[1]) * _UNITS.get(found[2], 0)) if found else 0
    require(count >= 1_000, "budget", "a size such as 60KB or 1.5MB, 1KB or more", size)
    return count


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the families' figures as a table, the best one first; those left out are named below it."""
    ready = [row for row in rows if "reason" not in row]
    left_out = [f"left out  {row['family']}: {row['reason']}" for row in rows if "reason" in row]
    if not ready:
        return "\n".join(left_out)
    best_first = sorted(ready, key=lambda row: row["value"], reverse=ready[0]["higher_is_better"])
    header = ["family", f"test {ready[0]['metric']}", "on device", "bytes", "parameters"]
    header += ["state", "answer ms", "step ms", "learning rate", "minutes"]
    return "\n".join([text_table(header, [_cells(row) for row in best_first]), *left_out])


def _cells(row: Mapping[str, Any]) -> list[str]:
    spread = f" ± {row['spread']:.4f}" if row["spread"] is not None else ""
    network = row["network"]  # with the family's name, unless that is a preset's
    return [
        network if network.startswith(row["family"]) else f"{row['family']}: {network}",
        f"{row['value']:.4f}{spread}",
        _number(row["on_device"], 4),
        f"{row['bytes']:,}",
        f"{row['parameters']:,}",
        f"{row['state']:,}" if row["state"] else "-",
        _number(row["answer_ms"], 2),
        _number(row["step_ms"], 3),
        f"{row['learning_rate']:g}",
        _number(row["minutes"], 1),
    ]


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
