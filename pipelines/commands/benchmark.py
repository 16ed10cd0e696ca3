"""The verb `benchmark`: measure time and memory of .tflite files on this machine.

Each file is loaded and run in a new process for each number of threads (see `benchmark_worker`).
"""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from ai_edge_litert import schema_py_generated as schema
from tqdm import tqdm

from ..config import require
from ..errors import ExportError, UserError
from ..export.tflite.audit import list_ops
from ..files import require_place, write_atomically
from ..ondevice.bundle import Bundle
from ..tracking.provenance import provenance
from .benchmark_report import Record, as_text, draw

log = logging.getLogger(__name__)
_WORKER = f"{__package__}.benchmark_worker"
_PATIENCE = 300.0  # the time limit of one process in seconds, in addition to ten times the measuring time
_BUSY = 0.5  # the load, averaged over a minute, above which a warning is logged


@dataclass(frozen=True)
class Benchmark:
    """Measure the .tflite files of a bundle, or a single one: time, memory, size, operations."""

    target: tyro.conf.Positional[Path]
    """The folder of a bundle, or a .tflite file."""
    seconds: float = 1.0
    """The time to measure each file with each number of threads, in seconds."""
    threads: tuple[int, ...] = (1, 2)
    """The numbers of threads to measure with, separated by spaces."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png", help_behavior_hint="")] = None
    """Write a plot of latency, size and memory to this .png file."""
    json: bool = False
    """Print one JSON object instead of the table."""

    def __post_init__(self) -> None:
        require(0 < self.seconds < float("inf"), "seconds", "a number above 0", self.seconds)
        require(min(self.threads, default=0) >= 1, "threads", "numbers of at least 1", self.threads)
        plot = self.plot
        require(plot is None or plot.suffix == ".png", "plot", "a .png file", str(plot))


def run(command: Benchmark) -> None:
    """Measure the target, print the results and draw the plot.

    Raises:
        UserError: the target is neither a bundle nor a file, or none of its files can be run.
    """
    if command.plot:
        require_place("--plot", command.plot)
    load, _, _ = os.getloadavg()
    records = benchmark(command.target, command.threads, command.seconds)
    if load > _BUSY:
        log.warning("the machine was busy (load %.1f): times can't be trusted", load)
    head = {"target": str(command.target), "seconds": command.seconds, "load_before": round(load, 2)}
    report = {**head, "made_with": provenance(), "variants": records}
    print(json.dumps(report, indent=1) if command.json else as_text(records))
    if not (measured := [record for record in records if "runs" in record]):
        raise UserError(f"{command.target}: expected a .tflite file that can be run, found none")
    if command.plot:
        image = io.BytesIO()
        draw(measured).savefig(image, format="png", dpi=120)
        write_atomically(command.plot, image.getvalue())


def benchmark(target: Path, threads: Sequence[int] = (1, 2), seconds: float = 1.0) -> list[Record]:
    """Measure one .tflite file, or every variant of a bundle.

    Args:
        target: the folder of a bundle, or a .tflite file.
        threads: the numbers of threads to measure each file with.
        seconds: the time to measure each file with each number of threads.

    Returns:
        One record for each file. If a file can't be run, `error` holds the reason.

    Raises:
        UserError: `target` is neither the folder of a bundle nor a file.
    """
    if not target.exists():
        raise UserError(f"{target}: expected a bundle's folder or a .tflite file: no such file or folder")
    bundle = Bundle.open(target) if target.is_dir() else None
    files = [target / variant["file"] for variant in bundle.variants] if bundle else [target]
    records = []
    for file in (bar := tqdm(files, disable=None)):
        bar.set_description(file.name)
        record: Record = {"file": file.name, "bytes": file.stat().st_size if file.is_file() else 0}
        try:
            if bundle:
                bundle.variant_path(file.name)  # checks its size and hash
            record |= _measured(file, threads, seconds)
            if bundle and record["kind"] == "step":
                record |= _packet(bundle.preprocessing)
        except (UserError, ExportError, OSError) as error:
            record["error"] = str(error).replace(f"{file}: ", "")
        records.append(record)
    return records


def _packet(preprocessing: Mapping[str, Any]) -> Record:
    """Return the length in ms of the sound that one step takes; None for other inputs."""
    if not {"packet", "sample_rate"} <= preprocessing.keys():
        return {}
    return {"packet_ms": 1e3 * preprocessing["packet"] / preprocessing["sample_rate"]}


def _measured(file: Path, threads: Sequence[int], seconds: float) -> Record:
    content = file.read_bytes()
    try:
        kind, ops = _kind(content), list_ops(content)
    except ExportError:
        raise
    except Exception:  # a damaged file can raise any type here; LiteRT then reports the fault
        kind, ops = "sequence", {}
    runs = [_in_its_own_process(file, kind, each, seconds) for each in threads]
    of_state = [run.pop("state_bytes") for run in runs if "state_bytes" in run]
    return {"kind": kind, "ops": ops, **({"state_bytes": of_state[0]} if of_state else {}), "runs": runs}


def _kind(content: bytes) -> str:
    """Return "step" for a file with the signatures of a stream, else "sequence"."""
    model = schema.Model.GetRootAs(content)
    keys = {model.SignatureDefs(i).SignatureKey() for i in range(model.SignatureDefsLength())}
    return "step" if {b"init", b"step"} <= keys else "sequence"


def _in_its_own_process(file: Path, kind: str, threads: int, seconds: float) -> Record:
    """Run the worker, and return its measurements.

    Raises:
        UserError: the file can't be loaded or run, crashes the interpreter or takes too long.
    """
    command = [sys.executable, "-m", _WORKER, str(file), kind, str(threads), str(seconds)]
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    limit = _PATIENCE + 10 * seconds
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=found, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(f"{file}: no answer within {limit:.0f} s") from None
    if done.returncode < 0:
        raise UserError(f"{file}: crashes LiteRT: {signal.strsignal(-done.returncode)}")
    if done.returncode:
        raise UserError(f"{file}: {done.stderr.strip().splitlines()[-1]}")
    measured = json.loads(done.stdout)
    if "error" in measured:
        raise UserError(measured["error"])
    return measured
