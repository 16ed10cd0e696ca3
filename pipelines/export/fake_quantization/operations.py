"""Shows each operation of TensorFlow that a Keras model runs, under a name that does not depend on the run.

TensorFlow numbers operations anew in each graph. Here an operation is named by its layer, by the map of the
cell that it belongs to, by its type, and by how many of that type came before it in the same call. So it has
the same name in training, in a whole sequence and in one step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from tensorflow.python.framework import op_callbacks  # the only way to see and replace what operations return

from ..._layers import layers

_MAPS = ("project_inputs", "project_state", "update")


class Key(NamedTuple):
    """The name of an operation."""

    layer: str
    """The path of the Keras layer, or the name of an operation of `keras.ops` in a functional model."""
    map: str
    """The map of the cell: project_inputs, project_state or update; empty outside of cells."""
    kind: str
    """The type of TensorFlow's operation, such as "MatMul"."""
    number: int
    """How many of this type came before it in the same call of the map, or in all calls of the layer."""


Observer = Callable[[Key, Sequence[tf.Tensor], tf.Tensor], tf.Tensor | None]
"""observe(key, inputs, output) -> what takes the place of the output in a graph; None: itself."""


class _Place:
    """The layers and maps of cells that are being called, and the operations that each has had."""

    def __init__(self) -> None:
        self.stack: list[tuple[str, str]] = []
        self.seen: dict[tuple[str, str], Counter[str]] = {}

    def key(self, kind: str) -> Key:
        where = self.stack[-1]
        counter = self.seen.setdefault(where, Counter())
        counter[kind] += 1
        return Key(*where, kind, counter[kind] - 1)

    def enter(self, layer: str, of_map: str = "") -> None:
        """Enter a layer; or a map of a cell, which a loop calls at each step, so that it counts anew."""
        self.stack.append((layer, of_map))
        if of_map:
            self.seen.pop((layer, of_map), None)
        elif len(self.stack) == 1:
            self.seen.clear()


@contextmanager
def observed(model: keras.Model, observe: Observer) -> Iterator[None]:
    """Show the operations of `model` and of models that share its layers, in a `with` block.

    Operations with one float32 output are shown, in the order in which they are run or traced. In a graph
    `observe` may replace the output; what was traced in the block keeps the replaced ones.

    Args:
        model: a built model.
        observe: called for each operation.
    """
    place = _Place()

    def shown(kind: Any, inputs: Any, attributes: Any, outputs: Any, *_: Any, **__: Any) -> Any:
        if not place.stack or len(outputs) != 1 or outputs[0].dtype != tf.float32:
            return None
        kind = kind.decode() if isinstance(kind, bytes) else kind
        made = observe(place.key(kind), inputs, outputs[0])
        return None if made is None else [made]

    with _layers_entered(place, shown), _maps_entered(model, place):
        yield


@contextmanager
def _layers_entered(place: _Place, shown: Callable[..., Any]) -> Iterator[None]:
    """Enter each layer and operation of Keras that is called; TensorFlow shows its operations inside."""
    plain = keras.Operation.__call__

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        outermost = not place.stack
        place.enter(getattr(operation, "path", None) or operation.name)
        if outermost:
            op_callbacks.add_op_callback(shown)
        try:
            return plain(operation, *args, **kwargs)
        finally:
            place.stack.pop()
            if outermost:
                op_callbacks.remove_op_callback(shown)

    keras.Operation.__call__ = call
    try:
        yield
    finally:
        keras.Operation.__call__ = plain


@contextmanager
def _maps_entered(model: keras.Model, place: _Place) -> Iterator[None]:
    """Enter each map of each cell that is called."""
    cells = [each for each in model._flatten_layers() if isinstance(each, layers.Cell)]

    def entered(cell: Any, name: str, plain: Callable[..., Any], *args: Any) -> Any:
        place.enter(cell.path, name)
        try:
            return plain(*args)
        finally:
            place.stack.pop()

    for cell in cells:
        for name in _MAPS:
            vars(cell)[name] = partial(entered, cell, name, getattr(cell, name))
    try:
        yield
    finally:
        for cell in cells:
            for name in _MAPS:
                del vars(cell)[name]
