"""Cut off the CTC loss that training models of texts and speech end with."""

from __future__ import annotations

import logging
import types
from collections.abc import Iterator
from typing import Any

import keras

log = logging.getLogger(__name__)


def without_ctc_loss(model: keras.Model) -> keras.Model:
    """Return the model without CTC losses among its outputs, and without the inputs that only they use.

    Such a model takes labels and lengths and answers with a loss, or has a layer that adds the loss and
    passes the probabilities on. A loss is known by the names in the code of its layer, such as
    `keras.backend.ctc_batch_cost` and `keras.ops.ctc_loss`. The output becomes the tensor that the loss gets
    from the network.

    Args:
        model: a built model. It is not changed; the new one shares its layers.

    Returns:
        A new Functional model, or `model` itself if it has no such loss.
    """
    if not getattr(model, "operations", None) or isinstance(model, keras.Sequential):
        return model
    losses: list[str] = []
    outputs = keras.tree.map_structure(lambda tensor: _before_loss(tensor, losses), model.output)
    if not losses:
        return model
    needed = {id(each) for output in keras.tree.flatten(outputs) for each in _given(output)}
    kept = [each for each in model.inputs if id(each) in needed]
    dropped = [each.name for each in model.inputs if id(each) not in needed]
    also = f", and the inputs that it alone uses are dropped: {', '.join(dropped)}" if dropped else ""
    log.warning("%s: the CTC loss %s is cut off%s", model.name, ", ".join(losses), also)
    return keras.Model(kept if len(kept) > 1 else kept[0], outputs, name=model.name)


def _node(tensor: Any) -> tuple[Any, Any]:
    """Return the operation that made a tensor, and the node of that call."""
    operation, node_index, _ = tensor._keras_history
    return operation, operation._inbound_nodes[node_index]


def _before_loss(output: Any, losses: list[str]) -> Any:
    """Return the tensor that the loss behind an output gets from the network, or the output itself."""
    operation, node = _node(output)
    if _is_ctc_loss(operation):
        computed = [each for each in node.input_tensors if _weights_behind(each)]
        if computed:
            losses.append(operation.name)
            return max(computed, key=_weights_behind)
    elif not getattr(operation, "weights", None) and len(node.input_tensors) == 1:
        before = _before_loss(node.input_tensors[0], losses)  # such as the mean of the losses
        if before is not node.input_tensors[0]:
            return before
    return output


def _is_ctc_loss(operation: Any) -> bool:
    names = [name.lower() for name in (type(operation).__name__, operation.name, *_names_in_code(operation))]
    about = [name for name in names if "ctc" in name]
    is_loss = any("loss" in name or "cost" in name or name.endswith("ctc") for name in about)
    return is_loss and not any("decode" in name for name in about)


def _names_in_code(operation: Any) -> Iterator[str]:
    """Yield the names that the code of a layer uses, and those of functions and losses that it holds."""
    held = [each for each in vars(operation).values() if callable(each)]
    for each in (*held, getattr(operation, "function", None), type(operation).call):
        yield getattr(each, "__name__", type(each).__name__)
        if (code := getattr(each, "__code__", None)) is not None:
            yield from _names_in(code)


def _names_in(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from _names_in(each)


def _behind(tensor: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each tensor that one depends on, itself too, with the operation that made it."""
    seen, waiting = {id(tensor)}, [tensor]
    while waiting:
        each = waiting.pop()
        operation, node = _node(each)
        yield each, operation
        for before in node.input_tensors:
            if id(before) not in seen:
                seen.add(id(before))
                waiting.append(before)


def _given(tensor: Any) -> list[Any]:
    """Return the inputs of the model that a tensor depends on."""
    return [each for each, operation in _behind(tensor) if isinstance(operation, keras.layers.InputLayer)]


def _weights_behind(tensor: Any) -> int:
    """Return how many weights a tensor depends on: none for labels and lengths."""
    operations = {id(operation): operation for _, operation in _behind(tensor)}
    return sum(len(getattr(each, "weights", ())) for each in operations.values())
