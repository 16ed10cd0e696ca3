"""Run .tflite files in the process of LiteRT's CompiledModel, which is started again whenever it ends."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np

from ...errors import ExportError
from ...ondevice.model import Stream
from ...ondevice.quantized_io import Quantization, as_input
from ..tflite.flatbuffer import parse
from .reference import Arrays, Reference
from .tflite_file import TFLiteFile, examples, joined

_SECONDS = 120
_FILES = {"model": "model.tflite", "inputs": "inputs.npz", "outputs": "outputs.npz"}


class CompiledModelProcess:
    """The process of compiled_model.py. It starts with the first file. Use it in a `with` statement.

    Attributes:
        problems: what was found wrong with the files so far, so that it is said once.
    """

    def __init__(self, seconds: float = _SECONDS) -> None:
        self.problems: set[str] = set()
        self._seconds = seconds
        self._temporary = tempfile.TemporaryDirectory()
        self._folder = Path(self._temporary.name)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> CompiledModelProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._temporary.cleanup()

    def outputs(self, file: TFLiteFile, reference: Reference) -> dict[str, np.ndarray]:
        """Run a file on the inputs of a reference, and return outputs (N, ...) by name.

        Raises:
            ExportError: CompiledModel can't run the file, or takes too long.
        """
        stream = file.model if isinstance(file.model, Stream) else None
        calls = [list(file.calls(example)) for example in examples(reference.inputs)]
        arrays = {f"input:{name}": _stacked(file, name, calls) for name in reference.inputs}
        if stream is not None:
            stream.reset()
            arrays |= {f"state:{name}": array for name, array in stream.state.items()}
        made = self._run(file.content, arrays)
        if missing := reference.outputs.keys() - made.keys():
            # CompiledModel returns only one of two equal outputs, such as an output that is also a state.
            raise ExportError(f"it gives no output {', '.join(sorted(missing))}")
        real = {
            name: _real(made[name], quantization)
            for name, quantization in _quantized(file, "outputs").items()
            if name in made
        }
        rows = []
        for i, row in enumerate(calls):
            steps = [{name: real[name][i, t] for name in reference.outputs} for t in range(len(row))]
            rows.append(joined(steps, reference.outputs))
        return {name: np.concatenate([row[name] for row in rows]) for name in reference.outputs}

    def _run(self, content: bytes, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        (self._folder / _FILES["model"]).write_bytes(content)
        np.savez(self._folder / _FILES["inputs"], allow_pickle=False, **arrays)
        if answer := self._ask({key: str(self._folder / name) for key, name in _FILES.items()}):
            raise ExportError(answer)
        with np.load(self._folder / _FILES["outputs"]) as outputs:
            return {name.removeprefix("output:"): array for name, array in outputs.items()}

    def _ask(self, job: Mapping[str, str]) -> str:
        """Send a job to the process, and return its answer."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{json.dumps(job)}\n".encode())
        except BrokenPipeError:
            return self._ended(process)
        if not select.select([process.stdout], [], [], self._seconds)[0]:
            self._stop()
            return f"no answer in {self._seconds:g} s"
        answer = process.stdout.readline().decode(errors="replace")
        return answer.strip() if answer.endswith("\n") else self._ended(process)

    def _start(self) -> subprocess.Popen[bytes]:
        # -P: the folder of the script must not shadow other modules.
        command = [sys.executable, "-P", str(Path(__file__).with_name("compiled_model.py"))]
        with (self._folder / "log").open("wb") as log:
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0
            )

    def _ended(self, process: subprocess.Popen[bytes]) -> str:
        """Return how the process ended. The next file gets a new process."""
        code = process.wait()
        self._stop()
        log = (self._folder / "log").read_text(errors="replace").strip().splitlines()
        return f"exit code {code}: {' '.join(log[-1:])}"

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _stacked(file: TFLiteFile, name: str, calls: Sequence[Sequence[Arrays]]) -> np.ndarray:
    """Return one input of all calls of all examples, (N, calls, 1, ...), in the type that the file takes."""
    spec, quantization = file.model.inputs[name], _quantized(file, "inputs")[name]
    return np.stack([[as_input(name, call[name], spec, quantization) for call in row] for row in calls])


def _real(array: np.ndarray, quantization: Quantization | None) -> np.ndarray:
    """Return an output as real numbers."""
    return array if quantization is None else quantization.dequantize(array)


def _quantized(file: TFLiteFile, side: Literal["inputs", "outputs"]) -> dict[str, Quantization | None]:
    """Return the quantisation of each input or output; None for those that are not quantised."""
    model = parse(file.content)
    key = b"step" if isinstance(file.model, Stream) else b"serve"
    (signature,) = (each for each in model.signatureDefs if each.signatureKey == key)
    tensors = model.subgraphs[signature.subgraphIndex].tensors
    specs = getattr(file.model, side)
    found = {each.name.decode(): tensors[each.tensorIndex].quantization for each in getattr(signature, side)}
    return {
        name: Quantization(float(found[name].scale[0]), int(found[name].zeroPoint[0]))
        if spec.dtype.kind in "iu" and found[name] is not None and found[name].scale is not None
        else None
        for name, spec in specs.items()
    }
