"""Recurrent layers of foreign networks as layers of this project, with their weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import keras
import numpy as np

from ..._layers import layers
from .value import RefusedError, Value, arranged, lazily, selected

GATES = {"lstm": "ifgo", "gru": "zrg", "simple_rnn": "h"}
"""The order of the blocks in our weights: input, forget, new content, output; update, reset, new content."""


@dataclass(frozen=True)
class Weights:
    """The weights of one direction of a layer, with the blocks of the gates in the order that is given."""

    gates: str
    """The order of the blocks, in the letters of `GATES`."""
    kernel: np.ndarray
    """(gates * units, features)"""
    recurrent_kernel: np.ndarray
    """(gates * units, size of h)"""
    input_bias: np.ndarray | None = None
    """(gates * units,), added to the product with the input."""
    state_bias: np.ndarray | None = None
    """(gates * units,), added to the product with the state."""
    projection: np.ndarray | None = None
    """(size of h, units), LSTM only."""
    peepholes: np.ndarray | None = None
    """(3, units) for the gates i, f, o, LSTM only."""


@dataclass(frozen=True)
class Recurrence:
    """A stack of layers of one kind: from the lowest to the highest, one or two directions each."""

    name: str
    """Unique in the network; also the name of the layer."""
    cell: str
    """A key of `GATES`."""
    weights: Sequence[Sequence[Weights]]
    """For each layer its directions. The second one of two reads the sequence from its end."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of our layer, such as `activation` and `reset_after`."""
    backwards: bool = False
    """Read from the end. Layers of one direction only."""


class Used:
    """Which results of which `Recurrence` are read: "sequence", "last" or "states".

    A network is built twice. The first time shows what is read; the second time its layers return no more.
    """

    def __init__(self, known: set[tuple[str, str]] | None = None) -> None:
        self.known = known
        """The names and results that are read, if they are known."""
        self.found: set[tuple[str, str]] = set()

    def wants(self, name: str, result: str) -> bool:
        """Return whether a result may be read."""
        return self.known is None or (name, result) in self.known


