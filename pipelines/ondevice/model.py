"""The runtime on the device: a .tflite model through LiteRT, with numpy and ai-edge-litert only.

The only module that imports the LiteRT interpreter. It must never import TensorFlow, Keras or MLflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ..errors import UserError
from .file_check import check_content
from .flatbuffer_reader import UnsoundError
from .quantized_io import Spec
from .signature import Arrays, Signature, one_line, read_model

__all__ = ["Model", "Spec", "Stream", "rehearse"]


class Model:
    """A .tflite model with a signature `serve` for one example.

    Real numbers for an integer input are quantized; integer outputs that stand for real numbers are given as
    those, float32.

    Args:
        source: the file, or its content.
        threads: for one answer; None leaves it to LiteRT, which takes one. Loops don't gain by more.
        raw: integers in and out, as the file has them.
        isolated: try the file in another process first, for files of unknown origin (see `probe`).

    Attributes:
        inputs, outputs: `Spec` by name.

    Raises:
        UserError: the file can't be read, is damaged or isn't a .tflite model with that signature.
    """

    def __init__(
        self,
        source: str | Path | bytes,
        threads: int | None = None,
        raw: bool = False,
        isolated: bool = False,
    ) -> None:
        self._file = _File(source, threads, isolated)
        self._threads, self._raw = threads, raw
        self._serve = self._file.signature("serve")
        self.inputs, self.outputs = self._serve.inputs, self._serve.outputs
        self._exact = frozenset({*self.inputs, *self.outputs} if raw else ())

    def __call__(self, **arrays: np.ndarray) -> Arrays:
        """Answer one example: arrays by input name, of the shapes in `inputs` -> arrays by output name.

        Raises:
            ValueError: other names, shapes or dtypes.
            UserError: LiteRT can't run the model, or not on these inputs.
        """
        answer = self._serve(arrays, self._exact)
        self._file.reset()  # else TFLite's own LSTM goes on from the state of the last example
        return answer

    def predict(self, inputs: np.ndarray | Mapping[str, np.ndarray], workers: int = 1) -> Any:
        """Answer inputs (N, ...), one after the other, with outputs (N, ...).

        Args:
            inputs: an array for a model with one input, else arrays by name.
            workers: how many interpreters share the examples, each in a thread of its own.

        Returns:
            An array for a model with one output, else arrays by name.
        """
        arrays = dict(inputs) if isinstance(inputs, Mapping) else {self._only_input(): inputs}
        sizes = {len(array) for array in arrays.values()}
        if len(sizes) != 1:
            raise ValueError(f"expected as many examples in every input, got {sorted(sizes)}")
        size = sizes.pop()
        answers: list[Arrays] = [{}] * size

        def answer(model: Model, first: int) -> None:
            for i in range(first, size, workers):
                answers[i] = model(**{name: array[i : i + 1] for name, array in arrays.items()})

        others = (Model(self._file.content, self._threads, self._raw) for _ in range(workers - 1))
        _in_threads(answer, [self, *others])
        rows = {name: self._together(name, answers) for name in self.outputs}
        return rows if len(rows) > 1 else next(iter(rows.values()))

    def _only_input(self) -> str:
        if len(self.inputs) != 1:
            raise ValueError(f"expected a model with one of these, got {sorted(self.inputs)}")
        return next(iter(self.inputs))

    def _together(self, name: str, answers: list[Arrays]) -> np.ndarray:
        if answers:
            return np.concatenate([answer[name] for answer in answers])
        sizes = (max(size, 0) for size in self.outputs[name].shape[1:])
        return np.empty((0, *sizes), self._serve.dtype(name, self._exact))


class Stream:
    """A streaming .tflite model: one step a call, the state kept between them.

    States of integers stay as they are.

    Args: as for `Model`.

    Attributes:
        inputs, outputs, states: `Spec` by name.

    Raises:
        UserError: the file can't be read, is damaged or isn't a .tflite model with signatures `init` and
            `step` that agree on the states.
    """

    def __init__(
        self,
        source: str | Path | bytes,
        threads: int | None = None,
        raw: bool = False,
        isolated: bool = False,
    ) -> None:
        self._file = _File(source, threads, isolated)
        self._init, self._step = (self._file.signature(key) for key in ("init", "step"))
        self.states = self._init.outputs
        for specs in (self._step.inputs, self._step.outputs):
            _check_states(self._file.name, self.states, specs)
        self.inputs = {name: spec for name, spec in self._step.inputs.items() if name not in self.states}
        self.outputs = {name: spec for name, spec in self._step.outputs.items() if name not in self.states}
        self._threads, self._raw = threads, raw
        self._exact = frozenset({*self._step.inputs, *self._step.outputs} if raw else self.states)
        self._state: Arrays = {}
        self.reset()

    def __call__(self, **arrays: np.ndarray) -> Arrays:
        """Answer one step: arrays by input name -> arrays by output name, states in neither.

        A step that fails leaves the state as it was.

        Raises:
            ValueError: other names, shapes or dtypes.
            UserError: LiteRT can't run the model, or not on these inputs.
        """
        if arrays.keys() != self.inputs.keys():
            raise ValueError(f"expected inputs {sorted(self.inputs)}, got {sorted(arrays)}")
        answers = self._step({**arrays, **self._state}, self._exact)
        self._state = {name: answers.pop(name) for name in self.states}
        return answers

    def packets(self, sequence: np.ndarray) -> list[np.ndarray]:
        """Cut a sequence (steps, ...) into what one step takes of it each, for a model with one input.

        Raises:
            ValueError: its length isn't a multiple of a packet's.
        """
        (spec,) = self.inputs.values()
        packet = spec.shape[1]
        if len(sequence) == 0 or len(sequence) % packet:
            raise ValueError(f"expected a multiple of {packet} steps, at least one, got {len(sequence)}")
        return np.split(sequence, len(sequence) // packet)

    def predict(self, inputs: np.ndarray, workers: int = 1) -> np.ndarray:
        """Answer sequences (N, steps, ...), each from the state at the start, packet by packet.

        Args:
            inputs: for a model with one input and one output.
            workers: how many interpreters share the sequences, each in a thread of its own.

        Returns:
            What the last step gave, (N, ...); where steps give sequences (1, packet, ...), those of all
            steps, (N, steps, ...).
        """
        (name,), (output,) = self.inputs, self.outputs
        answers: list[np.ndarray] = [np.empty(0)] * len(inputs)

        def answer(stream: Stream, first: int) -> None:
            for i in range(first, len(inputs), workers):
                stream.reset()
                steps = [stream(**{name: packet[None]})[output] for packet in stream.packets(inputs[i])]
                answers[i] = np.concatenate(steps, axis=1) if steps[0].ndim > 2 else steps[-1]

        others = (Stream(self._file.content, self._threads, self._raw) for _ in range(workers - 1))
        _in_threads(answer, [self, *others])
        return np.concatenate(answers)

    def reset(self) -> None:
        """Put the state back to what `init` gives."""
        self._file.reset()
        self._state = self._init(self._init.zeros(), self.states.keys())

    @property
    def state(self) -> Arrays:
        """A copy of the state, by name. Set it to go on from there; UserError if it isn't this model's."""
        return {name: array.copy() for name, array in self._state.items()}

    @state.setter
    def state(self, state: Mapping[str, np.ndarray]) -> None:
        from .state import checked_state  # not on the way to the first answer

        self._state = checked_state(state, self.states)

    def save(self, path: str | Path) -> None:
        """Write the state to an .npz file. UserError if it can't be written."""
        from .state import save_state

        save_state(Path(path), self._state, self._file.content)

    def load(self, path: str | Path) -> None:
        """Go on from a state that was saved. UserError if it is damaged, or another model's."""
        from .state import load_state

        self._state = load_state(Path(path), self.states, self._file.content)


