"""Every cell, in every structure, execution and precision: convert, list the ops, run, compare with Keras.

Each file runs in the classic interpreter and in LiteRT's CompiledModel. `make test-long` takes every cell in
every structure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
from pipelines.ondevice.manifest import EXECUTIONS, PRECISIONS
from pipelines.ondevice.model import Model, Stream

ROOT = Path(__file__).parents[3]
# Of the largest output, 1 at least, with random weights. On the task, the apps' tests say what a precision
# costs.
ALLOWED = {"float32": 1e-5, "float16": 0.01, "dynamic_int8": 0.1, "int8": 0.4, "int16x8": 0.15}
SPECS = {"features": ((STEPS, FEATURES), "float32")}
Answers = dict[str, np.ndarray]

FEW = ["SimpleRNN", "LSTM", "GRU"]
"""The cells that `make test` takes where there is no mask; `make test-long` takes all."""


def cells_of(structure: str) -> list[str]:
    """Return the cells that are tested in a structure."""
    return list(CELLS) if structure == "masked" or os.environ.get("LONG_TESTS") else FEW


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
    execution: str
    sequences: np.ndarray
    expected: Answers


FILES = [
    pytest.param((structure, execution), marks=pytest.mark.xdist_group(f"matrix-{structure}-{execution}"))
    for structure in STRUCTURES
    for execution in EXECUTIONS
]


@pytest.fixture(scope="module", params=FILES, ids="-".join)
def exported(request, tmp_path_factory) -> Exported:
    structure, execution = request.param
    cells = [cell for cell in cells_of(structure) if not refusal(structure, cell, execution)]
    if not cells:
        pytest.skip(f"{execution}: no cell, see test_what_tflite_cannot_express_is_refused")
    keras.utils.set_random_seed(3)
    model = model_of(structure, cells)
    rng = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(0.5 * rng.normal(size=weight.shape))
    folder = tmp_path_factory.mktemp("saved_model")
    write_saved_model(model, folder, SPECS, cells, execution)
    sequences = _sequences(structure)
    expected = {name: np.asarray(output) for name, output in model(sequences).items()}
    source = Source(folder, execution, [{"features": x[None]} for x in sequences])
    return Exported(source, execution, sequences, expected)


class CompiledModels:
    """A process that runs files in CompiledModel, and is started anew if one ends it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._process = folder, self._start()

    def __call__(self, content: bytes, sequences: np.ndarray) -> Answers:
        """Answer all sequences, step by step where it is a stream; AssertionError if it can't."""
        np.savez(self._folder / "inputs.npz", features=sequences)
        (self._folder / "model.tflite").write_bytes(content)
        names = {"model": "model.tflite", "inputs": "inputs.npz", "outputs": "outputs.npz"}
        job = {key: str(self._folder / name) for key, name in names.items()}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(job), file=self._process.stdin, flush=True)
        said = self._process.stdout.readline()
        if not said:
            code, self._process = self._process.wait(), self._start()
            said = f"the process ended, {code}"
        assert said == "\n", said
        return dict(np.load(job["outputs"]))

    @staticmethod
    def _start() -> subprocess.Popen[str]:
        worker = Path(__file__).with_name("compiled_worker.py")
        return subprocess.Popen(
            [sys.executable, str(worker)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> Iterator[CompiledModels]:
    models = CompiledModels(tmp_path_factory.mktemp("compiled"))
    yield models
    models.close()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_matrix(exported: Exported, compiled: CompiledModels, precision: str) -> None:
    if reason := refusal("alone", "LSTM", exported.execution, precision):
        with pytest.raises(ExportError, match=f"{precision}: {reason}"):
            exported.source.convert(precision)
        return
    content = exported.source.convert(precision)
    assert _shape_of(exported.execution, list_ops(content))
    answer = _steps if exported.execution == "step" else _whole
    _compare(answer(content, exported.sequences), exported, precision)
    if exported.execution in COMPILED_MODEL_REFUSES:
        with pytest.raises(AssertionError, match="RuntimeError: Failed to load model"):
            compiled(content, exported.sequences)
    else:
        _compare(compiled(content, exported.sequences), exported, precision)


def _compare(answers: Answers, exported: Exported, precision: str) -> None:
    """Compare with Keras: all steps, or of a stream the last where that is what Keras gives."""
    assert answers.keys() == exported.expected.keys()
    for cell, expected in exported.expected.items():
        answer = answers[cell]
        if exported.execution == "step":
            answer = answer[:, :, 0] if expected.ndim == 3 else answer[:, -1]
        assert answer.shape == expected.shape
        error = np.max(np.abs(answer - expected)) / max(1.0, np.max(np.abs(expected)))
        assert error <= ALLOWED[precision], f"{cell}: differs from Keras by {error:.3g}"


def _shape_of(execution: str, ops: dict[str, int]) -> bool:
    """Say whether the ops are those of the execution."""
    fused = "UNIDIRECTIONAL_SEQUENCE_LSTM" in ops
    return (execution == "loop", execution == "fused") == ("WHILE" in ops, fused)


def _whole(content: bytes, sequences: np.ndarray) -> Answers:
    model = Model(content)
    answers = [model(features=x[None]) for x in sequences]
    return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}


def _steps(content: bytes, sequences: np.ndarray) -> Answers:
    """Return the outputs of all steps, (N, steps, ...)."""
    stream, rows = Stream(content), []
    for x in sequences:
        stream.reset()
        rows.append([stream(features=step[None, None]) for step in x])
    return {name: np.stack([[step[name][0] for step in row] for row in rows]) for name in rows[0][0]}


@pytest.mark.parametrize("execution", ["fused", "step"])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_what_tflite_cannot_express_is_refused(structure: str, execution: str, tmp_path: Path) -> None:
    for cell in CELLS if structure == "alone" else FEW:
        if (reason := refusal(structure, cell, execution)) is None:
            continue
        model = model_of(structure, [cell])
        with pytest.raises(ValueError, match=reason):
            write_saved_model(model, tmp_path, SPECS, [cell], execution)


def test_the_table_is_generated() -> None:
    assert README.read_text() == with_table(README.read_text()), (
        "PYTHONPATH=. python tests/reference/matrix.py"
    )
