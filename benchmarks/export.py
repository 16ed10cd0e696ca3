"""Compares our .tflite files with what other tools export from the same weights: speed, size, equal answers.

    python -m benchmarks.export [--cells LSTM GRU] [--units 64 128] [--steps 50 200] [--seconds 10]

The network is a recurrent layer and Dense(2). It runs one example at a time in one thread. The command prints
a table, writes the record, and renews the summary in README.md in the record's folder.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

from pipelines.commands.command_line import guarded, parse
from pipelines.config import require
from pipelines.files import require_folder

from .contenders import LIBRARIES
from .export_contenders import CONTENDERS, FEATURES, Answer, Case, Exported
from .export_report import summary, table
from .record import keep_record, record_header
from .timing import alternate, quartiles, ratios, seconds

_TOLERANCE = 1e-5  # for answers of about 1
_EXAMPLES = 5
_OTHERS = ("onnxruntime", "tf2onnx", "torch", "litert-torch")


@dataclass(frozen=True)
class Export:
    """Compare our exported networks with what other tools export from the same weights."""

    cells: tuple[Literal["LSTM", "GRU"], ...] = ("LSTM", "GRU")
    """The recurrent layers to measure."""
    units: tuple[int, ...] = (64, 128)
    """The numbers of units to measure."""
    steps: tuple[int, ...] = (50, 200)
    """The numbers of steps to measure."""
    seconds: float = 10.0
    """Seconds to spend on timing each network."""
    output: Path = Path("benchmarks/export.json")
    """The file of the record."""

    def __post_init__(self) -> None:
        for name in ("units", "steps"):
            given = getattr(self, name)
            require(min(given, default=0) >= 1, name, "numbers of at least 1", given)
        require(self.seconds > 0, "seconds", "above 0", self.seconds)


def measure(case: Case, duration: float) -> dict[str, Any]:
    """Export one network with every tool, and time the exports in alternation.

    Args:
        case: the network.
        duration: seconds to spend on timing.

    Returns:
        The fields of `case`, the number of `rounds`, and by contender: `bytes`, `export_seconds`,
        `max_abs_error` (against Keras), `ms` per answer and `faster_than_keras` (than its .tflite file), the
        last two as median and quartiles. A contender that fails has only `left_out`, the reason.
    """
    rng = np.random.default_rng(case.units * case.steps)
    examples = rng.standard_normal((_EXAMPLES, 1, case.steps, FEATURES)).astype(np.float32)
    network = case.network()
    expected = [network.predict_on_batch(example) for example in examples]
    functions: dict[str, Callable[[], np.ndarray]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for name in CONTENDERS:
        try:
            answer, rows[name] = _exported(name, case, examples, expected)
            functions[name] = partial(answer, examples[0])
        except Exception as error:  # a tool may raise anything when it can't export the network
            if name == "keras":
                raise  # all are compared with it
            rows[name] = {"left_out": f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"}
    warm = {name: min(seconds(function) for _ in range(5)) for name, function in functions.items()}
    times = alternate(functions, warm, duration, rng)
    for name, taken in times.items():
        rows[name]["ms"] = quartiles([1e3 * value for value in taken])
        pair = {name: taken, "keras": times["keras"]}
        rows[name]["faster_than_keras"] = ratios(pair, of=name).get("keras")
    return {**case._asdict(), "rounds": len(times["keras"]), "contenders": rows}


def _exported(
    name: str, case: Case, examples: np.ndarray, expected: Sequence[np.ndarray]
) -> tuple[Answer, dict[str, Any]]:
    made: list[Exported] = []
    with tempfile.TemporaryDirectory() as folder:
        took = seconds(lambda: made.append(CONTENDERS[name](case, Path(folder))))
    ((answer, size),) = made
    error = max(
        float(np.abs(answer(example) - wanted).max())
        for example, wanted in zip(examples, expected, strict=True)
    )
    if not error <= _TOLERANCE:
        raise ValueError(f"differs from Keras by {error:.1e}, at most {_TOLERANCE:.0e} is allowed")
    return answer, {"bytes": size, "export_seconds": took, "max_abs_error": error}


def run(command: Export, argv: Sequence[str]) -> dict[str, Any]:
    """Measure what the command asks for, and return the record.

    Args:
        command: the parsed options.
        argv: the options as they were typed, for the record.
    """
    header = record_header("benchmarks.export", argv, command.seconds)
    sys.path.append(str(LIBRARIES.resolve()))  # last, so that TensorFlow keeps the libraries it came with
    header["made_with"] |= {f"version.{name}": _version(name) for name in _OTHERS}
    todo = [
        Case(cell, units, steps)
        for cell in command.cells
        for units in command.units
        for steps in command.steps
    ]
    return header | {"cases": [measure(case, command.seconds) for case in tqdm(todo, disable=None)]}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _run() -> None:
    argv = sys.argv[1:]
    command = parse(Export, "python -m benchmarks.export", argv)
    require_folder("--output", command.output.parent)
    with contextlib.redirect_stdout(sys.stderr):  # some tools print their progress
        record = run(command, argv)
    keep_record(record, command.output, source="export.json", text=summary(record))
    print(table(record))


if __name__ == "__main__":
    sys.exit(guarded(_run))
