"""Run .tflite files through LiteRT's CompiledModel, in a process that may die of one.

python compiled_worker.py: reads a line of JSON for each file, {"model", "inputs", "outputs"}: the .tflite, an
.npz of examples (N, steps, features) by input name, and the .npz to write. Answers with an empty line, or
with why it could not.
"""

from __future__ import annotations

import json
import os
import sys

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel

from pipelines.export.verify.compiled_model import run

if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # LiteRT chatters
    for line in sys.stdin:
        job = json.loads(line)
        try:
            outputs = run(CompiledModel.from_file(job["model"]), dict(np.load(job["inputs"])))
            np.savez(job["outputs"], **outputs)
            said = ""
        except Exception as error:  # whatever LiteRT raises
            said = f"{type(error).__name__}: {' '.join(str(error).split())}"
        print(said, file=answers, flush=True)
