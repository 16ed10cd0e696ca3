"""Write a Keras model as a TensorFlow SavedModel. Every .tflite variant is converted from one.

Signatures for whole sequences: `serve` takes one example, `serve_batch` takes any number of them.
Signatures for streams: `init` returns the states to start from; `step` takes inputs and states, and returns
outputs and new states.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..._layers import layers
from ...evaluation.predictors import in_batches
from .bitwise import spell_out_bits

InputSpecs = Mapping[str, tuple[Sequence[int | None], str]]
"""Shape without the batch, and dtype, by input name: {"tokens": ((50,), "int32")}."""

Tensors = dict[str, tf.Tensor]


def write_saved_model(
    model: keras.Model,
    folder: Path,
    input_specs: InputSpecs,
    output_names: Sequence[str],
    *,
    execution: str = "loop",
    packet: int = 1,
    whole: Collection[str] = (),
) -> None:
    """Write `model` to `folder`, with its recurrent layers in one execution.

    A model with several inputs is called with a dictionary of inputs by name.

    Args:
        model: a built model.
        folder: where to write. It is created or overwritten.
        input_specs: shape without the batch, and dtype, by input name. For "step", too, give the shapes
            of whole sequences: (steps, ...).
        output_names: the names of the outputs in all signatures, in the model's order.
        execution: "loop", "unrolled", "fused" or "step".
        packet: how many elements of a sequence one step takes, such as the samples of a frame of sound.
        whole: the inputs that are not sequences; each step takes them whole.

    Raises:
        ValueError: a layer can't run in this execution. The message names the layer.
    """
    archive = keras.export.ExportArchive()
    archive.track(model)
    if execution == "step":
        endpoints = _step_endpoints(model, input_specs, output_names, packet=packet, whole=whole)
    else:
        endpoints = _endpoints(model, input_specs, output_names, with_batches=execution == "loop")
    for name, function, specs in endpoints:
        archive.add_endpoint(
            name, _traced_in("unrolled" if execution == "step" else execution, function), specs
        )
    archive.write_out(str(folder), verbose=False)
    spell_out_bits(folder)


def _traced_in(execution: str, function: Callable[..., Tensors]) -> Callable[..., Tensors]:
    """Return the function with an execution for its own trace.

    Keras traces the whole model once more, as a loop: a step written out for each element takes minutes.
    """

    @tf.autograph.experimental.do_not_convert
    def call(*inputs: Tensors) -> Tensors:
        with layers.execution(execution):
            return function(*inputs)

    return call


Endpoint = tuple[str, Callable[..., Tensors], list[Any]]


def _endpoints(
    model: keras.Model, input_specs: InputSpecs, output_names: Sequence[str], with_batches: bool
) -> list[Endpoint]:
    def serve(inputs: Tensors) -> Tensors:
        return _named(model(arguments(model, inputs), training=False), output_names)

    batches = (("serve", 1), ("serve_batch", None)) if with_batches else (("serve", 1),)
    return [(name, serve, [_tensor_specs(input_specs, batch)]) for name, batch in batches]


def _step_endpoints(
    model: keras.Model,
    input_specs: InputSpecs,
    output_names: Sequence[str],
    *,
    packet: int,
    whole: Collection[str],
) -> list[Endpoint]:
    one_step = layers.OneStep(model, taken=(*input_specs, *output_names))

    def init() -> Tensors:
        return one_step.initial_states(1)

    def step(given: Tensors) -> Tensors:
        states = {name: given[name] for name in one_step.states}
        outputs, states = one_step(arguments(model, {name: given[name] for name in input_specs}), states)
        return {**_named(outputs, output_names), **states}

    of_one = {
        name: (shape if name in whole else (packet, *shape[1:]), kind)
        for name, (shape, kind) in input_specs.items()
    }
    specs = _tensor_specs(of_one, 1)
    for name, state in one_step.initial_states(1).items():
        specs[name] = tf.TensorSpec(state.shape, state.dtype, name=name)
    return [("init", init, []), ("step", step, [specs])]


def arguments(model: keras.Model, inputs: Mapping[str, Any]) -> Any:
    """Return inputs by name as the model takes them: in the structure of a Functional model's own.

    A single input may have any name.
    """
    only = next(iter(inputs.values())) if len(inputs) == 1 else None
    if hasattr(model, "operations") and not isinstance(model, keras.Sequential):
        return keras.tree.map_structure(lambda each: inputs[each.name] if only is None else only, model.input)
    return inputs if only is None else only


def _named(outputs: Any, names: Sequence[str]) -> Tensors:
    if isinstance(outputs, dict):
        return {name: outputs[name] for name in names}
    return dict(zip(names, keras.tree.flatten(outputs), strict=True))


def _tensor_specs(input_specs: InputSpecs, batch: int | None) -> dict[str, tf.TensorSpec]:
    return {
        name: tf.TensorSpec((batch, *shape), dtype, name=name) for name, (shape, dtype) in input_specs.items()
    }


class SavedModelPredictor:
    """A SavedModel with one input and one output. It runs in batches, with the signature `serve_batch`."""

    def __init__(self, folder: Path, batch_size: int = 256) -> None:
        self._module = tf.saved_model.load(str(folder))  # holds the variables that the signature uses
        self._serve = self._module.signatures["serve_batch"]
        ((self._input, self._spec),) = self._serve.structured_input_signature[1].items()
        (self._output,) = self._serve.structured_outputs
        self._batch_size = batch_size

    def __call__(self, inputs: np.ndarray, /) -> np.ndarray:
        """Return the outputs (N, K) for inputs (N, ...)."""
        return in_batches(self._answer, inputs, self._batch_size)

    def _answer(self, batch: np.ndarray, /) -> np.ndarray:
        given = {self._input: tf.constant(batch, self._spec.dtype)}
        return self._serve(**given)[self._output].numpy()
