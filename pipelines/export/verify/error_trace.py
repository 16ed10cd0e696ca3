"""Find where the error of a quantised file enters, by comparing each tensor with the float file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tflite.graph_runner import GraphRunner

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The arguments of a loop's body are compared where they are computed; the outputs are compared elsewhere.
_LEFT_OUT = re.compile(r"_arg\d+$|/(Stateful)?PartitionedCall:\d+")
_ENTERED = 0.05  # as a share of a tensor's range


@dataclass(frozen=True)
class Trace:
    """The error of one tensor: the difference between the quantised file and the float file."""

    layer: str
    """The name of the layer in Keras."""
    tensor: str
    by_step: tuple[float, ...]
    """For each time that the tensor was computed, the largest error as a share of its range. A tensor in a
    loop is computed at each step, any other tensor once."""

    @property
    def worst(self) -> float:
        """The largest error of all steps."""
        return max(self.by_step)


def trace_error(
    exact: Any, quantized: Any, example: Mapping[str, np.ndarray], signature: str = "serve"
) -> list[Trace]:
    """Run both models on an example, and compare tensors with the same name, in the order of computation.

    Args:
        exact: a parsed float32 model in which every tensor has its own name (see `unique_names`).
        quantized: a model that was quantised from `exact` and has the same names.
        example: arrays (1, ...) by input name, with the states of a stream.
        signature: "serve" or "step".
    """
    wanted, got = (_values(model, example, signature) for model in (exact, quantized))
    traces = []
    for name, values in wanted.items():
        together = np.concatenate([value.ravel() for value in values])
        span = max(float(np.ptp(together)), float(np.abs(together).max(initial=0)), 1e-6)
        pairs = zip(values, got.get(name, ()), strict=False)
        errors = tuple(float(np.abs(a - b).max()) / span for a, b in pairs if a.shape == b.shape and a.size)
        if errors:
            traces.append(Trace(_layer(name), name.split("/", 2)[-1], errors))
    return traces


def entry(traces: Sequence[Trace]) -> str:
    """Return a line that says where the error enters: the first tensor off by more than 5 % of its range.

    The line also names the tensor with the largest error.
    """
    if not traces:
        return "no tensor has the same name in both files"
    first = next((trace for trace in traces if trace.worst > _ENTERED), None)
    worst = max(traces, key=lambda trace: trace.worst)
    told = [_told("the error enters at", first)] if first else []
    return "; ".join([*told, _told("it is largest at", worst)])


def _told(what: str, trace: Trace) -> str:
    step = int(np.argmax(np.array(trace.by_step) >= min(trace.worst, _ENTERED)))
    at = f", step {step} of {len(trace.by_step)}" if len(trace.by_step) > 1 else ""
    return f"{what} layer {trace.layer}{at} ({100 * trace.worst:.0f} % of the range of {trace.tensor})"


def plot(traces: Sequence[Trace], title: str, most: int = 6) -> Figure:
    """Draw the error by time step, of the tensors in loops with the largest errors."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    from ...evaluation.axes import whole_numbers

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    steps = [trace for trace in traces if len(trace.by_step) > 1] or list(traces)
    for trace in sorted(steps, key=lambda trace: -trace.worst)[:most]:
        axes.plot(trace.by_step, marker=".", label=f"{trace.layer}: {trace.tensor.split('/')[-1]}")
    axes.set(xlabel="time step", ylabel="largest error, share of the tensor's range", title=title)
    whole_numbers(axes, 0, max((len(trace.by_step) for trace in steps), default=1) - 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(loc="outside right upper", fontsize="small")
    return figure


def _values(model: Any, example: Mapping[str, np.ndarray], signature: str) -> dict[str, list[np.ndarray]]:
    """Return all values of each tensor of real numbers, also quantised ones, in the order of computation."""
    values: dict[str, list[np.ndarray]] = defaultdict(list)

    def note(tensor: Any, value: np.ndarray) -> None:
        quantization = tensor.quantization
        if value.dtype in (np.int8, np.int16) and quantization is not None and quantization.scale is not None:
            value = (value.astype(np.float32) - quantization.zeroPoint[0]) * quantization.scale[0]
        if value.dtype == np.float32 and not _LEFT_OUT.search(tensor.name.decode()):
            name = re.sub(r"(_quantized|_dequant)$", "", tensor.name.decode())
            values[name].append(value.astype(np.float32))

    GraphRunner(model, note).run_signature(signature, example)
    return values


def _layer(name: str) -> str:
    """Return the layer from the name of a tensor, GRAPH/TENSOR/MODEL/LAYER/.../OPERATION."""
    path = [re.sub(r"_\d+$", "", part) for part in name.split(";")[0].split("/")[2:-1]]
    path = [part for part in path if part != "while"]
    return "/".join(path[1:] or path) or name
