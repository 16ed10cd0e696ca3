"""Finds in a Keras model the places where the integer file that is exported from it rounds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..._layers import layers
from ...errors import ExportError
from ..keras.saved_model import arguments
from ..tflite.convert import Source
from ..tflite.graph_runner import GraphRunner
from .operations import Key, observed
from .places import Places, Ran, find_places

_STEPS = 8
"""Steps of a stream on which operations of the file are found in Keras."""


def places_of(model: keras.Model, source: Source, input_names: Collection[str], *, precision: str) -> Places:
    """Convert a model as the exporter does, and return where and with which scales its integer file rounds.

    Args:
        model: a built model.
        source: the SavedModel of the model, with whole sequences to measure ranges on.
        input_names: the inputs of the model; those of a step are these and the states.
        precision: int8 or int16x8.

    Raises:
        ExportError: the model can't be converted, or an operation of the file has no counterpart in Keras.
    """
    exact, quantized, examples = source.quantized(precision)
    stepwise = source.execution == "step"
    few = list(islice(examples, _STEPS if stepwise else 1))
    run = _run_steps if stepwise else _run_whole
    try:
        return find_places(
            exact,
            quantized,
            _values(exact, few, "step" if stepwise else "serve"),
            _ran(model, partial(run, model, few, input_names)),
        )
    except ExportError as error:
        raise ExportError(f"{precision}_{source.execution}.tflite: {error}") from error


def _values(
    exact: Any, examples: Sequence[Mapping[str, np.ndarray]], signature: str
) -> dict[str, list[np.ndarray]]:
    """Return all values of each float32 tensor of a file."""
    values: dict[str, list[np.ndarray]] = defaultdict(list)

    def note(tensor: Any, value: np.ndarray) -> None:
        if value.dtype == np.float32:
            values[tensor.name.decode()].append(value.copy())

    runner = GraphRunner(exact, note)
    for example in examples:
        runner.run_signature(signature, example)
    return values


def _ran(model: keras.Model, run: Callable[[], None]) -> dict[Key, Ran]:
    """Return what each operation of Keras reads and returns while the model runs."""
    ran: dict[Key, Ran] = defaultdict(Ran)

    def note(key: Key, inputs: Sequence[tf.Tensor], output: tf.Tensor) -> None:
        ran[key].read.append([_array(each) for each in inputs])
        ran[key].returned.append(output.numpy())

    with observed(model, note):
        run()
    return dict(ran)


def _run_whole(
    model: keras.Model, examples: Sequence[Mapping[str, np.ndarray]], input_names: Collection[str]
) -> None:
    """Run a model on whole sequences."""
    with layers.execution("loop"):
        for example in examples:
            model(
                arguments(model, {name: tf.constant(example[name]) for name in input_names}), training=False
            )


def _run_steps(
    model: keras.Model, examples: Sequence[Mapping[str, np.ndarray]], input_names: Collection[str]
) -> None:
    """Run a model on steps with their states."""
    states = {name for name in examples[0] if name not in input_names}
    one_step = layers.OneStep(model, taken=input_names)
    if set(one_step.states) != states:
        raise ExportError(f"expected the states {sorted(states)}, got {sorted(one_step.states)}")
    with layers.execution("unrolled"):
        for example in examples:
            given = {name: tf.constant(value) for name, value in example.items()}
            one_step(
                arguments(model, {name: given[name] for name in input_names}),
                {name: given[name] for name in one_step.states},
            )


def _array(tensor: tf.Tensor) -> np.ndarray:
    """Return a tensor as an array; an empty one for what numpy has not, such as a variable."""
    return np.zeros(0, bool) if tensor.dtype in (tf.resource, tf.variant) else tensor.numpy()
