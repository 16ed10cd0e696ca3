"""Run .tflite files through LiteRT's CompiledModel in a separate process, since it may abort and logs a lot.

python compiled_model.py reads one JSON object per line from standard input: {"model": FILE, "inputs":
FILE.npz, "outputs": FILE.npz}. For each it writes a line to standard output: empty, or the reason why the
file can't be run.

The inputs are "input:NAME" (N, calls, 1, ...), what each call of each example takes, and for a stream
"state:NAME" (1, ...), the state that each example starts from. The outputs are "output:NAME"
(N, calls, 1, ...).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel

Arrays = dict[str, np.ndarray]


class Signature:
    """A signature of a model: arrays in, arrays out."""

    def __init__(self, model: CompiledModel, key: str) -> None:
        self._model, self._key = model, key
        self._details = model.get_output_tensor_details(key)
        self.outputs = self._details.keys()
        given = model.get_input_tensor_details(key)
        self._inputs = {name: model.create_input_buffer_by_name(key, name) for name in given}
        self._outputs = {name: model.create_output_buffer_by_name(key, name) for name in self._details}

    def __call__(self, arrays: Mapping[str, np.ndarray]) -> Arrays:
        """Run one call."""
        for name, buffer in self._inputs.items():
            buffer.write(np.ascontiguousarray(arrays[name]))
        self._model.run_by_name(self._key, self._inputs, self._outputs)
        return {name: self._read(name) for name in self._outputs}

    def _read(self, name: str) -> np.ndarray:
        shape, dtype = self._details[name]["shape"], np.dtype(self._details[name]["dtype"])
        return self._outputs[name].read(int(np.prod(shape)), dtype).reshape(shape)


def run(model: CompiledModel, inputs: Arrays, states: Arrays) -> Arrays:
    """Return outputs (N, calls, 1, ...) for inputs (N, calls, 1, ...); keep the states between calls."""
    signature = Signature(model, "step" if "step" in model.get_signature_list() else "serve")
    if missing := states.keys() - signature.outputs:
        raise RuntimeError(f"it gives no output {', '.join(sorted(missing))}")
    count, calls = next(iter(inputs.values())).shape[:2]
    rows = []
    for i in range(count):
        state, answers = states, []
        for t in range(calls):
            outputs = signature({**{name: array[i, t] for name, array in inputs.items()}, **state})
            state = {name: outputs.pop(name) for name in states}
            answers.append(outputs)
        rows.append({name: np.stack([answer[name] for answer in answers]) for name in answers[0]})
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _answer(job: Mapping[str, str]) -> None:
    arrays = dict(np.load(job["inputs"]))
    inputs, states = (
        {name.partition(":")[2]: array for name, array in arrays.items() if name.startswith(f"{kind}:")}
        for kind in ("input", "state")
    )
    outputs = run(CompiledModel.from_file(job["model"]), inputs, states)
    np.savez(job["outputs"], allow_pickle=False, **{f"output:{name}": a for name, a in outputs.items()})


if __name__ == "__main__":
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # LiteRT logs to standard output
    for line in sys.stdin:
        try:
            _answer(json.loads(line))
            print(file=said, flush=True)
        except Exception as error:  # LiteRT raises errors of many types
            print(f"{type(error).__name__}: {' '.join(str(error).split())}", file=said, flush=True)
