"""Our .tflite files beside what one would take instead, made of the same weights: time, size, equal answers.

    python -m benchmarks.export [--cells LSTM GRU] [--units 64 128] [--steps 50 200] [--seconds 10]

Recurrent layer -> Dense(2), one example at a time, one thread. Prints a table, and writes the record.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

import layers
from pipelines.commands.command_line import guarded, parse
from pipelines.config import require
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.convert import convert
from pipelines.files import require_writable, write_atomically
from pipelines.ondevice.model import Model
from pipelines.tracking.provenance import provenance

from .contenders import LIBRARIES, _torch_layer
from .export_report import summary, table
from .report import renew_readme
from .timing import alternate, ratios, seconds, spread

log = logging.getLogger(__name__)
FEATURES = 32
_BUSY = 0.5
_TOLERANCE = 1e-5  # of answers about 1 in size
_EXAMPLES = 5
_OTHERS = ("onnxruntime", "tf2onnx", "torch", "litert-torch")


@dataclass(frozen=True)
class Export:
    """Measure exported networks against what other tools make of the same weights."""

    cells: tuple[Literal["LSTM", "GRU"], ...] = ("LSTM", "GRU")
    """The recurrent layers, several."""
    units: tuple[int, ...] = (64, 128)
    """Of the recurrent layer, several."""
    steps: tuple[int, ...] = (50, 200)
    """Of a sequence, several."""
    seconds: float = 10.0
    """Time for each network."""
    output: Path = Path("benchmarks/export.json")
    """The record."""

    def __post_init__(self) -> None:
        for name in ("units", "steps"):
            given = getattr(self, name)
            require(min(given, default=0) >= 1, name, "numbers of at least 1", given)
        require(self.seconds > 0, "seconds", "above 0", self.seconds)


class Case(NamedTuple):
    """A network."""

    cell: str
    units: int
    steps: int

    def network(self, **options: Any) -> keras.Model:
        """Return it in stock Keras, with weights that are the same every time."""
        keras.utils.set_random_seed(1)
        recurrent = getattr(keras.layers, self.cell)(self.units, bias_initializer="glorot_normal", **options)
        return keras.Sequential([keras.Input((self.steps, FEATURES)), recurrent, keras.layers.Dense(2)])


Answer = Callable[[np.ndarray], np.ndarray]
"""(1, steps, features) -> (1, 2)."""
Exported = tuple[Answer, int]
"""What answers, and the bytes of its file."""


def _ours(execution: str, case: Case, folder: Path) -> Exported:
    if execution == "fused" and case.cell != "LSTM":
        raise ValueError("TFLite has an operation for LSTM only")
    stock = case.network()
    inputs = keras.Input((case.steps, FEATURES))
    model = keras.Model(inputs, stock.layers[1](layers.from_keras(stock.layers[0])(inputs)))
    write_saved_model(model, folder, {"x": ((case.steps, FEATURES), "float32")}, ["y"], execution=execution)
    return _in_litert(convert(folder, "float32", execution))


def _keras(unroll: bool, case: Case, folder: Path) -> Exported:
    shape = keras.InputSpec("float32", (1, case.steps, FEATURES), name="x")
    case.network(unroll=unroll).export(folder, "tf_saved_model", False, input_signature=[shape])
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=["serve"])
    return _in_litert(converter.convert())


def _onnx_from_keras(case: Case, folder: Path) -> Exported:
    file = folder / "model.onnx"
    shape = keras.InputSpec("float32", (1, case.steps, FEATURES), name="x")
    case.network().export(file, "onnx", False, input_signature=[shape])
    return _in_onnx_runtime(file)


def _onnx_from_torch(case: Case, folder: Path) -> Exported:
    torch, file = importlib.import_module("torch"), folder / "model.onnx"
    torch.onnx.export(*_in_torch(torch, case), str(file), dynamo=False)
    return _in_onnx_runtime(file)


def _litert_torch(case: Case, folder: Path) -> Exported:
    torch, litert_torch = (importlib.import_module(name) for name in ("torch", "litert_torch"))
    file = folder / "model.tflite"
    litert_torch.signature("serve", *_in_torch(torch, case)).convert().export(str(file))
    return _in_litert(file.read_bytes())


def _in_torch(torch: Any, case: Case) -> tuple[Any, Any]:
    """Return the network in torch, and an input for it."""
    recurrent, dense = case.network().layers
    read_out = torch.nn.Linear(case.units, 2)
    with torch.no_grad():
        for target, source in zip(read_out.parameters(), dense.get_weights(), strict=True):
            target.copy_(torch.tensor(source.T))

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent, self.read_out = _torch_layer(torch, case.cell, recurrent), read_out

        def forward(self, x: Any) -> Any:
            return self.read_out(self.recurrent(x)[0][:, -1])

    return Network().eval(), (torch.zeros(1, case.steps, FEATURES),)


def _in_onnx_runtime(file: Path) -> Exported:
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return lambda x: session.run(None, {given.name: x})[0], file.stat().st_size


def _in_litert(content: bytes) -> Exported:
    model = Model(content, threads=1)
    (given,), (answered,) = model.inputs, model.outputs
    return lambda x: model(**{given: x})[answered], len(content)


CONTENDERS: dict[str, Callable[[Case, Path], Exported]] = {
    "ours, loop": lambda case, folder: _ours("loop", case, folder),
    "ours, unrolled": lambda case, folder: _ours("unrolled", case, folder),
    "ours, fused": lambda case, folder: _ours("fused", case, folder),
    "keras": lambda case, folder: _keras(False, case, folder),
    "keras, unroll=True": lambda case, folder: _keras(True, case, folder),
    "keras, ONNX Runtime": _onnx_from_keras,
    "torch, ONNX Runtime": _onnx_from_torch,
    "torch, litert-torch": _litert_torch,
}


def measure(case: Case, duration: float) -> dict[str, Any]:
    """Time one network in every form.

    Returns by contender: bytes, export_seconds, max_abs_error (against Keras), ms an answer and
    faster_than_keras (its .tflite file; both median and quartiles), or left_out, the reason.
    """
    rng = np.random.default_rng(case.units * case.steps)
    examples = rng.standard_normal((_EXAMPLES, 1, case.steps, FEATURES)).astype(np.float32)
    network = case.network()
    expected = [network.predict_on_batch(example) for example in examples]
    answers: dict[str, Answer] = {}
    rows: dict[str, dict[str, Any]] = {}
    for name in CONTENDERS:
        try:
            answers[name], rows[name] = _exported(name, case, examples, expected)
        except Exception as error:  # of many tools: whatever one can't do is its row
            if name == "keras":
                raise  # all are compared with it
            rows[name] = {"left_out": f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"}
    functions = {name: _bound(answer, examples[0]) for name, answer in answers.items()}
    warm = {name: min(seconds(function) for _ in range(5)) for name, function in functions.items()}
    times = alternate(functions, warm, duration, rng)
    for name, taken in times.items():
        rows[name]["ms"] = spread([1e3 * value for value in taken])
        of_both = {name: taken, "keras": times["keras"]}
        rows[name]["faster_than_keras"] = ratios(of_both, of=name).get("keras")
    return {**case._asdict(), "rounds": len(times["keras"]), "contenders": rows}


def _bound(answer: Answer, example: np.ndarray) -> Callable[[], np.ndarray]:
    return lambda: answer(example)


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
    """Measure what `command` asks for, and return the record."""
    made_with = provenance()  # before anything is written: tells whether the checkout was clean
    load, _, _ = os.getloadavg()
    if load > _BUSY:
        log.warning("the machine is busy (load %.1f): ratios can't be trusted", load)
    sys.path.append(str(LIBRARIES.resolve()))  # last: TensorFlow keeps what it was installed with
    made_with |= {f"version.{name}": _version(name) for name in _OTHERS}
    todo = [
        Case(cell, units, steps)
        for cell in command.cells
        for units in command.units
        for steps in command.steps
    ]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks.export", *argv]),
        "made_with": made_with,
        "load_before": round(load, 2),
        "seconds": command.seconds,
        "cases": [measure(case, command.seconds) for case in tqdm(todo, file=sys.stderr)],
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _run() -> None:
    argv = sys.argv[1:]
    command = parse(Export, "python -m benchmarks.export", argv)
    require_writable("--output", command.output.parent)
    with contextlib.redirect_stdout(sys.stderr):  # some tools print what they are doing
        record = run(command, argv)
    write_atomically(command.output, json.dumps(record, indent=1).encode() + b"\n")
    renew_readme(command.output.with_name("README.md"), "export.json", summary(record))
    print(table(record))


if __name__ == "__main__":
    sys.exit(guarded(_run))
