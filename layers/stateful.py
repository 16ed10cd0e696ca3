"""The states of a layer that runs a cell: the first states of a call, and those kept for the next call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from .cells.base import Cell
from .plain_layer import PlainLayer
from .states import States, carried_states


class StatefulLayer(PlainLayer):
    """Base class of `Recurrent`: chooses the first states of a call and keeps the last ones.

    A subclass sets `cell` and `stateful`, and calls `_make_states` in `build`.
    """

    cell: Cell
    stateful: bool
    _carried: Any = None

    @property
    def states(self) -> list[tf.Variable] | None:
        """The variables (batch, size) that a built stateful layer keeps its states in, otherwise None."""
        return None if self._carried is None else list(self._carried.states)

    def reset_state(self, states: Sequence[Any] | None = None) -> None:
        """Set the kept states of a stateful layer.

        Args:
            states: one array (batch, size) for each state; None sets zeros.

        Raises:
            ValueError: the layer is not stateful, is not built, or the shapes are wrong.
        """
        if not self.stateful:
            raise ValueError(f"{self.name}: reset_state: expected a layer with stateful=True")
        if self.states is None:
            if states is None:
                return  # a layer that is not built starts from zeros
            raise ValueError(f"{self.name}: reset_state: expected a built layer")
        values = [tf.zeros_like(variable) for variable in self.states] if states is None else states
        for variable, value in zip(self.states, self._checked_shapes(values, self.states[0]), strict=True):
            variable.assign(value)

    def reset_states(self, states: Sequence[Any] | None = None) -> None:
        """Do what `reset_state` does; Keras 2 had this name."""
        self.reset_state(states)

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the states that a stream starts from: zeros (batch_size, size), by name."""
        return dict(zip(self.cell.state_names, self.cell.get_initial_state(batch_size), strict=True))

    def _make_states(self, batch: int | None) -> None:
        if batch is None:
            raise ValueError(
                f"{self.name}: stateful=True: expected a fixed batch size, such as "
                "keras.Input(batch_size=...), got None"
            )
        self._carried = tf.Module()  # as in Keras, saved with the layer but not among its weights
        self._carried.states = [
            tf.Variable(zeros, trainable=False, name=f"state_{name}")
            for name, zeros in zip(self.cell.state_names, self.cell.get_initial_state(batch), strict=True)
        ]

    def _first_state(self, initial_state: Any, sequences: tf.Tensor) -> tuple[States, bool]:
        """Return the states to start from, and whether this is the start of a sequence.

        A stream counts as a start, because its outputs equal those of one call on the whole sequence.
        """
        if (carried := carried_states(self)) is not None:
            if initial_state is not None:
                raise ValueError(
                    f"{self.name}: streaming: expected no initial_state, because the stream carries the state"
                )
            return carried.take(self), True
        if initial_state is not None:
            given = self._checked_shapes(initial_state, sequences)
        elif self.states is not None:
            given = self._checked_shapes(self.states, sequences)
        else:
            return self.cell.get_initial_state(tf.shape(sequences)[0]), True
        return tuple(tf.cast(state, self.cell.state_dtype) for state in given), False

    def _keep_states(self, states: States) -> None:
        """Keep the last states for the next call, in a stream or a stateful layer."""
        if (carried := carried_states(self)) is not None:
            carried.put(self, states)
            return
        for variable, value in zip(self.states or (), states, strict=False):
            variable.assign(value)

    def _checked_shapes(self, state: Any, like: Any) -> tuple[Any, ...]:
        given = tuple(state) if isinstance(state, (list, tuple)) else (state,)
        expected = self.cell.state_shapes()
        shapes = [tf.TensorShape(part.shape) for part in given]
        wanted = [tf.TensorShape([like.shape[0], *shape]) for shape in expected]
        fits = [shape.is_compatible_with(other) for shape, other in zip(shapes, wanted, strict=False)]
        if len(shapes) != len(wanted) or not all(fits):
            sizes = ("batch, " + str(shape)[1:-1].rstrip(",") for shape in expected)
            raise ValueError(
                f"{self.name}: initial_state: expected {len(expected)} tensors of shapes "
                f"{', '.join(f'({each})' for each in sizes)} for "
                f"{self.cell.state_names}, got shapes {[tuple(shape) for shape in shapes]}"
            )
        return given
