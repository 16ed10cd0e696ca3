"""Shows the record of exported networks: all contenders for the terminal, a summary for the README."""

from __future__ import annotations

from typing import Any

from .report import aligned_table

Rows = dict[str, dict[str, Any]]
"""The measurements of one network by contender, as `export.measure` returns them."""


def table(record: dict[str, Any]) -> str:
    """Return a Markdown table of all contenders, followed by those that were left out and why."""
    header = ["network", "as", "bytes", "ms", "times faster than keras", "export, s", "error"]
    lines, left_out = [], []
    for case in record["cases"]:
        network = _network(case)
        for name, row in case["contenders"].items():
            if "left_out" in row:
                left_out.append(f"{network}, {name}: left out, {row['left_out']}")
            else:
                lines.append([network, name, *_cells(row)])
    return "\n\n".join([aligned_table(header, lines), "\n".join(left_out)]).rstrip()


def _cells(row: dict[str, Any]) -> list[str]:
    ratio = row["faster_than_keras"]
    faster = f"{ratio['median']:.2f} ({ratio['q1']:.2f} to {ratio['q3']:.2f})" if ratio else ""
    took, error = f"{row['export_seconds']:.1f}", f"{row['max_abs_error']:.0e}"
    return [f"{row['bytes']:,}", f"{row['ms']['median']:.3f}", faster, took, error]


def summary(record: dict[str, Any]) -> str:
    """Return a Markdown table with a row for each network, and above it the versions and the date.

    A row has our fastest execution, its time and size, the time of each other contender as a multiple of that
    time, and the smallest size among the others.
    """
    measured = [
        (case, {name: row for name, row in case["contenders"].items() if "left_out" not in row})
        for case in record["cases"]
    ]
    others = list(dict.fromkeys(name for _, rows in measured for name in rows if not _ours(name)))
    header = [
        "network",
        "ours",
        "ms",
        "bytes",
        *(f"{name}, time" for name in others),
        "smallest other, bytes",
    ]
    lines = []
    for case, rows in measured:
        best = min(filter(_ours, rows), key=lambda name: _ms(rows, name))
        ratios = [f"{_ms(rows, name) / _ms(rows, best):.2f}" if name in rows else "" for name in others]
        smallest = min(row["bytes"] for name, row in rows.items() if not _ours(name))
        bytes_of = f"{rows[best]['bytes']:,}"
        name = best.removeprefix("ours, ")
        lines.append([_network(case), name, f"{_ms(rows, best):.3f}", bytes_of, *ratios, f"{smallest:,}"])
    made_with = record["made_with"]
    versions = ", ".join(
        f"{name} {made_with[f'version.{name}']}"
        for name in ("ai-edge-litert", "keras", "torch", "onnxruntime", "litert-torch")
    )
    commit = made_with["git.commit"][:10]
    made = f"{made_with['hardware.cpu']}; {versions}; {record['date'][:10]}, commit {commit}."
    return f"{made}\n\n{aligned_table(header, lines)}"


def _ours(name: str) -> bool:
    return name.startswith("ours")


def _ms(rows: Rows, name: str) -> float:
    return rows[name]["ms"]["median"]


def _network(case: dict[str, Any]) -> str:
    return f"{case['cell']} {case['units']}, {case['steps']} steps"
