"""Train families of networks at one size on the same data, and say what each costs and gives."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..app import App
from ..errors import UserError
from ..files import write_atomically
from ..tracking.run import Run
from ..training.checkpoint import Checkpoint
from ..training.naming import run_name
from ..training.open_run import open_run
from .comparison import Comparison, Places
from .measure import row_of

log = logging.getLogger(__name__)

_ROWS, _PARTS = "families.json", "parts.json"


@dataclass(frozen=True)
class Compared:
    """The results."""

    run_id: str
    """The parent of all runs in MLflow."""
    rows: list[dict[str, Any]]
    """One for each family: see `row_of`, or the reason why there is none."""
    page: str | None
    """How to see the run in the browser: a page or a command; None for `make ui`."""


def compare(wanted: Comparison, *, output: Path, resume: str | None, prepare: Callable[[], None]) -> Compared:
    """Find each family's size, train it, export it and measure its file.

    Every family is trained like a run of its own, below one parent run. One that can't be made or exported
    is named with the reason; the others go on. If this is stopped, finished families are kept, and of the
    one that isn't its size and the learning rates that were tried.

    Args:
        wanted: what to compare.
        output: bundles are written to OUTPUT/PARENT/APP/RUN_ID.
        resume: the id of a stopped parent run that was started with the same settings; None for a new one.
        prepare: called at the start of each new process, for example to set up logging.
    """
    app, config = wanted.app, wanted.config
    name = f"compare at {wanted.budget / 1000:g} KB · {run_name(app, wanted.preset, config)}"
    options: dict[str, Any] = {"resume": resume, "system_metrics": False}
    params = {name: value for name, value in wanted.settings().items() if name != "config"}
    with open_run(app.name, name, params=params, tags={"preset": wanted.preset}, **options) as (run, kept):
        log.info("run %s (if it is stopped, compare --resume %s continues it)", run.id, run.id)
        write_atomically(_settings(kept), json.dumps(wanted.settings(), indent=1).encode())
        rows_file, parts_file = kept.folder / _ROWS, kept.folder / _PARTS
        places = Places(run, rows_file, parts_file, output / run.id, prepare)
        rows = _compared(wanted, places)
        _log(run, wanted, rows)
        shutil.rmtree(kept.folder)
    return Compared(run.id, rows, run.page)


def stored(app: App, run_id: str) -> dict[str, Any]:
    """Return the settings of a stopped comparison, as `Comparison.settings` returned them.

    Raises:
        UserError: the app has none of this id.
    """
    file = _settings(Checkpoint.of_run(run_id))
    found: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    if found.get("app") != app.name:
        raise UserError(f"--resume {run_id}: expected the id of a stopped comparison of {app.name}")
    return found


def _settings(kept: Checkpoint) -> Path:
    return kept.folder / "comparison.json"


def _compared(wanted: Comparison, places: Places) -> list[dict[str, Any]]:
    """Return a row for each family; those in the file of rows are ready."""
    rows: list[dict[str, Any]] = json.loads(places.rows.read_text()) if places.rows.is_file() else []
    started, before = time.monotonic(), len(rows)
    for family in wanted.families:
        if any(row["family"] == family for row in rows):
            continue
        log.info("%s: %d of %d", family, 1 + len(rows), len(wanted.families))
        places.run.step = family
        rows.append({"family": family} | row_of(wanted, family, places))
        write_atomically(places.rows, json.dumps(rows, indent=1).encode())
        places.parts.unlink(missing_ok=True)
        left = (len(wanted.families) - len(rows)) * (time.monotonic() - started) / (len(rows) - before)
        log.info("%s; about %d min left", said(rows[-1]), -(-left // 60))
    return rows


def said(row: Mapping[str, Any]) -> str:
    """Return a family's result in a line."""
    if "reason" in row:
        return f"{row['family']}: left out: {row['reason']}"
    spread = f" ± {row['spread']:.4f}" if row["spread"] is not None else ""
    return f"{row['family']}: {row['metric']} {row['value']:.4f}{spread}, {row['bytes']:,} bytes"


def _log(run: Run, wanted: Comparison, rows: Sequence[Mapping[str, Any]]) -> None:
    """Log the table and the pictures to the parent run."""
    from .plots import pictures

    run.text("comparison.json", json.dumps({**wanted.settings(), "rows": list(rows)}, indent=1))
    ready = [row for row in rows if "reason" not in row]
    run.metrics({f"{row['family']}.{row['metric']}": row["value"] for row in ready})
    run.describe("\n".join(f"- {said(row)}" for row in rows))
    for name, figure in pictures(ready, wanted.budget).items():
        run.figure(name, figure)