class Layers:
    """The layers of one `Recurrence` on one sequence, made when one of their results is read."""

    def __init__(self, network: Recurrence, x: Value, axes: Sequence[int], used: Used) -> None:
        """Prepare the layers.

        Args:
            axes: the axes of `x` that are the batch, the steps and the features.
            used: what is read is added to it.
        """
        self.network, self.x, self.axes, self.used = network, x, axes, used
        wants = {result: used.wants(network.name, result) for result in ("sequence", "last", "states")}
        self.sequences = wants["sequence"]
        self.states = wants["states"] or (wants["sequence"] and wants["last"])
        self.directions = len(network.weights[0])
        self.names = ("h", "c") if network.cell == "lstm" else ("h",)
        self.initial: list[Value | np.ndarray | None] = []

    @cached_property
    def outputs(self) -> list[list[Any]]:
        """For each layer the Keras tensors that it returns."""
        below, made = arranged(self.x, self.axes), []
        highest = len(self.network.weights) - 1
        for level, weights in enumerate(self.network.weights):
            name = f"{self.network.name}_{level}" if highest else self.network.name
            sequences = level < highest or self.sequences
            layer = self._layer(weights, name, return_sequences=sequences, return_state=self.states)
            results = layer(below, initial_state=self._initial(level, below))
            layer.set_weights([array for each in weights for array in _arrays(self.network, each)])
            made.append(list(results) if isinstance(results, (list, tuple)) else [results])
            below = made[-1][0]
        return made

    def start_from(self, states: Sequence[Value | np.ndarray | None]) -> None:
        """Start from other states than zeros.

        Args:
            states: h and for an LSTM c, (layers * directions, batch, size) each. None is zeros.

        Raises:
            RefusedError: a constant differs from example to example.
        """
        if not any(isinstance(each, Value) or (each is not None and np.any(each)) for each in states):
            return
        for each in states:
            if isinstance(each, np.ndarray) and not np.array_equal(each, each[:, :1] + np.zeros_like(each)):
                raise RefusedError("starts from a state that differs from example to example")
        self.initial = list(states)

    def _initial(self, level: int, below: Any) -> list[Any] | None:
        """Return the first states of one layer."""
        if not self.initial:
            return None
        made = []
        for side in range(level * self.directions, (level + 1) * self.directions):
            for name, state in zip(self.names, self.initial, strict=True):
                if isinstance(state, Value):
                    made.append(arranged(selected(state, 0, side), (0, 1)))
                else:
                    row = np.zeros(self._size(name), np.float32) if state is None else state[side, 0]
                    made.append(keras.ops.zeros_like(below[:, 0, :1]) + row[None])
        return made

    def _layer(self, weights: Sequence[Weights], name: str, **returned: bool) -> Any:
        first = weights[0]
        options = dict(self.network.options)
        if first.projection is not None:
            options["projection"] = first.projection.shape[0]
        if first.peepholes is not None:
            options["peepholes"] = True
        units = len(first.kernel) // len(first.gates)
        bias = first.input_bias is not None or first.state_bias is not None
        layer = layers.by_name(self.network.cell)(
            units, name=name, use_bias=bias, go_backwards=self.network.backwards, **returned, **options
        )
        return layer if self.directions == 1 else layers.Bidirectional(layer, name=name)

    def sequence(self) -> Value:
        """Return the highest layer's output, (batch, steps, directions * size of h)."""
        rows, steps = (self.x.shape[axis] for axis in self.axes[:2])
        backwards = self.network.backwards

        def read() -> Any:
            output = self._read("sequence")[-1][0]
            return keras.ops.flip(output, 1) if backwards else output

        size = self.directions * self._size("h")
        last = None if backwards or self.directions == 2 else self.states_of("h")[-1]
        return Value((rows, steps, size), (0, 1, 2), lazily(read), last)

    def states_of(self, name: str) -> list[Value]:
        """Return the last states "h" or "c", (batch, size): for each layer each direction."""
        rows, highest = self.x.shape[self.axes[0]], len(self.network.weights) - 1
        found = []
        for level in range(highest + 1):
            for side in range(self.directions):
                position = 1 + side * len(self.names) + self.names.index(name)
                at_end = level == highest and self.directions == 1 and name == "h"
                read = partial(self._state, level, position, at_end=at_end)
                found.append(Value((rows, self._size(name)), (0, 1), lazily(read)))
        return found

    def _state(self, level: int, position: int, *, at_end: bool) -> Any:
        made = self._read("last" if at_end else "states")[level]
        return made[position] if self.states else made[0]

    def _read(self, result: str) -> list[list[Any]]:
        self.used.found.add((self.network.name, result))
        return self.outputs

    def _size(self, name: str) -> int:
        weights = self.network.weights[0][0]
        return weights.recurrent_kernel.shape[1] if name == "h" else len(weights.kernel) // len(weights.gates)


def _arrays(network: Recurrence, weights: Weights) -> list[np.ndarray]:
    """Return the weights of one direction as our layer holds them."""
    blocks = partial(_blocks, theirs=weights.gates, ours=GATES[network.cell])
    arrays = [blocks(weights.kernel).T, blocks(weights.recurrent_kernel).T]
    if weights.input_bias is not None or weights.state_bias is not None:
        zeros = np.zeros(len(weights.kernel), weights.kernel.dtype)
        both = [zeros if bias is None else blocks(bias) for bias in (weights.input_bias, weights.state_bias)]
        apart = network.cell == "gru" and network.options.get("reset_after", True)
        arrays.append(np.stack(both) if apart else both[0] + both[1])
    arrays += [] if weights.peepholes is None else [weights.peepholes]
    return arrays + ([] if weights.projection is None else [weights.projection.T])


def _blocks(array: np.ndarray, theirs: str, ours: str) -> np.ndarray:
    """Return the blocks along the first axis in the order of our layer."""
    blocks = dict(zip(theirs, np.split(array, len(theirs)), strict=True))
    return np.concatenate([blocks[gate] for gate in ours])