class _File:
    """A .tflite file that was checked, in an interpreter."""

    def __init__(self, source: str | Path | bytes, threads: int | None, isolated: bool = False) -> None:
        self.name, self.content = read_model(source)
        if isolated:
            from .probe import probe

            probe(source if isinstance(source, bytes) else Path(source))
        try:
            check_content(self.content)
        except UnsoundError as problem:
            raise UserError(f"{self.name}: not a sound .tflite file: {problem}") from None
        try:
            # LiteRT checks every offset of the file before it uses one: a file cut short is a ValueError.
            self._interpreter = Interpreter(model_content=self.content, num_threads=threads)
            self.keys = list(self._interpreter.get_signature_list())
            self.reset = self._interpreter.reset_all_variables
        except Exception as error:  # of many types, by what is wrong
            raise UserError(f"{self.name}: expected a .tflite model: {one_line(error)}") from None

    def signature(self, key: str) -> Signature:
        """Return one signature of the file."""
        if key not in self.keys:
            raise UserError(
                f"{self.name}: expected a .tflite model with signature {key!r}, found {self.keys or 'none'}"
            )
        try:
            return Signature(self.name, self._interpreter.get_signature_runner(key))
        except Exception as error:
            raise UserError(f"{self.name}: signature {key!r} can't be had: {one_line(error)}") from None


def rehearse(source: str | Path | bytes) -> None:
    """Load a file and run each of its signatures once, on zeros. UserError if it can't be."""
    file = _File(source, None)
    for key in file.keys:
        signature = file.signature(key)
        signature(signature.zeros(), signature.inputs)


def _check_states(file: str, states: Mapping[str, Spec], specs: Mapping[str, Spec]) -> None:
    """Refuse a step that doesn't take and give the states that `init` makes."""
    for name, spec in states.items():
        if specs.get(name) != spec:
            found = specs.get(name, "none")
            raise UserError(f"{file}: expected state {name!r} as `init` gives it, {spec}, found {found}")


def _in_threads(answer: Any, models: list[Any]) -> None:
    if len(models) == 1:
        answer(models[0], 0)
        return
    from concurrent.futures import ThreadPoolExecutor  # not on the way to the first answer

    with ThreadPoolExecutor(len(models)) as pool:
        list(pool.map(answer, models, range(len(models))))
