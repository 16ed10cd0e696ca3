"""The runtime on the device: a .tflite model through LiteRT, with numpy and ai-edge-litert only.

The only module that imports the LiteRT interpreter. It must never import TensorFlow, Keras or MLflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from .errors import UserError

_SIGNATURE = "serve"
_IDENTIFIER = b"TFL3"  # bytes 4 to 8 of every .tflite file


class Spec(NamedTuple):
    """Shape, batch of 1 included, and dtype of one input or output."""

    shape: tuple[int, ...]
    dtype: np.dtype


class Model:
    """A .tflite model with a signature `serve` for one example.

    Args:
        source: the file, or its content.
        threads: for one answer; None leaves it to LiteRT, which takes one. Loops don't gain by more.

    Attributes:
        inputs, outputs: `Spec` by name.

    Raises:
        UserError: the file can't be read, is cut short or isn't a .tflite model with that signature.
    """

    def __init__(self, source: str | Path | bytes, threads: int | None = None) -> None:
        name, self._content = ("model", source) if isinstance(source, bytes) else _read(Path(source))
        if self._content[4:8] != _IDENTIFIER:
            found = self._content[4:8]
            raise UserError(
                f"{name}: not a .tflite file: expected {_IDENTIFIER!r} at byte 4, found {found!r}"
            )
        try:
            # LiteRT checks every offset of the file before it uses one: a file cut short is a ValueError.
            interpreter = Interpreter(model_content=self._content, num_threads=threads)
            self._reset = interpreter.reset_all_variables
            self._run = interpreter.get_signature_runner(_SIGNATURE)
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"{name}: expected a .tflite model with signature {_SIGNATURE!r}: {reason}"
            ) from None
        self._threads = threads
        self.inputs = _specs(self._run.get_input_details())
        self.outputs = _specs(self._run.get_output_details())

    def __call__(self, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        """Answer one example: arrays by input name, of the shapes in `inputs` -> arrays by output name."""
        if arrays.keys() != self.inputs.keys():
            raise ValueError(f"expected inputs {sorted(self.inputs)}, got {sorted(arrays)}")
        given = {name: _checked(name, arrays[name], spec) for name, spec in self.inputs.items()}
        outputs = self._run(**given)
        self._reset()  # else TFLite's own LSTM goes on from the state of the last example
        return outputs

    def predict(self, inputs: np.ndarray | Mapping[str, np.ndarray], workers: int = 1) -> np.ndarray:
        """Answer inputs (N, ...), one after the other, with outputs (N, ...) of a model with one output.

        Args:
            inputs: an array for a model with one input, else arrays by name.
            workers: how many interpreters share the examples, each in a thread of its own.
        """
        arrays = dict(inputs) if isinstance(inputs, Mapping) else {self._only(self.inputs): inputs}
        output = self._only(self.outputs)
        sizes = {len(array) for array in arrays.values()}
        if len(sizes) != 1:
            raise ValueError(f"expected as many examples in every input, got {sorted(sizes)}")
        size = sizes.pop()
        answers = np.empty((size, *self.outputs[output].shape[1:]), self.outputs[output].dtype)

        def answer(model: Model, first: int) -> None:
            for i in range(first, size, workers):
                answers[i] = model(**{name: array[i : i + 1] for name, array in arrays.items()})[output][0]

        if workers == 1:
            answer(self, 0)
        else:
            _in_threads(answer, [self, *(Model(self._content, self._threads) for _ in range(workers - 1))])
        return answers

    @staticmethod
    def _only(specs: Mapping[str, Spec]) -> str:
        if len(specs) != 1:
            raise ValueError(f"expected a model with one of these, got {sorted(specs)}")
        return next(iter(specs))


class Stream:
    """A streaming .tflite model: signatures `init` and `step`; the state is kept between steps."""

    def __init__(self, source: str | Path | bytes, threads: int | None = None) -> None:
        _, content = ("model", source) if isinstance(source, bytes) else _read(Path(source))
        interpreter = Interpreter(model_content=content, num_threads=threads)
        self._init = interpreter.get_signature_runner("init")
        self._step = interpreter.get_signature_runner("step")
        given, made = (_specs(d) for d in (self._step.get_input_details(), self._step.get_output_details()))
        self._names = list(self._init.get_output_details())
        self.inputs = {k: v for k, v in given.items() if k not in self._names}
        self.outputs = {k: v for k, v in made.items() if k not in self._names}
        self.reset()

    def reset(self) -> None:
        self._state = self._init()

    @property
    def state(self) -> dict[str, np.ndarray]:
        return {k: v.copy() for k, v in self._state.items()}

    def __call__(self, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        given = {name: _checked(name, arrays[name], spec) for name, spec in self.inputs.items()}
        made = self._step(**given, **self._state)
        self._state = {k: made.pop(k) for k in self._names}
        return made


def _read(path: Path) -> tuple[str, bytes]:
    try:
        return str(path), path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: expected a .tflite file: {error.strerror}") from None


def _specs(details: Mapping[str, Mapping[str, Any]]) -> dict[str, Spec]:
    return {
        name: Spec(tuple(int(size) for size in detail["shape"]), np.dtype(detail["dtype"]))
        for name, detail in details.items()
    }


def _checked(name: str, array: np.ndarray, spec: Spec) -> np.ndarray:
    array = np.asarray(array)
    if array.shape != spec.shape or not np.can_cast(array.dtype, spec.dtype, "same_kind"):
        raise ValueError(f"{name}: expected {spec.dtype} {spec.shape}, got {array.dtype} {array.shape}")
    return np.ascontiguousarray(array, spec.dtype)


def _in_threads(answer: Any, models: list[Model]) -> None:
    from concurrent.futures import ThreadPoolExecutor  # not on the way to the first answer

    with ThreadPoolExecutor(len(models)) as pool:
        list(pool.map(answer, models, range(len(models))))
