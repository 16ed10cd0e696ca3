"""The names of inputs and outputs: those that the user's layers have, each once."""

from __future__ import annotations

from typing import Any

import keras

from ..._layers import layers


def input_names(model: keras.Model, converted: keras.Model) -> dict[str, str]:
    """Return the name of each input in the converted model by its name in the original, in their order.

    They differ if Keras made up the name: `keras_tensor_3` in memory is `input_layer` in a file.
    """
    pairs = zip(_inputs(model), _inputs(converted), strict=True)
    return {old.name: new.name for old, new in pairs}


def _inputs(model: keras.Model) -> list[Any]:
    return list(getattr(model, "inputs", None) or [])


def output_names(model: keras.Model, count: int) -> list[str]:
    """Return the names of a model's outputs: their layers', with the state's behind it (lstm_h, lstm_c).

    Args:
        model: a built model.
        count: the number of its outputs, which a subclassed model does not tell.
    """
    graph = getattr(model, "_functional", None) or model  # the graph inside a Sequential model
    tensors = keras.tree.flatten(getattr(graph, "outputs", None) or [])
    if len(tensors) != count or not hasattr(graph, "operations"):
        return ["output"] if count == 1 else [f"output_{i}" for i in range(count)]
    names: list[str] = []
    for tensor in tensors:
        names.append(next(each for each in layers.streaming.numbered(_name(tensor)) if each not in names))
    return names


def _name(tensor: Any) -> str:
    operation, node, place = tensor._keras_history
    states = _states(operation)
    first = len(operation._inbound_nodes[node].output_tensors) - len(states)
    return operation.name if place < first else f"{operation.name}_{states[place - first]}"


def _states(layer: Any) -> list[str]:
    """Return the names of the states that a recurrent layer returns behind its output."""
    if not getattr(layer, "return_state", False):
        return []
    if hasattr(layer, "forward_layer"):
        both = (layer.forward_layer, layer.backward_layer)
        return [f"{each.name}_{state}" for each in both for state in _states(each)]
    cell = getattr(layer, "cell", None)
    if isinstance(cell, layers.Cell):
        return list(cell.state_names)
    sizes = keras.tree.flatten(getattr(cell, "state_size", []))
    usual = ["h"] if len(sizes) == 1 else ["h", "c"]
    return usual if len(sizes) <= 2 else [f"state_{i}" for i in range(len(sizes))]
