"""Show the results of `benchmark` as a table for the terminal and as a plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Record = dict[str, Any]
"""The measurements of one file.

The keys are `file`, `bytes`, and either `error` or these: `kind` ("sequence" or "step"), `ops` (counts by
type) and `runs` (the result of `benchmark_worker.measure` for each number of threads). Streams also have
`state_bytes`. Streams of sound also have `packet_ms`, the length of the sound that one step takes."""

_COLUMNS = ("file", "bytes", "threads", "load ms", "first ms", "p50 ms", "p95 ms", "a second", "peak MB")


def as_text(records: Sequence[Record]) -> str:
    """Return the table, followed by the operations of each file or the reason why it can't be run."""
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
    step = "" if state is None else f"one call is one step, {state:,} bytes of state; "
    if packet := record.get("packet_ms"):
        share = record["runs"][0]["p50_ms"] / packet
        step += f"it takes {packet:g} ms of sound, {share:.2%} of real time; "
    return f"{record['file']}: {step}{_listed(record['ops'])}"


def _listed(ops: Mapping[str, int]) -> str:
    ordered = sorted(ops.items(), key=lambda item: -item[1])
    return f"{sum(ops.values())} ops: " + ", ".join(f"{name} {count}" for name, count in ordered)


def draw(records: Sequence[Record]) -> Figure:
    """Draw latency, size and memory of measured files, with one colour for each number of threads."""
    from matplotlib.figure import Figure

    from ..evaluation.axes import plain_log_ticks

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
    plain_log_ticks(latency.xaxis)
    latency.set_xlabel("latency of a call, ms (dot: p50, line: to p95)")
    size.set_xlabel("size of the file, KB")
    memory.set_xlabel("peak memory above the runtime's, MB")
    for axes in (latency, size, memory):
        axes.grid(axis="x", alpha=0.3)
    names = [record["file"] + ("\n(one step)" if record["kind"] == "step" else "") for record in records]
    latency.set_yticks(rows, names)
    latency.invert_yaxis()
    figure.legend(*latency.get_legend_handles_labels(), loc="outside upper right", ncols=count)
    return figure
