"""The runtime on the device: run a .tflite model through LiteRT, with numpy and ai-edge-litert only.

It must never import TensorFlow, Keras or MLflow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from .file_check import MAX_MEMORY
from .interpreter import TfliteFile
from .quantized_io import Spec, require_finite
from .signature import Arrays

__all__ = ["Model", "Spec", "Stream", "runner_of"]


class Model:
    """Run a .tflite model on whole examples, through its signature `serve`.

    Real numbers given to an integer input are quantised. Integer outputs that stand for real numbers are
    returned as float32. Several threads may call one model; they take turns.

    Args:
        source: the path of the file, or its content.
        threads: the number of threads that one call may use; None means LiteRT's default, one. More threads
            do not speed up a loop.
        raw: take and return the file's own integers, without quantising or dequantising.
        isolated: load and run the file in another process first (see `probe`). Use it for files of unknown
            origin: a file that crashes LiteRT, or runs for over a minute, is then an error instead of the end
            of your program. It can't promise that no other input does so.
        check_finite: refuse inputs with NaN or infinity.
        max_memory: the most bytes that the file's tensors, without its constants, may need.

    Attributes:
        inputs, outputs: a `Spec` (shape with its batch of 1, dtype) for each name.

    Raises:
        UserError: the file can't be read, is damaged or isn't a .tflite model with the signature `serve`, or
            needs more than `max_memory`.
    """

    def __init__(
        self,
        source: str | Path | bytes,
        threads: int | None = None,
        *,
        raw: bool = False,
        isolated: bool = False,
        check_finite: bool = True,
        max_memory: int = MAX_MEMORY,
    ) -> None:
        self._file = TfliteFile(source, threads, isolated=isolated, max_memory=max_memory)
        self._options: dict[str, Any] = {"threads": threads, "raw": raw}
        self._options |= {"check_finite": check_finite, "max_memory": max_memory}
        self._check_finite = check_finite
        self._serve = self._file.signature("serve")
        self.inputs, self.outputs = self._serve.inputs, self._serve.outputs
        self._exact = frozenset({*self.inputs, *self.outputs} if raw else ())

    def __call__(self, **arrays: np.ndarray) -> Arrays:
        """Run the model on one example.

        Args:
            arrays: one array for each input name, of the shapes in `inputs`.

        Returns:
            One array for each output name.

        Raises:
            ValueError: the names, shapes or dtypes are not those of the model, or an input isn't finite.
            UserError: LiteRT can't run the model on these inputs.
        """
        if self._check_finite:
            require_finite(arrays)
        with self._file.lock:
            answer = self._serve(arrays, self._exact)
            self._file.reset()  # TFLite's own LSTM would otherwise start from the state of the last example
        return answer

    def predict(self, inputs: np.ndarray | Mapping[str, np.ndarray], workers: int = 1) -> Any:
        """Run the model on N examples, one after the other.

        Args:
            inputs: an array (N, ...) for a model with one input, otherwise a dict of such arrays by name.
            workers: the number of interpreters that share the examples, each in its own thread.

        Returns:
            An array (N, ...) for a model with one output, otherwise a dict of arrays by name.

        Raises:
            ValueError: the inputs differ in N, or names, shapes or dtypes are not those of the model.
            UserError: LiteRT can't run the model on these inputs.
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

        others = (Model(self._file.content, **self._options) for _ in range(workers - 1))
        _in_threads(answer, [self, *others])
        rows = {name: self._together(name, answers) for name in self.outputs}
        return rows if len(rows) > 1 else next(iter(rows.values()))

    def _only_input(self) -> str:
        if len(self.inputs) != 1:
            raise ValueError(f"this model has inputs {sorted(self.inputs)}: pass a dict of arrays by name")
        return next(iter(self.inputs))

    def _together(self, name: str, answers: list[Arrays]) -> np.ndarray:
        if answers:
            return np.concatenate([answer[name] for answer in answers])
        sizes = (max(size, 0) for size in self.outputs[name].shape[1:])
        return np.empty((0, *sizes), self._serve.dtype(name, self._exact))


