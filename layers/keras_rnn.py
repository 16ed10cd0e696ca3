"""Recurrent layers of Keras that this package has no cell for: computed by their own cell, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from .plain_layer import PlainLayer
from .scan import Masks, batch_first, chosen_execution, loop, steps_first, unrolled
from .states import States, as_wide, carried_states, where_valid


class _Steps:
    """The steps of a Keras layer, as `scan.loop` and `scan.unrolled` call those of a `Cell`.

    The first state is the output of the step before: a masked step repeats it.

    Args:
        rnn: the layer.
        states: its states in the structure that its cell takes.
    """

    def __init__(self, rnn: Any, states: Any) -> None:
        self.cell, self._like = rnn.cell, states
        self._options = {"training": False} if getattr(self.cell, "_call_has_training_arg", False) else {}

    def __call__(self, x_t: tf.Tensor, states: Sequence[tf.Tensor]) -> States:
        """Return the output and the new states for one step of the inputs, (batch, ...) each."""
        output, new = self.cell(x_t, keras.tree.pack_sequence_as(self._like, list(states)), **self._options)
        return (output, *keras.tree.flatten(new))

    def project_previous(self, output: tf.Tensor, _: Any = None) -> tf.Tensor:
        """Return the output before the step: only the cell knows its maps."""
        return output

    def advance(
        self,
        x_t: tf.Tensor,
        _: tf.Tensor,
        state: States,
        *,
        valid: tf.Tensor | None = None,
        kept: Any = None,
    ) -> States:
        """Return the output and the states after one step; at padding, those before it."""
        new = self(x_t, state[1:])
        for part, old in zip(new, state, strict=True):
            part.set_shape(old.shape)
        return new if valid is None else where_valid(valid, new, state)


@keras.saving.register_keras_serializable("unrolled")
class KerasRNN(PlainLayer):
    """A recurrent layer of Keras, run in loops that TFLite has.

    `convert_model` makes it of layers that have no counterpart here: the user's own cells in
    `keras.layers.RNN`, subclasses of Keras's layers, and Bidirectional around them. The step is that of the
    layer's own cell. Training, dropout, masks and states are those of Keras.

    Args:
        layer: a `keras.layers.RNN`, a subclass of it, or a `keras.layers.Bidirectional`. It belongs to the
            new layer from now on.

    Call arguments and results: those of `layer`.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**({"name": layer.name, "dtype": layer.dtype_policy} | kwargs))
        self.layer = layer
        self.supports_masking = layer.supports_masking
        for each in self._directions:
            each.inner_loop = partial(self._inner_loop, each)
        self._output_is_state = False
        self._output_shape: Sequence[int | None] = ()
        self._input_shape: Sequence[int | None] | None = None

    @property
    def _directions(self) -> list[Any]:
        names = ("forward_layer", "backward_layer")
        return [getattr(self.layer, name) for name in names if hasattr(self.layer, name)] or [self.layer]

    @property
    def go_backwards(self) -> bool:
        """Whether a direction starts at the end of the sequence."""
        return any(each.go_backwards for each in self._directions)

    @property
    def return_sequences(self) -> bool:
        """Whether the output of every step is returned."""
        return bool(self.layer.return_sequences)

    def build(self, sequences_shape: Sequence[int | None], initial_state_shape: Any = None) -> None:
        """Build the layer for sequences (batch, steps, ...)."""
        self._input_shape = tuple(sequences_shape)
        if not self.layer.built:
            self.layer.build(sequences_shape)
            self.layer.built = True

    def call(
        self, sequences: tf.Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Return the results of the layer."""
        streaming, stateful = carried_states(self) is not None, getattr(self.layer, "stateful", False)
        if streaming and initial_state is not None:
            raise ValueError(
                f"{self.name}: streaming: expected no initial_state, because the stream carries the state"
            )
        if streaming and stateful:  # the stream keeps the states, not the layer
            self.layer.stateful = False
        try:
            return self.layer(sequences, initial_state=initial_state, mask=mask, training=training)
        finally:
            if streaming and stateful:
                self.layer.stateful = True

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the states that a stream starts from; the last output too, unless it is the first state."""
        if not self._output_shape and self._input_shape is not None:
            with tf.init_scope():  # one call shows what the cell returns
                self(tf.zeros([self._input_shape[0] or 1, 1, *self._input_shape[2:]], self.compute_dtype))
        states = keras.tree.flatten(self.layer.get_initial_state(batch_size))
        names = ["state"] if len(states) == 1 else [f"state_{i}" for i in range(len(states))]
        found = {} if self._output_is_state else {"output": self._no_output(batch_size)}
        return found | dict(zip(names, states, strict=True))

    def _no_output(self, batch_size: Any) -> tf.Tensor:
        return tf.zeros([batch_size, *self._output_shape[1:]], self.layer.compute_dtype)

    def _inner_loop(
        self, rnn: Any, sequences: tf.Tensor, initial_state: Any, *, mask: Any, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor, Any]:
        """Return the last output, all outputs and the last states, as `keras.layers.RNN.inner_loop` does."""
        if training:
            return type(rnn).inner_loop(rnn, sequences, initial_state, mask, training)
        if (how := chosen_execution(training=False)) == "fused":
            raise ValueError(
                f"{rnn.name}: execution 'fused': expected an LSTM, got {type(rnn.cell).__name__}; use 'loop'"
            )
        run: Any = unrolled if how == "unrolled" and sequences.shape[1] else loop
        step = _Steps(rnn, initial_state)
        x = steps_first(sequences, backwards=rnn.go_backwards)
        valid = None
        if mask is not None:
            valid = steps_first(tf.cast(mask, tf.bool)[:, :, None], backwards=rnn.go_backwards)
        state = self._first(step, x[0], tuple(keras.tree.flatten(initial_state)))
        outputs, state = run(step, x, state, Masks(valid), return_sequences=rnn.return_sequences)
        if (carried := carried_states(self)) is not None:
            carried.put(self, state[1:] if self._output_is_state else state)
        last, outputs = state[0], state[0] if outputs is None else outputs
        if valid is not None and rnn.zero_output_for_mask:
            last = tf.where(as_wide(valid[-1], last), last, tf.zeros_like(last))
            outputs = tf.where(as_wide(valid, outputs), outputs, tf.zeros_like(outputs))
        states = keras.tree.pack_sequence_as(initial_state, list(state[1:]))
        return last, batch_first(outputs) if rnn.return_sequences else outputs, states

    def _first(self, step: _Steps, x_t: tf.Tensor, states: States) -> States:
        """Return the output and the states before the first step."""
        output, *new = step(x_t, states)  # Keras tries a step, too, to know the output
        self._output_is_state = output is new[0]
        self._output_shape = output.shape
        if (carried := carried_states(self)) is None:
            return (tf.zeros_like(output), *states)
        given = carried.take(self)
        return (given[0], *given) if self._output_is_state else given

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        """Return the shapes that the layer returns."""
        return self.layer.compute_output_shape(sequences_shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask that the layer returns."""
        return self.layer.compute_mask(inputs, mask)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"layer": keras.saving.serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> KerasRNN:
        """Create the layer from the config that `get_config` returns."""
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**(config | {"layer": layer}))
