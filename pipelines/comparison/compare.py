"""Train families of networks at one size on the same data, and say what each costs and gives."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..app import App, find
from ..config import Config, to_dict
from ..errors import ExportError, UserError
from ..files import write_atomically
from ..ondevice.bundle import Bundle
from ..tracking.run import Run
from ..training.checkpoint import Checkpoint
from ..training.naming import run_name
from ..training.open_run import open_run
from ..training.own_process import call_in_own_process
from ..training.raw_data import load_data
from .families import settings_of

if TYPE_CHECKING:
    from ..training.record import Result
    from .budget import Fitted

log = logging.getLogger(__name__)

_ROWS = "families.json"


@dataclass(frozen=True)
class Comparison:
    """What is compared."""

    app: App
    preset: str
    """The name that `config` started from."""
    config: Config
    """The settings that all families share."""
    families: tuple[str, ...]
    budget: int
    """Bytes of a file without its metadata."""
    precision: str
    """The precision of the files."""
    seeds: int
    learning_rates: tuple[float, ...] = ()
    """Learning rates to try for each family; empty for that of `config` alone."""
    execution: str | None = None
    """The execution of the file that must meet the budget; None for `step` if a family has it, or `loop`."""

    def settings(self) -> dict[str, Any]:
        """Return the settings as values that JSON can hold."""
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return values | {
            "app": self.app.name,
            "config": to_dict(self.config),
            "families": list(self.families),
            "learning_rates": list(self.learning_rates),
        }


@dataclass(frozen=True)
class Compared:
    """The results."""

    run_id: str
    """The parent of all runs in MLflow."""
    rows: list[dict[str, Any]]
    """One for each family: see `_row`, or the reason why there is none."""
    page: str | None
    """How to see the run in the browser: a page or a command; None for `make ui`."""


def compare(wanted: Comparison, *, output: Path, resume: str | None, prepare: Callable[[], None]) -> Compared:
    """Find each family's size, train it, export it and measure its file.

    Every family is trained like a run of its own, below one parent run. One that can't be made or exported
    is named with the reason; the others go on. Finished families are kept if this is stopped.

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
        places = _Places(run, kept.folder / _ROWS, output / run.id, prepare)
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


@dataclass(frozen=True)
class _Places:
    """Where the parts of a comparison go."""

    run: Run
    """The parent of all runs."""
    rows: Path
    """The file with the rows of the families that are finished."""
    output: Path
    """The folder for bundles."""
    prepare: Callable[[], None]
    """Called at the start of each new process."""


