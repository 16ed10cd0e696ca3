"""Run a .tflite file through LiteRT's CompiledModel, in a process of its own: it may abort, and it chatters.

python compiled_model.py MODEL INPUTS.npz OUTPUT.npy: INPUTS holds one array (N, ...) per input name.
"""

from __future__ import annotations

import sys

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel

SIGNATURE = "serve"


def run(model_file: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Answer the examples one after the other, with a model of one output."""
    model = CompiledModel.from_file(model_file)
    inputs = {name: model.create_input_buffer_by_name(SIGNATURE, name) for name in arrays}
    ((output, detail),) = model.get_output_tensor_details(SIGNATURE).items()
    buffer = model.create_output_buffer_by_name(SIGNATURE, output)
    answers = []
    for i in range(len(next(iter(arrays.values())))):
        for name, array in arrays.items():
            inputs[name].write(array[i : i + 1])
        model.run_by_name(SIGNATURE, inputs, {output: buffer})
        size = int(np.prod(detail["shape"]))
        answers.append(buffer.read(size, np.dtype(detail["dtype"])).reshape(detail["shape"])[0])
    return np.stack(answers)


if __name__ == "__main__":
    model_file, inputs_file, output_file = sys.argv[1:]
    np.save(output_file, run(model_file, dict(np.load(inputs_file))))
