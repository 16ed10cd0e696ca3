"""Every cell, in every structure, execution and precision: convert, list the ops, run, compare with Keras.

Each file runs in the classic interpreter and in LiteRT's CompiledModel. `make test-long` takes every cell in
every structure.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
from reference.matrix import (
    CELLS,
    COMPILED_MODEL_REFUSES,
    FEATURES,
    README,
    STEPS,
    STRUCTURES,
    model_of,
    refusal,
    with_table,
)

from pipelines.errors import ExportError
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.audit import list_ops
from pipelines.export.tflite.convert import Source
from pipelines.export.verify.compiled_process import CompiledModelProcess
from pipelines.export.verify.reference import Arrays, Reference
from pipelines.export.verify.tflite_file import TFLiteFile
from pipelines.ondevice.manifest import EXECUTIONS, PRECISIONS

# Of the largest output, 1 at least, with random weights. On the task, the apps' tests say what a precision
# costs. In int4 a FastGRNN of low rank, with matrices of three columns, is off by .68 in one structure, and
# every other cell by .14 at most.
ALLOWED = {"float32": 1e-5, "float16": 0.01, "dynamic_int8": 0.1, "int8": 0.4, "int16x8": 0.15, "int4": 0.9}
SPECS = {"features": ((STEPS, FEATURES), "float32")}

FEW = ["SimpleRNN", "LSTM", "GRU"]
LONG = bool(os.environ.get("LONG_TESTS"))
"""`make test-long` takes all cells and precisions everywhere. `make test` takes every cell with a mask, in a
loop and in steps; every precision of a layer alone; elsewhere `FEW` cells in two precisions."""


def cells_of(structure: str, execution: str) -> list[str]:
    """Return the cells that are tested in a structure and an execution."""
    return list(CELLS) if LONG or (structure == "masked" and execution in ("loop", "step")) else FEW


def is_tested(structure: str, precision: str) -> bool:
    """Return whether a precision is tested in a structure."""
    return LONG or structure == "alone" or precision in ("float32", "int8")


def _sequences(structure: str) -> np.ndarray:
    """Draw sequences; where a mask is made, of several lengths, with zeros behind.

    Elsewhere zeros would be inputs: layer normalisation makes numbers of about 1 of their rounding in int8.
    """
    rng = np.random.default_rng(4)
    x = rng.normal(size=(12, STEPS, FEATURES)).astype(np.float32)
    if structure in ("masked", "attention"):
        x[np.arange(STEPS) >= rng.integers(2, STEPS + 1, len(x))[:, None]] = 0
    return x


@dataclass
class Exported:
    """A model of one structure, its cells side by side, in one execution."""

    source: Source
    structure: str
    execution: str
    reference: Reference


@pytest.fixture(scope="module", params=[(s, e) for s in STRUCTURES for e in EXECUTIONS], ids="-".join)
def exported(request, tmp_path_factory) -> Exported:
    structure, execution = request.param
    cells = [cell for cell in cells_of(structure, execution) if not refusal(structure, cell, execution)]
    if not cells:
        pytest.skip(f"{execution}: no cell, see test_what_tflite_cannot_express_is_refused")
    keras.utils.set_random_seed(3)
    model = model_of(structure, cells)
    for layer in model.layers:  # the same weights, whatever other cells stand beside a cell
        rng = np.random.default_rng([3, zlib.crc32(type(layer).__name__.encode())])
        for weight in layer.weights:
            weight.assign(0.5 * rng.normal(size=weight.shape))
    folder = tmp_path_factory.mktemp("saved_model")
    write_saved_model(model, folder, SPECS, cells, execution=execution)
    sequences = _sequences(structure)
    expected = {name: np.asarray(output) for name, output in model(sequences).items()}
    source = Source(folder, execution, [{"features": x[None]} for x in sequences])
    return Exported(source, structure, execution, Reference({"features": sequences}, expected))


@pytest.fixture(scope="module")
def compiled() -> Iterator[CompiledModelProcess]:
    with CompiledModelProcess() as process:
        yield process


@pytest.mark.parametrize("precision", PRECISIONS)
def test_matrix(exported: Exported, compiled: CompiledModelProcess, precision: str) -> None:
    if not is_tested(exported.structure, precision):
        pytest.skip("only in `make test-long`")
    if reason := refusal("alone", "LSTM", exported.execution, precision):
        with pytest.raises(ExportError, match=f"{precision}: {reason}"):
            exported.source.convert(precision)
        return
    content = exported.source.convert(precision)
    assert _shape_of(exported.execution, list_ops(content))
    file, reference = TFLiteFile(content, exported.execution), exported.reference
    _compare(file.outputs(reference.inputs, reference.outputs), reference.outputs, precision)
    if exported.execution in COMPILED_MODEL_REFUSES:
        with pytest.raises(ExportError, match="RuntimeError: Failed to load model"):
            compiled.outputs(file, reference)
    else:
        _compare(compiled.outputs(file, reference), reference.outputs, precision)


def _compare(answers: Arrays, expected: Arrays, precision: str) -> None:
    """Compare with Keras: all steps, or the last one of a stream where Keras answers with one."""
    assert answers.keys() == expected.keys()
    for cell, wanted in expected.items():
        assert answers[cell].shape == wanted.shape
        error = np.max(np.abs(answers[cell] - wanted)) / max(1.0, np.max(np.abs(wanted)))
        assert error <= ALLOWED[precision], f"{cell}: differs from Keras by {error:.3g}"


def _shape_of(execution: str, ops: dict[str, int]) -> bool:
    """Say whether the ops are those of the execution."""
    fused = "UNIDIRECTIONAL_SEQUENCE_LSTM" in ops
    return (execution == "loop", execution == "fused") == ("WHILE" in ops, fused)


@pytest.mark.parametrize("execution", ["fused", "step"])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_what_tflite_cannot_express_is_refused(structure: str, execution: str, tmp_path: Path) -> None:
    for cell in CELLS if structure == "alone" else FEW:
        if (reason := refusal(structure, cell, execution)) is None:
            continue

        def write(structure: str = structure, cell: str = cell) -> None:
            write_saved_model(model_of(structure, [cell]), tmp_path, SPECS, [cell], execution=execution)

        with pytest.raises((TypeError, ValueError), match=reason):
            write()


def test_the_table_is_generated() -> None:
    assert README.read_text() == with_table(README.read_text()), (
        "PYTHONPATH=. python tests/reference/matrix.py"
    )
