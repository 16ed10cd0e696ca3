"""The card's sections with figures: scores beside those of simple methods, and the files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .markdown import bullets, code, table, text, without_folders

_IN_BRACKETS = "A range in brackets is the 95 % confidence interval over the test examples."
_PLOT = "; plot: "
"""What follows in a reason is the path of a file that isn't in the bundle."""


def scores(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paragraphs about the network's scores."""
    metric, record = manifest["metric"], manifest.get("record")
    better = "higher" if metric["higher_is_better"] else "lower"
    yield f"The metric is {code(metric['name'])}; {better} is better."
    if record is None:
        yield table(
            ["", f"{code(metric['name'])} on the test data"],
            [
                ["the best simple method", _number(metric["baseline"])],
                ["this network", _bold(metric["value"])],
            ],
        )
    else:
        yield from _of_record(metric["name"], record)
    embedded = manifest.get("embedded")
    if embedded and _number(embedded["value"]):
        yield (
            f"On {embedded['examples']:,} examples of {code(embedded['dataset'])}, which comes with the "
            f"project, {code(embedded['file'])} reaches {_number(embedded['value'])}."
        )


def _of_record(metric: str, record: Mapping[str, Any]) -> Iterator[str]:
    methods, several = list(record["baselines"]), record.get("over_seeds")
    rows = [
        [
            code(split),
            f"{record['examples'][split]:,}" if split in record["examples"] else "",
            *(_number(record["baselines"][name].get(split)) for name in methods),
            _bold(values[metric]) + _interval(record.get("intervals", {}).get(split)),
            _over_seeds(several, split, metric) if several else "",
        ]
        for split, values in record["scores"].items()
    ]
    seeds = f"over {len(several['seeds'])} seeds" if several else ""
    names = [text(name.replace("_", " ")) for name in methods]
    yield table(["split", "examples", *names, "this network", seeds], rows)
    if several:
        yield (
            f"This network is that of seed {several['best_seed']}, the best on validation. Over seeds: mean, "
            "standard deviation, and the smallest and largest value."
        )
    if record.get("intervals"):
        yield _IN_BRACKETS
    yield from _further(metric, record)


def _further(metric: str, record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tables of the other metrics, and of what the app measured with the finished bundle."""
    splits = list(record["scores"])
    names = [name for name in record["scores"][splits[0]] if name != metric]
    rows = [[code(name), *(_number(record["scores"][each].get(name)) for each in splits)] for name in names]
    yield table(["further metrics", *map(code, splits)], rows)
    figures = record.get("figures", {})
    yield table(
        ["measured with the finished bundle", "value"],
        [[code(name), _number(value)] for name, value in figures.items()],
    )


def files(manifest: Mapping[str, Any], *, tested: bool) -> Iterator[str]:
    """Yield the paragraphs about the .tflite files: sizes, latency and errors, then hashes.

    Args:
        manifest: the bundle's.
        tested: whether the files were scored on test data.
    """
    metric, made_with = manifest["metric"]["name"], manifest.get("record", {}).get("made_with", {})
    every = (*manifest["variants"], *manifest.get("parts", ()))
    figures = [f"{'test ' * tested}{code(metric)}", "p50 ms", "p95 ms", "largest error", "mean error"]
    yield table(["file", "bytes", *figures, "CompiledModel"], [_file_row(each) for each in every])
    cpu = made_with.get("hardware.cpu")
    on = f" on {text(cpu)} with {made_with.get('hardware.cores')} cores" if cpu else ""
    yield (
        f"Latency is that of one answer, or of one step of a stream{on}. Errors are differences from the "
        "Keras model's outputs on the data that the files were checked on; of integer outputs, the largest "
        "error is the share of examples that differ. Every file runs in LiteRT's "
        "interpreter; the last column says whether it does in its CompiledModel, too."
        + (f" {_IN_BRACKETS}" if any(each.get("interval") for each in every) else "")
    )
    left_out = [
        f"{code(each['file'])} was left out: {_reason(each['reason'])}"
        for each in manifest.get("left_out", ())
    ]
    yield bullets(left_out)
    yield table(["file", "SHA-256"], [[code(each["file"]), code(each["sha256"])] for each in every])


def _file_row(file: Mapping[str, Any]) -> list[str]:
    means = file.get("errors", {}).get("mean_abs", {}).values()
    return [
        code(file["file"]),
        f"{file['bytes']:,}",
        _number(file["metric"]) + _interval(file.get("interval")) if "metric" in file else "",
        f"{file['latency_ms']['p50']:.2f}",
        f"{file['latency_ms']['p95']:.2f}",
        f"{file['max_abs_error']:.1e}",
        f"{max(means):.1e}" if means else "",
        "yes" if "compiled_model" in file["runs_on"] else "no",
    ]


def _reason(reason: str) -> str:
    return text(without_folders(reason.partition(_PLOT)[0]))


def _over_seeds(several: Mapping[str, Any], split: str, metric: str) -> str:
    mean = several["scores"].get(split, {}).get(metric)
    spread = several["spread"].get(split, {}).get(metric, {})
    if mean is None or not spread or None in spread.values():
        return _number(mean)
    ends = f"{_number(spread['min'])} to {_number(spread['max'])}"
    return f"{_number(mean)} ± {_number(spread['std'])} ({ends})"


def _interval(around: Sequence[float | None] | None) -> str:
    return "" if around is None or None in around else f" ({around[0]:.3f} to {around[1]:.3f})"


def _bold(value: float | None) -> str:
    return f"**{_number(value)}**" if _number(value) else ""


def _number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.4f}"
