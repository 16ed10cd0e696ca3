"""A signature of a SavedModel as a Keras model: TensorFlow runs it as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from ...errors import UserError

USUAL = "serving_default"
"""The name of the signature that most tools write and read."""

_SHAPE_OF_ELEMENTS = {
    "TensorListReserve": 0,
    "TensorListFromTensor": 1,
    "TensorListStack": 1,
    "TensorListGetItem": 2,
}
"""Operations on lists, and which of their inputs is the shape of an element."""


class Signature(keras.layers.TFSMLayer):
    """One signature of a SavedModel.

    In a graph for a batch of 1, the form that is exported, its lists of steps have elements of fixed shape:
    TensorFlow wrote them for any batch, which TFLite can't convert.

    Call arguments: {name: tensor}, as the signature names its inputs.
    Returns: {name: tensor}, as it names its outputs.

    Args:
        filepath: the folder.
        call_endpoint: the name of the signature.
    """

    def __init__(self, filepath: str, call_endpoint: str, **options: Any) -> None:
        super().__init__(filepath, call_endpoint, **options)
        self.call_endpoint_fn = self._reloaded_obj.signatures[call_endpoint]  # the base prefers an attribute

    def call(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return the outputs (the arguments are those of the class)."""
        if tf.executing_eagerly() or any(each.shape[0] != 1 for each in inputs.values()):
            return self.call_endpoint_fn(**inputs)
        return for_one_example(self.call_endpoint_fn, inputs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        config = super().get_config()
        del config["call_training_endpoint"]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Signature:
        """Return the layer again. The base refuses, since a file could name any folder; here the user did."""
        return cls(**config)


def for_one_example(function: Any, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Call a signature in a graph, with its variables as constants and a batch of 1 in all its lists.

    Args:
        function: a signature of a loaded SavedModel.
        inputs: tensors (1, ...) by name.

    Returns:
        The outputs by name.
    """
    with tf.init_scope():  # it reads the variables
        frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    graph = frozen.graph.as_graph_def()
    names = {each.signature.name: f"{each.signature.name}_of_one" for each in graph.library.function}
    for each in graph.library.function:
        each.signature.name = names[each.signature.name]
    for nodes in (graph.node, *(each.node_def for each in graph.library.function)):
        _fix_elements(nodes)
        for call in (value.func for node in nodes for value in node.attr.values() if value.HasField("func")):
            call.name = names.get(call.name, call.name)  # TensorFlow knows the original by its name
    places = {each.op.name: inputs[name] for name, each in zip(sorted(inputs), frozen.inputs, strict=True)}
    found = tf.graph_util.import_graph_def(
        graph,
        {f"{name}:0": tensor for name, tensor in places.items()},
        [each.name for each in frozen.outputs],
        "",
    )
    return dict(zip(sorted(function.structured_outputs), found, strict=True))


def _fix_elements(nodes: Any) -> None:
    """Let the elements of TensorFlow's lists have a batch of 1 where it was open."""
    by_name = {node.name: node for node in nodes}
    for node in nodes:
        if (place := _SHAPE_OF_ELEMENTS.get(node.op)) is None:
            continue
        shape = by_name.get(node.input[place].split(":")[0])
        if shape is not None and shape.op == "Const":
            value = tf.make_ndarray(shape.attr["value"].tensor)
            if value.ndim == 1 and len(value) and value[0] == -1:
                fixed = tf.make_tensor_proto([1, *value[1:]], value.dtype)
                shape.attr["value"].tensor.CopyFrom(fixed)


def signature_model(folder: Path, signature: str | None = None) -> keras.Model:
    """Return a model that answers as a signature of a SavedModel.

    Args:
        folder: the SavedModel.
        signature: its name. Default: `serving_default`, or the only one.

    Raises:
        UserError: the folder can't be read, it has no such signature, or the signature takes texts or has no
            batch.
    """
    try:
        found = tf.saved_model.load(str(folder)).signatures
    except (OSError, ValueError, KeyError, AttributeError, tf.errors.OpError) as error:
        raise UserError(f"{folder}: expected a SavedModel: {str(error).strip().splitlines()[0]}") from None
    name = signature or (next(iter(found)) if len(found) == 1 else USUAL)
    if name not in found:
        raise UserError(f"{folder}: --signature: expected one of {', '.join(found) or 'none'}, got {name!r}")
    specs = found[name].structured_input_signature[1]
    inputs = {each: _input(folder, spec) for each, spec in specs.items()}
    outputs = Signature(str(folder), name, name=name)(inputs)
    given = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    return keras.Model(given, outputs, name=folder.resolve().name)


def _input(folder: Path, spec: tf.TensorSpec) -> keras.KerasTensor:
    if spec.shape.rank is None or not spec.shape.rank or spec.shape[0] not in (None, 1):
        raise UserError(f"{folder}: {spec.name}: expected an open batch or a batch of 1, got {spec.shape}")
    return keras.Input(batch_shape=tuple(spec.shape), dtype=spec.dtype.name, name=spec.name)
