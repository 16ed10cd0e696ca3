"""Shows the record of a benchmark: tables for the terminal and the README, and a plot."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from pipelines.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TITLES = {"train": "Training step", "forward": "Forward pass"}
_NAMES = {"keras": "keras", "keras_jit": "keras, jit_compile", "torch": "torch"}
_OURS_TOO = {"ours_jit": "ours, jit_compile"}
_COLORS = {"keras": "tab:red", "keras_jit": "tab:orange", "torch": "tab:blue"}
Rows = Sequence[Sequence[str]]


def tables(record: dict[str, Any]) -> str:
    """Return all tables of a record of `benchmarks.speed`, as Markdown with aligned columns."""
    return "\n\n".join(_sections(record))


def _sections(record: dict[str, Any]) -> Iterator[str]:
    made_with = record["made_with"]
    yield (
        f"{made_with['hardware.cpu']}, {made_with['hardware.cores']} cores; "
        f"TensorFlow {made_with['version.tensorflow']}, Keras {made_with['version.keras']}, "
        f"torch {made_with.get('version.torch', 'not used')}; {record['date'][:10]}, "
        f"commit {made_with['git.commit'][:10]}"
        f"{' with changes' if made_with['git.dirty'] != 'false' else ''}."
    )
    if record["cells"] and made_with["version.torch"] == "not installed":
        yield "torch could not be imported: its columns are left out."
    yield aligned_table(["goal", "at least", "reached", "met"], [_target(each) for each in record["targets"]])
    if record["cells"]:
        yield from (_means(record, which) for which in _TITLES)
        yield from (_milliseconds(record, which) for which in _TITLES)
        yield from (
            f"{each['size']} {each['cell']} ({each['pass']}): {_NAMES[name]} left out, {reason}."
            for each in record["cells"]
            for name, reason in each["left_out"].items()
        )
    if "epoch" in record:
        yield _epoch(record["epoch"])
    if "memory" in record:
        yield _memory(record["memory"])


def _target(target: dict[str, Any]) -> list[str]:
    met = {True: "yes", False: "**no**", None: "not measured"}[target["met"]]
    reached = "" if target["reached"] is None else f"{target['reached']:.2f}"
    return [target["goal"], f"{target['at_least']:.1f}", reached, met]


def _contenders(record: dict[str, Any]) -> list[str]:
    return [name for name in _NAMES if any(name in each["ratios"] for each in record["cells"])]


def _means(record: dict[str, Any], which: str) -> str:
    names = _contenders(record)
    rows = [
        [each["size"], *(_ratio(each["ratios"].get(name)) for name in names)]
        for each in record["means"]
        if each["pass"] == which
    ]
    heading = f"{_TITLES[which]}: times faster than, geometric mean over the cells (quartiles)"
    return f"{heading}\n\n{aligned_table(['size', *(_NAMES[name] for name in names)], rows)}"


def _ratio(quartiles: dict[str, float] | None) -> str:
    return f"{quartiles['median']:.2f} ({quartiles['q1']:.2f} to {quartiles['q3']:.2f})" if quartiles else ""


def _milliseconds(record: dict[str, Any], which: str) -> str:
    ours = ["ours", "ours_jit"] if which == "forward" else ["ours"]
    names = [*ours, *_contenders(record), "bound"]
    rows = [
        [each["size"], each["cell"], *(_ms(each["ms"].get(name)) for name in names)]
        for each in record["cells"]
        if each["pass"] == which
    ]
    heading = f"{_TITLES[which]}: milliseconds, median"
    titles = [(_NAMES | _OURS_TOO).get(name, name) for name in names]
    return f"{heading}\n\n{aligned_table(['size', 'cell', *titles], rows)}"


def _ms(quartiles: dict[str, float] | None) -> str:
    return f"{quartiles['median']:.3g}" if quartiles else ""


def _epoch(epoch: dict[str, Any]) -> str:
    rows = [
        [name, f"{quartiles['median']:.2f}", f"{epoch['first_epoch_seconds'][name]:.2f}"]
        for name, quartiles in epoch["seconds"].items()
    ]
    table = aligned_table(["layers of", "seconds", "first epoch, with tracing and compiling"], rows)
    ratio = _ratio(epoch["ratios"]["keras"])
    part = f"{epoch['recurrent_part']:.2f} with the rest of the epoch taken off both"
    return f"One `fit` epoch of the sentiment model: {ratio} times faster than keras, {part}\n\n{table}"


def _memory(memory: dict[str, Any]) -> str:
    rows = [
        [name, each["failed"], "", ""]
        if "failed" in each
        else [name, f"{each['peak_mb']:.0f}", f"{each['added_mb']:.0f}", f"{each['step_seconds']:.2f}"]
        for name, each in memory["variants"].items()
    ]
    table = aligned_table(["variant", "peak MB", "of which for the length", "seconds a step"], rows)
    return f"Peak memory of an {memory['cell']}'s training step at {memory['size']}\n\n{table}"


def aligned_table(header: Sequence[str], rows: Rows) -> str:
    """Return a Markdown table with aligned columns; the first column is left-aligned, the others right."""
    widths = [max(len(line[i]) for line in (header, *rows)) for i in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join("| " + " | ".join(_aligned(line, widths)) + " |" for line in (list(header), rule, *rows))


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *others = (width for width in widths)
    return [line[0].ljust(first), *(text.rjust(width) for text, width in zip(line[1:], others, strict=True))]


def plot(record: dict[str, Any], path: Path) -> None:
    """Plot how many times faster our layers are than those of each library, by size.

    Bars start at 1.0, and whiskers show the quartiles.

    Args:
        record: a record of `benchmarks.speed` with layers.
        path: the PNG file to write.
    """
    figure = Figure(figsize=(11, 8), layout="constrained")
    for axes, which in zip(figure.subplots(len(_TITLES), 1), _TITLES, strict=True):
        means = [each for each in record["means"] if each["pass"] == which]
        _bars(axes, means, _contenders(record))
        axes.set_title(f"{_TITLES[which]}: times faster than (mean of SimpleRNN, LSTM and GRU)")
    axes.set_xlabel("batch x steps x inputs x units")
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=120)
    write_atomically(path, image.getvalue())


def _bars(axes: Axes, means: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        drawn = [(at, each["ratios"][name]) for at, each in enumerate(means) if name in each["ratios"]]
        x = [at + (i - (len(names) - 1) / 2) * width for at, _ in drawn]
        middle = [ratio["median"] for _, ratio in drawn]
        below = [ratio["median"] - ratio["q1"] for _, ratio in drawn]
        above = [ratio["q3"] - ratio["median"] for _, ratio in drawn]
        heights = [value - 1 for value in middle]
        axes.bar(x, heights, width, bottom=1, color=_COLORS[name], label=_NAMES[name])
        axes.errorbar(x, middle, [below, above], fmt="none", ecolor="black", capsize=3, linewidth=1)
        for at, value, low, high in zip(x, middle, below, above, strict=True):
            up = value >= 1
            spot = (at, value + high if up else value - low)
            axes.annotate(
                f"{value:.1f}",
                spot,
                (0, 3 if up else -3),
                textcoords="offset points",
                ha="center",
                va="bottom" if up else "top",
                fontsize=8,
            )
    axes.set_yscale("log", base=2)
    axes.axhline(1, color="black", linewidth=1)
    axes.set_xticks(range(len(means)), [each["size"] for each in means])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.margins(y=0.12)
    axes.legend()
