"""Run a .tflite file through LiteRT's CompiledModel, in a process of its own: it may abort, and it chatters.

python compiled_model.py MODEL INPUTS.npz OUTPUT.npy: INPUTS holds one array (N, ...) per input name. A file
with a signature `step` is given sequences packet by packet.
"""

from __future__ import annotations

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
        self.given = model.get_input_tensor_details(key)
        self._inputs = {name: model.create_input_buffer_by_name(key, name) for name in self.given}
        self._outputs = {name: model.create_output_buffer_by_name(key, name) for name in self._details}

    def __call__(self, arrays: Mapping[str, np.ndarray]) -> Arrays:
        """Answer one example."""
        for name, buffer in self._inputs.items():
            buffer.write(np.ascontiguousarray(arrays[name]))
        self._model.run_by_name(self._key, self._inputs, self._outputs)
        return {name: self._read(name) for name in self._outputs}

    def _read(self, name: str) -> np.ndarray:
        shape, dtype = self._details[name]["shape"], np.dtype(self._details[name]["dtype"])
        return self._outputs[name].read(int(np.prod(shape)), dtype).reshape(shape)


def run(model: CompiledModel, arrays: Mapping[str, np.ndarray]) -> Arrays:
    """Answer examples (N, ...), one after the other; streams packet by packet: (N, packets, ...)."""
    streams = "step" in model.get_signature_list()
    signature = Signature(model, "step" if streams else "serve")
    rows = []
    for i in range(len(next(iter(arrays.values())))):
        example = {name: array[i : i + 1] for name, array in arrays.items()}
        rows.append(_stream(signature, example) if streams else signature(example))
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def _stream(step: Signature, example: Arrays) -> Arrays:
    # Not from `init`: CompiledModel gives equal outputs of a signature only once.
    state = {
        name: np.zeros(detail["shape"], detail["dtype"])
        for name, detail in step.given.items()
        if name not in example
    }
    name, sequence = next(iter(example.items()))
    packet = step.given[name]["shape"][1]
    steps = []
    for t in range(0, sequence.shape[1], packet):
        outputs = step({**state, **{name: array[:, t : t + packet] for name, array in example.items()}})
        state = {name: outputs.pop(name) for name in state}
        steps.append(outputs)
    return {name: np.stack([each[name] for each in steps], 1) for name in steps[0]}


if __name__ == "__main__":
    model_file, inputs_file, output_file = sys.argv[1:]
    (answer,) = run(CompiledModel.from_file(model_file), dict(np.load(inputs_file))).values()
    np.save(output_file, answer)
