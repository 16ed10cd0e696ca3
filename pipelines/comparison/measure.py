"""Find the size of one family, train it, export it, and tell what it costs and gives."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..app import App, find
from ..config import Config
from ..errors import ExportError, UserError
from ..ondevice.bundle import Bundle
from ..training.checkpoint import Checkpoint
from ..training.own_process import call_in_own_process
from ..training.raw_data import load_data
from .comparison import Comparison, Places
from .families import settings_of

if TYPE_CHECKING:
    from ..training.record import Result

log = logging.getLogger(__name__)


def row_of(wanted: Comparison, family: str, places: Places) -> dict[str, Any]:
    """Return what a family costs and gives, or the reason why that isn't known."""
    try:
        config = settings_of(wanted.app, wanted.config, family)
        file = (wanted.precision, wanted.execution or execution_of(wanted.app, config))
        arguments = {"app_name": wanted.app.name, "config": config, "budget": wanted.budget, "file": file}
        fit = partial(call_in_own_process, _fit, arguments, prepare=places.prepare)
        fitted = places.once("size", fit)
        precisions = tuple(dict.fromkeys(("float32", wanted.precision)))
        changes: dict[str, Any] = {"units": fitted["units"], "precisions": precisions}
        config, tried = _tuned(wanted, dataclasses.replace(config, **changes), places)
        result = _trained(wanted, config, places, tried)
    except (UserError, ExportError, ChildProcessError) as error:
        return {"reason": str(error)}
    of_size = {name: fitted[name] for name in ("parameters", "state", "bytes")}
    return {"network": config.network} | of_size | measured(result, file)


def _fit(*, app_name: str, config: Config, **arguments: Any) -> dict[str, Any]:
    """Find the size of a family, in a process of its own; return the `budget.Fitted`."""
    from .budget import fit

    app = find(app_name)
    features = app.features(config, load_data(app, config))
    return dataclasses.asdict(fit(app.of(config), config, features, **arguments))


def execution_of(app: App, config: Config) -> str:
    """Return the execution of a family's file: the stream's, if there is one."""
    return "step" if "step" in app.of(config).executions(config) else "loop"


def _tuned(wanted: Comparison, config: Config, places: Places) -> tuple[Config, str | None]:
    """Return the settings with the learning rate that is best on validation with the first seed.

    With them comes the id of the run that trained with it; None if no rates are to be tried.
    """
    tried = []
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
        train = partial(call_in_own_process, _try, arguments, prepare=places.prepare)
        trained = places.once(f"learning rate {rate:g}", train)
        tried.append((trained["validation"], rate, trained["run_id"]))
        log.info("learning rate %g: %.4f on validation", rate, trained["validation"])
    if not tried:
        return config, None
    best = (max if wanted.app.higher_is_better else min)(tried)
    for each in tried:
        if each is not best or wanted.seeds > 1:
            shutil.rmtree(Checkpoint.of_run(each[2]).folder, ignore_errors=True)
    return dataclasses.replace(config, learning_rate=best[1]), best[2]


def _try(*, app_name: str, number: int, count: int, **arguments: Any) -> dict[str, Any]:
    """Train once without an export, in a process of its own; return the `record.of_seed`."""
    from ..training.epoch_log import SeedNumber
    from ..training.experiment import train_seed

    return train_seed(find(app_name), resume=None, seed=SeedNumber(number, count), **arguments)


def _trained(wanted: Comparison, config: Config, places: Places, tried: str | None) -> Result:
    """Train a family with its seeds below the parent run; a single seed that was tried is only exported."""
    arguments: dict[str, Any] = {
        "app_name": wanted.app.name,
        "preset": wanted.preset,
        "config": config,
        "output": places.output,
        "parent": places.run.id,
    }
    if wanted.seeds > 1:
        arguments |= {"seeds": wanted.seeds, "prepare": places.prepare}
    else:
        arguments |= {"resume": tried}
    result: Result = call_in_own_process(_train, arguments, prepare=places.prepare)
    return result


def _train(*, app_name: str, seeds: int = 1, **arguments: Any) -> Result:
    """Train one or several seeds, in a process of its own: MLflow has one active run in each."""
    if seeds > 1:
        from ..training.seeds import train_seeds

        return train_seeds(find(app_name), seeds=seeds, resume=None, register=None, **arguments)
    from ..training.experiment import train

    return train(find(app_name), **arguments)


def measured(result: Result, file: tuple[str, str]) -> dict[str, Any]:
    """Return the figures of a finished training; None for those of files that aren't fit for a device.

    Args:
        result: of the training.
        file: precision and execution of the file that met the budget.
    """
    precision, execution = file
    record = result.record
    metric = record["metric"]
    rows = {row["variant"]: row for row in record["variants"]}
    names = {each: f"{precision}_{each}.tflite" for each in ("step", "loop")}
    name = names[execution]
    spread = record.get("spread", {}).get("scores", {}).get("test", {}).get(metric)
    found = {
        "run_id": result.run_id,
        "learning_rate": record["config"]["learning_rate"],
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


def _latency(row: Mapping[str, Any] | None) -> float | None:
    return row["latency_p50_ms"] if row else None
