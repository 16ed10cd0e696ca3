"""python -m pipelines benchmark BUNDLE_OR_TFLITE: what .tflite files cost on this machine.

Every file is loaded and run in fresh processes, one for each number of threads (see `benchmark_worker`).
"""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro
from ai_edge_litert import schema_py_generated as schema
from tqdm import tqdm

from ..config import require
from ..errors import ExportError, UserError
from ..export.tflite.audit import list_ops
from ..files import require_writable, write_atomically
from ..ondevice.bundle import Bundle
from ..tracking.provenance import provenance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)
_WORKER = f"{__package__}.benchmark_worker"
_PATIENCE = 300.0  # seconds that one process gets beside those of measuring
_BUSY = 0.5

Record = dict[str, Any]
"""Of one file: `file`, `bytes`, and either `error` or `kind` ("sequence" or "step"), `ops` (counts by type),
`state_bytes` (step only), `packet_ms` (step of sound only) and `runs`, one for each number of threads: see
`benchmark_worker.measure`."""


@dataclass(frozen=True)
class Benchmark:
    """Measure the .tflite files of a bundle, or a single one: time, memory, size, operations."""

    target: tyro.conf.Positional[Path]
    """A bundle's folder, or a .tflite file."""
    seconds: float = 1.0
    """Time for the answers of each file with each number of threads."""
    threads: tuple[int, ...] = (1, 2)
    """Threads for one answer, several numbers."""
    plot: Path | None = None
    """Draw latency, size and memory into this .png file."""
    json: bool = False
    """Print one JSON object instead of the table."""

    def __post_init__(self) -> None:
        require(0 < self.seconds < float("inf"), "seconds", "a number above 0", self.seconds)
        require(min(self.threads, default=0) >= 1, "threads", "numbers of at least 1", self.threads)
        plot = self.plot
        require(plot is None or plot.suffix == ".png", "plot", "a .png file", str(plot))


def run(command: Benchmark) -> None:
    """Do what the command line asks for.

    Raises:
        UserError: the target is neither bundle nor file, or none of its files can be run.
    """
    if command.plot:
        require_writable("--plot", command.plot.parent)
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
    """Measure one .tflite file, or every variant of a bundle; a file that can't be run tells why.

    Raises:
        UserError: `target` is neither a bundle's folder nor a file.
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
                bundle.variant_path(file.name)  # its size and hash
            record |= _measured(file, threads, seconds)
            if bundle and record["kind"] == "step":
                record |= _packet(bundle.preprocessing)
        except (UserError, ExportError, OSError) as error:
            record["error"] = str(error).replace(f"{file}: ", "")
        records.append(record)
    return records


def _packet(preprocessing: Mapping[str, Any]) -> Record:
    """Return how long the sound is that one step takes, where it takes sound."""
    if not {"packet", "sample_rate"} <= preprocessing.keys():
        return {}
    return {"packet_ms": 1e3 * preprocessing["packet"] / preprocessing["sample_rate"]}


def _measured(file: Path, threads: Sequence[int], seconds: float) -> Record:
    content = file.read_bytes()
    try:
        kind, ops = _kind(content), list_ops(content)
    except ExportError:
        raise
    except Exception:  # whatever a damaged file does to the parser; LiteRT tells what is wrong with it
        kind, ops = "sequence", {}
    runs = [_in_its_own_process(file, kind, each, seconds) for each in threads]
    of_state = [run.pop("state_bytes") for run in runs if "state_bytes" in run]
    return {"kind": kind, "ops": ops, **({"state_bytes": of_state[0]} if of_state else {}), "runs": runs}


def _kind(content: bytes) -> str:
    """Tell a file that takes one step a call from one that takes whole sequences, by its signatures."""
    model = schema.Model.GetRootAs(content)
    keys = {model.SignatureDefs(i).SignatureKey() for i in range(model.SignatureDefsLength())}
    return "step" if {b"init", b"step"} <= keys else "sequence"


def _in_its_own_process(file: Path, kind: str, threads: int, seconds: float) -> Record:
    """Run the worker, and return what it measured.

    Raises:
        UserError: the file can't be loaded or run, crashes the interpreter or doesn't end.
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


