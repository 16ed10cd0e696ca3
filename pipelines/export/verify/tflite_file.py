"""Run a .tflite file in the classic interpreter: whole sequences, or a stream step by step."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np

from ...evaluation.latency import latency_ms
from ...ondevice.model import Model, Spec, Stream
from ..packets import packets
from .reference import Arrays

Steps = Sequence[Mapping[str, np.ndarray]]
"""The outputs of each call, by name, with a batch of 1."""
_TIMED = 200
_EXAMPLES_PER_THREAD = 32


class TFLiteFile:
    """A .tflite file, ready to run.

    Args:
        content: the bytes of the file.
        execution: "step" for a stream; all others take whole sequences.

    Raises:
        UserError: the file can't be loaded.
    """

    def __init__(self, content: bytes, execution: str) -> None:
        self.content = content
        self.model: Model | Stream = Stream(content) if execution == "step" else Model(content)

    def outputs(self, inputs: Arrays, expected: Arrays) -> dict[str, np.ndarray]:
        """Run all examples, and return outputs (N, ...) by name.

        Args:
            inputs: (N, ...) by name.
            expected: the outputs of Keras. They show which outputs of a stream hold a value for each step.

        Raises:
            UserError: LiteRT can't run the file on these inputs.
            ValueError: the file lacks one of these inputs or outputs.
        """
        count = len(next(iter(inputs.values())))
        workers = max(1, min(os.cpu_count() or 1, count // _EXAMPLES_PER_THREAD))
        if isinstance(self.model, Model):
            answers = self.model.predict(inputs, workers)
            if not isinstance(answers, dict):
                answers = {next(iter(self.model.outputs)): answers}
            return {name: answers[name] for name in expected}
        with ThreadPoolExecutor(workers) as pool:
            rows = np.array_split(np.arange(count), workers)
            parts = list(pool.map(lambda some: self._streamed(inputs, some, expected), rows))
        return {name: np.concatenate([part[name] for part in parts]) for name in expected}

    def calls(self, example: Arrays) -> Iterator[Mapping[str, np.ndarray]]:
        """Yield the inputs of each call for one example (1, ...): a single call, or one for each step."""
        return packets(self.model, example) if isinstance(self.model, Stream) else iter([example])

    def latency_ms(self, inputs: Arrays) -> dict[str, float]:
        """Return p50 and p95 of the latency of one call with batch 1, in milliseconds."""
        calls = list(islice((call for example in examples(inputs) for call in self.calls(example)), _TIMED))
        return latency_ms(lambda index: self._first_output(calls[index[0]]), np.arange(len(calls)))

    def signatures(self) -> dict[str, Any]:
        """Return shapes and dtypes of inputs, outputs and states, as the manifest lists them."""
        described = {"inputs": _listed(self.model.inputs), "outputs": _listed(self.model.outputs)}
        if isinstance(self.model, Stream):
            return {"step": described | {"states": _listed(self.model.states)}}
        return {"serve": described}

    def _first_output(self, call: Arrays) -> np.ndarray:
        return next(iter(self.model(**call).values()))

    def _streamed(self, inputs: Arrays, rows: np.ndarray, expected: Arrays) -> dict[str, np.ndarray]:
        stream = Stream(self.content)  # threads must not share an interpreter
        answers = []
        for example in examples(inputs, rows):
            stream.reset()
            answers.append(joined([stream(**call) for call in packets(stream, example)], expected))
        return {name: np.concatenate([answer[name] for answer in answers]) for name in expected}


def examples(inputs: Arrays, rows: Sequence[int] | np.ndarray | None = None) -> Iterator[dict[str, Any]]:
    """Yield examples with a batch of 1; by default all of them."""
    count = len(next(iter(inputs.values())))
    for i in range(count) if rows is None else rows:
        yield {name: array[i : i + 1] for name, array in inputs.items()}


def joined(steps: Steps, expected: Arrays) -> dict[str, np.ndarray]:
    """Join the outputs of a stream's steps into (1, ...), by output name.

    An output with a value for each step in Keras is joined along the steps. For any other output, the value
    of the last step is returned.
    """
    answers = {}
    for name, wanted in expected.items():
        values = [step[name] for step in steps]
        answers[name] = values[-1]
        if wanted.ndim == values[0].ndim > 1 and wanted.shape[1] == len(values) * values[0].shape[1]:
            answers[name] = np.concatenate(values, axis=1)
    return answers


def _listed(specs: Mapping[str, Spec]) -> dict[str, Any]:
    return {name: {"shape": list(spec.shape), "dtype": spec.dtype.name} for name, spec in specs.items()}
