"""Run .tflite files in LiteRT's own interpreter, as people do who do not have our runtime."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ai_edge_litert.interpreter import Interpreter

Arrays = Mapping[str, np.ndarray]


def answers(content: bytes, inputs: Arrays, expected: Arrays, execution: str) -> dict[str, np.ndarray]:
    """Return the outputs (N, ...) for all examples, one call after the other without a reset.

    Args:
        content: the file.
        inputs: (N, ...) by name.
        expected: outputs (N, ...) by name; they show which outputs of a stream have a value for each step.
        execution: "step" for a stream, whose states are carried here by hand.
    """
    interpreter = Interpreter(model_content=content)
    count = len(next(iter(inputs.values())))
    rows = [{name: array[i : i + 1] for name, array in inputs.items()} for i in range(count)]
    if execution != "step":
        serve = interpreter.get_signature_runner("serve")
        found = [serve(**row) for row in rows]
    else:
        found = [_streamed(interpreter, row, expected) for row in rows]
    return {name: np.concatenate([each[name] for each in found]) for name in expected}


def _streamed(interpreter: Interpreter, row: Arrays, expected: Arrays) -> dict[str, np.ndarray]:
    init, step = (interpreter.get_signature_runner(name) for name in ("init", "step"))
    states = {name: np.array(value) for name, value in init().items()}
    shapes = {name: detail["shape"] for name, detail in step.get_input_details().items()}
    cut = [name for name, array in row.items() if array.shape[1] != shapes[name][1]]
    steps, made = row[cut[0]].shape[1], []
    for t in range(steps):
        now = {name: array[:, t : t + 1] if name in cut else array for name, array in row.items()}
        outputs = step(**now, **states)
        made.append({name: np.array(value) for name, value in outputs.items()})
        states = {name: made[-1][name] for name in states}
    return {
        name: np.concatenate([each[name] for each in made], 1)
        if wanted.ndim > 2 and wanted.shape[1] == steps
        else made[-1][name]
        for name, wanted in expected.items()
    }