_COLUMNS = ("file", "bytes", "threads", "load ms", "first ms", "p50 ms", "p95 ms", "a second", "peak MB")


def as_text(records: Sequence[Record]) -> str:
    """Return the table, and below it what each file is made of, or why it can't be run."""
    from .report import text_table

    rows = [row for record in records for row in _rows(record)]
    return "\n".join([text_table(_COLUMNS, rows), "", *(_remark(record) for record in records)])


def _rows(record: Record) -> Iterator[list[str]]:
    head = [record["file"], f"{record['bytes']:,}"]
    if "error" in record:
        yield [*head, *["-"] * (len(_COLUMNS) - len(head))]
        return
    for run in record["runs"]:
        times = [f"{run[key]:.3f}" for key in ("load_ms", "first_ms", "p50_ms", "p95_ms")]
        yield [
            *head,
            str(run["threads"]),
            *times,
            f"{run['a_second']:,.0f}",
            f"{run['peak_bytes'] / 1e6:.1f}",
        ]
        head = ["", ""]


def _remark(record: Record) -> str:
    if "error" in record:
        return f"{record['file']}: can't be run: {record['error']}"
    state = record.get("state_bytes")
    step = "" if state is None else f"an answer is one step, {state:,} bytes of state; "
    if packet := record.get("packet_ms"):
        share = record["runs"][0]["p50_ms"] / packet
        step += f"it takes {packet:g} ms of sound, {share:.2%} of real time; "
    return f"{record['file']}: {step}{_listed(record['ops'])}"


def _listed(ops: Mapping[str, int]) -> str:
    ordered = sorted(ops.items(), key=lambda item: -item[1])
    return f"{sum(ops.values())} ops: " + ", ".join(f"{name} {count}" for name, count in ordered)


def draw(records: Sequence[Record]) -> Figure:
    """Draw latency, size and memory of measured files, colours by number of threads."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    figure = Figure(figsize=(12, 1.8 + 0.5 * len(records)), layout="constrained")
    latency, size, memory = figure.subplots(1, 3, sharey=True)
    rows = range(len(records))
    count = len(records[0]["runs"])
    for i in range(count):
        runs = [record["runs"][i] for record in records]
        at = [row + (i - (count - 1) / 2) * 0.8 / count for row in rows]
        middle = [run["p50_ms"] for run in runs]
        above = [run["p95_ms"] - run["p50_ms"] for run in runs]
        label = f"{runs[0]['threads']} thread{'s' * (runs[0]['threads'] > 1)}"
        latency.errorbar(middle, at, xerr=[[0.0] * len(at), above], fmt="o", capsize=3, label=label)
        memory.barh(at, [run["peak_bytes"] / 1e6 for run in runs], 0.8 / count, label=label)
    size.barh(rows, [record["bytes"] / 1e3 for record in records], 0.8, color="grey")
    latency.set_xscale("log")
    latency.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    latency.xaxis.set_major_formatter("{x:g}")
    latency.xaxis.set_minor_formatter(NullFormatter())
    latency.set_xlabel("latency of an answer, ms (dot: p50, line: to p95)")
    size.set_xlabel("size of the file, KB")
    memory.set_xlabel("peak memory above the runtime's, MB")
    for axes in (latency, size, memory):
        axes.grid(axis="x", alpha=0.3)
    names = [record["file"] + ("\n(one step)" if record["kind"] == "step" else "") for record in records]
    latency.set_yticks(rows, names)
    latency.invert_yaxis()
    figure.legend(*latency.get_legend_handles_labels(), loc="outside upper right", ncols=count)
    return figure
