"""Runs a .tflite file through TFLite Micro, as a script: an arena that is too small may crash the process.

python interpreter.py MODEL prints {"arena_bytes": N}, the smallest arena with which the model runs.
python interpreter.py MODEL INPUTS.npz OUTPUTS.npz runs the model once. The arrays are named "0", "1", ... in
the order of the model's inputs and outputs.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_STEP = 16
_LARGEST = 1 << 26


def run(model: bytes, inputs: dict[str, np.ndarray], arena_bytes: int = _LARGEST) -> Any:
    """Run a .tflite file once, and return the interpreter.

    Args:
        model: the .tflite file.
        inputs: arrays by the number of the input, such as "0"; a missing input is zeros.
        arena_bytes: the size of the working memory.

    Raises:
        RuntimeError: TFLite Micro does not load or run the file.
    """
    runtime = importlib.import_module("tflite_micro.python.tflite_micro.runtime")  # optional dependency
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=arena_bytes)
    for index in range(schema.Model.GetRootAs(model).Subgraphs(0).InputsLength()):
        expected = interpreter.get_input_details(index)
        zeros = np.zeros(expected["shape"], expected["dtype"])  # the arena holds anything
        interpreter.set_input(inputs.get(str(index), zeros), index)
    interpreter.invoke()
    return interpreter


def smallest_arena(model: bytes) -> int:
    """Return the smallest multiple of 16 bytes with which the model runs.

    Raises:
        RuntimeError: it does not run with any arena.
    """
    run(model, {})  # shows why a model fails in the largest arena; failures in small ones are expected
    enough = _STEP
    while not _runs(model, enough):
        enough *= 2
    too_little = enough // 2
    while enough - too_little > _STEP:
        middle = (enough + too_little) // 2 // _STEP * _STEP
        if _runs(model, middle):
            enough = middle
        else:
            too_little = middle
    return enough


def _runs(model: bytes, arena_bytes: int) -> bool:
    """Try an arena in a child process: TFLite Micro may write beyond one that is too small."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            run(model, {}, arena_bytes)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _main() -> None:
    content = Path(sys.argv[1]).read_bytes()
    if len(sys.argv) == 2:
        print(json.dumps({"arena_bytes": smallest_arena(content)}))
    else:
        interpreter = run(content, dict(np.load(sys.argv[2])))
        outputs = range(schema.Model.GetRootAs(content).Subgraphs(0).OutputsLength())
        np.savez(sys.argv[3], allow_pickle=False, **{str(i): interpreter.get_output(i) for i in outputs})


if __name__ == "__main__":
    try:
        _main()
    except RuntimeError as error:  # TFLite Micro itself has said more
        sys.exit(str(error))
