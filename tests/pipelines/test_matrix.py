"""Every cell, in every structure, execution and precision: convert, list the ops, run, compare with Keras.

`WHOLE_MATRIX=1 make test` takes all cells everywhere, for some minutes more.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
from reference.matrix import CELLS, FEATURES, STEPS, STRUCTURES, model_of

from pipelines.export import ExportError
from pipelines.export.audit import list_ops
from pipelines.export.convert import PRECISIONS, convert
from pipelines.export.saved_model import write_saved_model
from pipelines.ondevice import Model, Stream

EXECUTIONS = ("loop", "unrolled", "fused", "step")
# Of outputs of about 1, with random weights. On the task, the apps' tests say what a precision costs.
ALLOWED = {"float32": 1e-5, "float16": 0.01, "dynamic_int8": 0.1, "int8": 0.4, "int16x8": 0.15}


FEW = ["SimpleRNN", "LSTM", "GRU"]
"""What stands for all cells where there is no mask; with WHOLE_MATRIX=1 all are tested there, too."""


def cells_of(structure: str) -> list[str]:
    """Return the cells that are tested in a structure."""
    return list(CELLS) if structure == "masked" or os.environ.get("WHOLE_MATRIX") else FEW


def possible(structure: str, cell: str, execution: str, precision: str = "float32") -> bool:
    """Say whether TFLite can express it."""
    if execution == "fused":
        return (
            cell == "LSTM" and structure in ("alone", "bidirectional", "stacked") and precision != "int16x8"
        )
    return execution != "step" or structure in ("alone", "masked", "stacked")


@dataclass
class Exported:
    """A model of one structure, its cells side by side, in one execution."""

    folder: Path
    cells: list[str]
    execution: str
    expected: dict[str, np.ndarray]


def _sequences(count: int) -> np.ndarray:
    """Draw sequences of several lengths, zeros behind."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(count, STEPS, FEATURES)).astype(np.float32)
    x[np.arange(STEPS) >= rng.integers(2, STEPS + 1, count)[:, None]] = 0
    return x


SEQUENCES = _sequences(30)
EXAMPLES = [{"features": x[None]} for x in SEQUENCES]


@pytest.fixture(scope="module", params=[(s, e) for s in STRUCTURES for e in EXECUTIONS], ids="-".join)
def exported(request, tmp_path_factory) -> Exported:
    structure, execution = request.param
    cells = [cell for cell in cells_of(structure) if possible(structure, cell, execution)]
    if not cells:
        pytest.skip(f"{execution}: no cell, see test_refusals")
    keras.utils.set_random_seed(3)
    model = model_of(structure, cells)
    rng = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(0.5 * rng.normal(size=weight.shape))
    folder = tmp_path_factory.mktemp("saved_model")
    write_saved_model(model, folder, {"features": ((STEPS, FEATURES), "float32")}, cells, execution)
    expected = {name: np.asarray(output) for name, output in model(SEQUENCES).items()}
    return Exported(folder, cells, execution, expected)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_matrix(exported: Exported, precision: str) -> None:
    if exported.execution == "fused" and precision == "int16x8":
        with pytest.raises(ExportError, match="int16x8: TFLite has no fused LSTM in it; loop, unrolled"):
            convert(exported.folder, precision, "fused", EXAMPLES)
        return
    content = convert(exported.folder, precision, exported.execution, EXAMPLES)
    assert _shape_of(exported.execution, list_ops(content))
    stepwise = exported.execution == "step"
    answers = _steps(content, exported.expected) if stepwise else _sequence(content)
    for cell, expected in exported.expected.items():
        error = np.max(np.abs(answers[cell] - expected))
        assert error <= ALLOWED[precision], f"{cell}: differs from Keras by {error:.3g}"


def _shape_of(execution: str, ops: dict[str, int]) -> bool:
    """Say whether the ops are those of the execution."""
    fused = "UNIDIRECTIONAL_SEQUENCE_LSTM" in ops
    return (execution == "loop", execution == "fused") == ("WHILE" in ops, fused)


def _sequence(content: bytes) -> dict[str, np.ndarray]:
    model = Model(content)
    answers = [model(**example) for example in EXAMPLES]
    return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}


def _steps(content: bytes, expected: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the outputs of all steps, or of the last where that is what Keras gives."""
    stream = Stream(content)
    rows: dict[str, list[np.ndarray]] = {name: [] for name in expected}
    for x in SEQUENCES:
        stream.reset()
        steps = [stream(features=step[None, None]) for step in x]
        for name, whole in expected.items():
            outputs = [step[name][0] for step in steps]
            rows[name].append(np.concatenate(outputs) if whole.ndim == 3 else outputs[-1])
    return {name: np.stack(row) for name, row in rows.items()}


@pytest.mark.parametrize("execution", ["fused", "step"])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_what_tflite_cannot_express_is_refused(structure: str, execution: str, tmp_path: Path) -> None:
    for cell in CELLS:
        if possible(structure, cell, execution):
            continue
        model, specs = model_of(structure, [cell]), {"features": ((STEPS, FEATURES), "float32")}
        with pytest.raises(ValueError, match=execution if execution == "fused" else "streaming"):
            write_saved_model(model, tmp_path, specs, [cell], execution)
        if execution == "step":
            return  # whatever the cell, the structure is why