def _compared(wanted: Comparison, places: _Places) -> list[dict[str, Any]]:
    """Return a row for each family; those in the file of rows are ready."""
    rows: list[dict[str, Any]] = json.loads(places.rows.read_text()) if places.rows.is_file() else []
    started, before = time.monotonic(), len(rows)
    for family in wanted.families:
        if any(row["family"] == family for row in rows):
            continue
        log.info("%s: %d of %d", family, 1 + len(rows), len(wanted.families))
        places.run.step = family
        rows.append({"family": family} | _row(wanted, family, places))
        write_atomically(places.rows, json.dumps(rows, indent=1).encode())
        left = (len(wanted.families) - len(rows)) * (time.monotonic() - started) / (len(rows) - before)
        log.info("%s; about %d min left", said(rows[-1]), -(-left // 60))
    return rows


def said(row: Mapping[str, Any]) -> str:
    """Return a family's result in a line."""
    if "reason" in row:
        return f"{row['family']}: left out: {row['reason']}"
    spread = f" ± {row['spread']:.4f}" if row["spread"] is not None else ""
    return f"{row['family']}: {row['metric']} {row['value']:.4f}{spread}, {row['bytes']:,} bytes"


def _row(wanted: Comparison, family: str, places: _Places) -> dict[str, Any]:
    """Return what a family costs and gives, or the reason why that isn't known."""
    try:
        config = settings_of(wanted.app, wanted.config, family)
        file = (wanted.precision, wanted.execution or execution_of(wanted.app, config))
        arguments = {"app_name": wanted.app.name, "config": config, "budget": wanted.budget, "file": file}
        fitted = call_in_own_process(_fit, arguments, prepare=places.prepare)
        precisions = tuple(dict.fromkeys(("float32", wanted.precision)))
        changes: dict[str, Any] = {"units": fitted.units, "precisions": precisions}
        config = _tuned(wanted, dataclasses.replace(config, **changes), places)
        result = _trained(wanted, config, places)
    except (UserError, ExportError, ChildProcessError) as error:
        return {"reason": str(error)}
    of_size = {"parameters": fitted.parameters, "state": fitted.state, "bytes": fitted.bytes}
    return of_size | _measured(result, file)


def _fit(*, app_name: str, config: Config, **arguments: Any) -> Fitted:
    """Find the size of a family, in a process of its own."""
    from .budget import fit

    app = find(app_name)
    features = app.features(config, load_data(app, config))
    return fit(app.of(config), config, features, **arguments)


def execution_of(app: App, config: Config) -> str:
    """Return the execution of a family's file: the stream's, if there is one."""
    return "step" if "step" in app.of(config).executions(config) else "loop"


def _tuned(wanted: Comparison, config: Config, places: _Places) -> Config:
    """Return the settings with the learning rate that is best on validation with the first seed."""
    if not wanted.learning_rates:
        return config
    values = {}
    for number, rate in enumerate(wanted.learning_rates, 1):
        places.run.step = f"learning rate {rate:g}"
        arguments = {
            "app_name": wanted.app.name,
            "preset": wanted.preset,
            "config": dataclasses.replace(config, learning_rate=rate),
            "parent": places.run.id,
            "number": number,
            "count": len(wanted.learning_rates),
        }
        values[rate] = call_in_own_process(_try, arguments, prepare=places.prepare)
        log.info("learning rate %g: %.4f on validation", rate, values[rate])
    best = max if wanted.app.higher_is_better else min
    return dataclasses.replace(config, learning_rate=best(values, key=lambda rate: values[rate]))


def _try(*, app_name: str, number: int, count: int, **arguments: Any) -> float:
    """Train once without an export, in a process of its own; return the first metric on validation."""
    from ..training.epoch_log import SeedNumber
    from ..training.experiment import train_seed

    trained = train_seed(find(app_name), resume=None, seed=SeedNumber(number, count), **arguments)
    shutil.rmtree(Checkpoint.of_run(trained["run_id"]).folder, ignore_errors=True)
    value: float = trained["validation"]
    return value


def _trained(wanted: Comparison, config: Config, places: _Places) -> Result:
    """Train a family with its seeds below the parent run; return a `record.Result`."""
    arguments: dict[str, Any] = {
        "app_name": wanted.app.name,
        "preset": wanted.preset,
        "config": config,
        "output": places.output,
        "parent": places.run.id,
    }
    if wanted.seeds > 1:
        arguments |= {"seeds": wanted.seeds, "prepare": places.prepare}
    result: Result = call_in_own_process(_train, arguments, prepare=places.prepare)
    return result


def _train(*, app_name: str, seeds: int = 1, **arguments: Any) -> Result:
    """Train one or several seeds, in a process of its own: MLflow has one active run in each."""
    if seeds > 1:
        from ..training.seeds import train_seeds

        return train_seeds(find(app_name), seeds=seeds, resume=None, register=None, **arguments)
    from ..training.experiment import train

    return train(find(app_name), **arguments)


def _measured(result: Result, file: tuple[str, str]) -> dict[str, Any]:
    """Return the figures of a finished training; None for those of files that aren't fit for a device.

    Args:
        result: of the training.
        file: precision and execution of the file that met the budget.
    """
    precision, execution = file
    record = result.record
    metric, config = record["metric"], record["config"]
    rows = {row["variant"]: row for row in record["variants"]}
    names = {each: f"{precision}_{each}.tflite" for each in ("step", "loop")}
    name = names[execution]
    spread = record.get("spread", {}).get("scores", {}).get("test", {}).get(metric)
    found = {
        "run_id": result.run_id,
        "network": _network(config),
        "learning_rate": config["learning_rate"],
        "metric": metric,
        "higher_is_better": record["higher_is_better"],
        "value": record["scores"]["test"][metric],
        "spread": spread["std"] if spread else None,
        "on_device": rows[name]["metric"] if name in rows else None,
        "answer_ms": _latency(rows.get(names["loop"])),
        "step_ms": _latency(rows.get(names["step"])),
        "minutes": record["training_minutes"],
        "left_out": record["left_out"],
    }
    files = {each["file"]: each for each in Bundle.open(result.bundle).manifest["variants"]}
    return found | ({"bytes": files[name]["bytes_without_metadata"]} if name in rows else {})


def _network(config: Mapping[str, Any]) -> str:
    depth = f"{config['depth']}x" if config["depth"] > 1 else ""
    return f"{config['cell']} {depth}{config['units']}"


def _latency(row: Mapping[str, Any] | None) -> float | None:
    return row["latency_p50_ms"] if row else None


def _log(run: Run, wanted: Comparison, rows: Sequence[Mapping[str, Any]]) -> None:
    """Log the table and the pictures to the parent run."""
    from .plots import pictures

    run.text("comparison.json", json.dumps({**wanted.settings(), "rows": list(rows)}, indent=1))
    ready = [row for row in rows if "reason" not in row]
    run.metrics({f"{row['family']}.{row['metric']}": row["value"] for row in ready})
    run.describe("\n".join(f"- {said(row)}" for row in rows))
    for name, figure in pictures(ready, wanted.budget).items():
        run.figure(name, figure)
