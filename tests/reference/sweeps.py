"""Sweeps whose trainings take no time: the figures are a function of the settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from reference.trainings import ROOT

from pipelines.config import Config
from pipelines.errors import Pruned
from pipelines.sweep.study import RUN_ID, Pruning, pruner_of, running_trial

SMOKE = ("sentiment", "sweep", "--preset", "smoke", "--json")
SPACE = ("--space", "units=8:100", "dropout=0:.5")
PATIENCE = 300
"""Seconds to wait for a command; it takes a few where nothing else runs."""
_CODE = """
import sys
from pipelines.sweep import storage, sweep, study
from pipelines.commands import sweep as verb
from pipelines.commands.console import run_apps
from reference.sweeps import nothing, quick_trial
storage.HEARTBEAT, storage.GRACE = 1, 10
sweep.HEARTBEAT = 1
sweep.train_trial = quick_trial
verb._prepare = nothing
verb.call_in_own_process = lambda *_, **__: ("generated", "0" * 64)
sys.exit(run_apps(sys.argv[1:]))
"""


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


def start(folder: Path, *options: str, seconds: float = 0.0) -> subprocess.Popen:
    """Start a sweep as a user does, with stand-ins for its trainings that take some seconds."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{os.environ.get('PYTHONPATH', '')}"}
    environment |= {"SWEEP_SECONDS": str(seconds), "HOME": str(folder)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    return subprocess.Popen(
        [sys.executable, "-c", _CODE, *SMOKE, *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def swept(process: subprocess.Popen) -> dict[str, Any]:
    """Wait for a sweep; return what it prints."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out)


def refused(process: subprocess.Popen) -> str:
    """Wait for a sweep that can't go on; return its last line."""
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (2, ""), err[-3000:]
    return err.splitlines()[-1]


def trainings(folder: Path) -> list[tuple[int, int, str]]:
    """Return the trainings that were begun in a folder: number of the trial, process, settings."""
    path = folder / "exports" / "log.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(number), int(process), rest) for number, process, rest in (x.split(" ", 2) for x in lines)]


def wait_for_trainings(folder: Path, count: int) -> None:
    """Wait until so many trainings were begun in a folder."""
    end = time.monotonic() + PATIENCE
    while len(trainings(folder)) < count:
        if time.monotonic() > end:
            raise TimeoutError(f"only {len(trainings(folder))} trainings were begun")
        time.sleep(0.1)


def bundles(folder: Path) -> set[str]:
    """Return the bundles in a folder."""
    return {path.name for path in (folder / "exports" / "sentiment").iterdir() if not path.is_symlink()}