class Stream:
    """Run a streaming .tflite model: one step a call, with the state kept between calls.

    Real numbers given to an integer input are quantised. Integer outputs that stand for real numbers are
    returned as float32. Integer states stay integers. Several threads may call one stream; they take turns,
    and each call advances its one state.

    Args:
        source: the path of the file, or its content.
        threads: the number of threads that one call may use; None means LiteRT's default, one.
        raw: take and return the file's own integers, without quantising or dequantising.
        isolated: load and run the file in another process first (see `probe`). Use it for files of unknown
            origin: a file that crashes LiteRT, or runs for over a minute, is then an error instead of the end
            of your program. It can't promise that no other input does so.
        check_finite: refuse inputs with NaN or infinity.
        max_memory: the most bytes that the file's tensors, without its constants, may need.

    Attributes:
        inputs, outputs, states: a `Spec` (shape with its batch of 1, dtype) for each name.

    Raises:
        UserError: the file can't be read, is damaged, needs more than `max_memory` or isn't a .tflite model
            with signatures `init` and `step` that agree on the states.
    """

    def __init__(
        self,
        source: str | Path | bytes,
        threads: int | None = None,
        *,
        raw: bool = False,
        isolated: bool = False,
        check_finite: bool = True,
        max_memory: int = MAX_MEMORY,
    ) -> None:
        self._file = TfliteFile(source, threads, isolated=isolated, max_memory=max_memory)
        self._init, self._step = (self._file.signature(key) for key in ("init", "step"))
        self.states = self._init.outputs
        for specs in (self._step.inputs, self._step.outputs):
            _check_states(self._file.name, self.states, specs)
        self.inputs = {name: spec for name, spec in self._step.inputs.items() if name not in self.states}
        self.outputs = {name: spec for name, spec in self._step.outputs.items() if name not in self.states}
        self._options: dict[str, Any] = {"threads": threads, "raw": raw}
        self._options |= {"check_finite": check_finite, "max_memory": max_memory}
        self._check_finite = check_finite
        self._exact = frozenset({*self._step.inputs, *self._step.outputs} if raw else self.states)
        self._state: Arrays = {}
        self.reset()

    def __call__(self, **arrays: np.ndarray) -> Arrays:
        """Run one step, and keep the new state. If a step fails, the state doesn't change.

        Args:
            arrays: one array for each input name, of the shapes in `inputs`; states are not passed.

        Returns:
            One array for each output name, without the states.

        Raises:
            ValueError: the names, shapes or dtypes are not those of the model, or an input isn't finite.
            UserError: LiteRT can't run the model on these inputs.
        """
        if self._check_finite:
            require_finite(arrays)
        with self._file.lock:
            answers = self._step(arrays, self._exact, self._state)
            self._state = {name: answers.pop(name) for name in self.states}
        return answers

    def packets(self, sequence: np.ndarray) -> list[np.ndarray]:
        """Cut a sequence (steps, ...) into packets, one for each call of a model with one input.

        Raises:
            ValueError: the sequence's length isn't a multiple of the packet's.
        """
        (spec,) = self.inputs.values()
        packet = spec.shape[1]
        if len(sequence) == 0 or len(sequence) % packet:
            raise ValueError(f"expected a multiple of {packet} steps, at least {packet}, got {len(sequence)}")
        return np.split(sequence, len(sequence) // packet)

    def predict(self, inputs: np.ndarray, workers: int = 1) -> np.ndarray:
        """Run N sequences packet by packet, each from the initial state; for one input and one output.

        Args:
            inputs: sequences (N, steps, ...).
            workers: the number of interpreters that share the sequences, each in its own thread.

        Returns:
            The last step's output (N, ...). If one call returns a sequence (1, packet, ...), or a shorter
            one: the outputs of all steps (N, steps, ...).

        Raises:
            ValueError: shapes or dtypes are not those of the model.
            UserError: LiteRT can't run the model on these inputs.
        """
        (name,), (output,) = self.inputs, self.outputs
        shape = self.outputs[output].shape
        sequence = len(shape) > 2 and shape[1] <= self.inputs[name].shape[1]
        answers: list[np.ndarray] = [np.empty(0)] * len(inputs)

        def answer(stream: Stream, first: int) -> None:
            for i in range(first, len(inputs), workers):
                stream.reset()
                steps = [stream(**{name: packet[None]})[output] for packet in stream.packets(inputs[i])]
                answers[i] = np.concatenate(steps, axis=1) if sequence else steps[-1]

        others = (Stream(self._file.content, **self._options) for _ in range(workers - 1))
        _in_threads(answer, [self, *others])
        return np.concatenate(answers)

    def reset(self) -> None:
        """Set the state back to the initial one, which the signature `init` returns."""
        with self._file.lock:
            self._file.reset()
            self._state = self._init(self._init.zeros(), self.states.keys())

    @property
    def state(self) -> Arrays:
        """A copy of the state, arrays by name. Set it to continue from another state.

        Raises:
            UserError: the state that is set doesn't fit the model.
        """
        return {name: array.copy() for name, array in self._state.items()}

    @state.setter
    def state(self, state: Mapping[str, np.ndarray]) -> None:
        from .state import checked_state  # imported late: most programs don't need it

        self._state = checked_state(state, self.states)

    def save(self, path: str | Path) -> None:
        """Write the state to an .npz file; raise UserError if it can't be written."""
        from .state import save_state

        save_state(Path(path), self._state, self._file.content)

    def load(self, path: str | Path) -> None:
        """Continue from a saved state. Raise UserError if the file is damaged or belongs to another model."""
        from .state import load_state

        self._state = load_state(Path(path), self.states, self._file.content)


def runner_of(execution: str) -> type[Model] | type[Stream]:
    """Return the class that runs files of an execution: `Stream` for "step", `Model` for all others."""
    return Stream if execution == "step" else Model


def _check_states(file: str, states: Mapping[str, Spec], specs: Mapping[str, Spec]) -> None:
    """Check that the signature `step` takes and returns the states that `init` returns."""
    for name, spec in states.items():
        if specs.get(name) != spec:
            found = specs.get(name, "none")
            raise UserError(f"{file}: expected state {name!r} as `init` gives it, {spec}, found {found}")


def _in_threads(answer: Callable[[Any, int], None], models: list[Any]) -> None:
    if len(models) == 1:
        answer(models[0], 0)
        return
    from concurrent.futures import ThreadPoolExecutor  # imported late: most programs don't need it

    with ThreadPoolExecutor(len(models)) as pool:
        list(pool.map(answer, models, range(len(models))))
