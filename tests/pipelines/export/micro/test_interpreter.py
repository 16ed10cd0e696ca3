"""TFLite Micro itself answers as the LiteRT interpreter does."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from reference.micro_models import macros, step_example

from pipelines.export.micro import interpreter as micro_interpreter
from pipelines.export.micro.write import write_micro

pytestmark = pytest.mark.skipif(find_spec("tflite_micro") is None, reason="tflite-micro is not installed")


def _run_micro(content: bytes, inputs: list[np.ndarray], folder: Path) -> list[np.ndarray]:
    (folder / "model.tflite").write_bytes(content)
    np.savez(folder / "in.npz", **{str(i): array for i, array in enumerate(inputs)})
    files = [str(folder / name) for name in ("model.tflite", "in.npz", "out.npz")]
    command = [sys.executable, "-P", micro_interpreter.__file__, *files]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    outputs = np.load(folder / "out.npz")
    return [outputs[str(i)] for i in range(len(outputs.files))]


def test_tflite_micro_answers_as_the_interpreter(content: bytes, tmp_path: Path) -> None:
    micro = write_micro(content, tmp_path, "tiny")
    run = Interpreter(model_content=content).get_signature_runner()
    ((name, detail),) = run.get_input_details().items()
    given = np.arange(-4, 4, dtype=detail["dtype"])[None] * 20
    (expected,) = run(**{name: given}).values()
    (answer,) = _run_micro(micro.content, [given], tmp_path)
    assert np.abs(answer.astype(int) - expected).max() <= 1
    assert len(set(expected.reshape(-1))) > 1


def test_tflite_micro_runs_the_step(step: bytes, tmp_path: Path) -> None:
    micro = write_micro(step, tmp_path, "tiny")
    found = macros(micro)
    example = step_example(3)
    order = sorted(example, key=lambda name: int(found[f"INPUT_{name.upper()}_INDEX"]))
    answers = _run_micro(micro.content, [example[name] for name in order], tmp_path)
    expected = Interpreter(model_content=step).get_signature_runner("step")(**example)
    for name, array in expected.items():
        answer = answers[int(found[f"OUTPUT_{name.upper()}_INDEX"])]
        np.testing.assert_allclose(answer, array, atol=0.02)
