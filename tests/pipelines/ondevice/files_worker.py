"""Load and run .tflite files in child processes that may die: python files_worker.py FOLDER.

Prints {"NAME": "ran" | "refused" | "hung" | "SIGSEGV" or another signal | "raised TYPE"} for FOLDER/NAME.
Outputs that don't have the shape that the file declares raise AssertionError.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from reference.damage import outcomes

from pipelines.ondevice.interpreter import TfliteFile, rehearse


def run(content: bytes) -> None:
    signature = TfliteFile(content, None).signature("serve")
    answer = signature(signature.zeros(), signature.inputs)
    for name, array in answer.items():
        assert array.shape == signature.outputs[name].shape
    rehearse(content)


if __name__ == "__main__":
    paths = sorted(Path(sys.argv[1]).iterdir())
    said = outcomes(run, [path.read_bytes() for path in paths])
    print(json.dumps(dict(zip([path.name for path in paths], said, strict=True))))
