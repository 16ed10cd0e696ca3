"""Sweeps whose trainings take no time: the figures are a function of the settings."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from pipelines.config import Config
from pipelines.errors import Pruned
from pipelines.sweep.study import RUN_ID, Pruning, pruner_of, running_trial


def nothing(workers: int) -> None:
    """Prepare nothing: no TensorFlow is needed."""


def quick_trial(
    *,
    config: Config,
    output: Path,
    app_name: str,
    study: str,
    storage: str | None,
    trial_id: int,
    number: int,
    pruning: Pruning,
    **_: Any,
) -> dict[str, Any]:
    """Stand in for `train_trial`: wide networks are good, large and slow.

    SWEEP_SECONDS is how long it takes. A dropout above 0.55 is an error.
    """
    trial = running_trial(study, storage, trial_id, pruner_of(pruning, config))
    run_id = f"{number:032x}"
    trial.set_user_attr(RUN_ID, run_id)
    bundle = output / app_name / run_id
    bundle.mkdir(parents=True)
    with (output / "log.txt").open("a") as file:
        file.write(f"{number} {os.getpid()} {sorted(trial.params.items())}\n")
    time.sleep(float(os.environ.get("SWEEP_SECONDS", "0")))
    units = config.units  # type: ignore[attr-defined]
    if config.dropout > 0.55:  # type: ignore[attr-defined]
        raise RuntimeError("too much was dropped")
    for epoch in range(1, config.epochs + 1) if pruning != "none" else ():
        trial.report(units * epoch, epoch)
        if trial.should_prune():
            raise Pruned(f"pruned after epoch {epoch}")
    return {
        "run_id": run_id,
        "bundle": str(bundle),
        "accuracy": units / 256,
        "file": "int8_loop.tflite",
        "bytes": 1000 * units,
        "latency": units / 10,
        "test": 0.5,
        "epochs": config.epochs,
        "minutes": 0.1,
    }
