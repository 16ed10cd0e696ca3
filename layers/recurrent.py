"""A cell over a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .cells.base import Cell
from .checkpointing import scan_in_chunks
from .checks import require_sequences, require_units, valid_steps
from .fused_lstm import fused_lstm, unsupported_call
from .own_gradient import (
    as_it_is,
    compile_with_xla,
    halves_are_faster,
    scan_in_halves,
    scan_with_own_gradient,
)
from .parallel_scan import parallel_scan, scans_faster
from .scan import Masks, batch_first, chosen_execution, loop, steps_first, unrolled
from .states import States, carried_states

_OPTIONS = (
    "return_sequences",
    "return_state",
    "go_backwards",
    "zero_output_for_mask",
    "stateful",
    "checkpoint_every",
    "check_numerics",
)


@keras.saving.register_keras_serializable("unrolled")
class Recurrent(keras.layers.Layer):
    """Run a cell over a sequence; the counterpart of `keras.layers.RNN`.

    Args:
        cell: a `Cell`.
        return_sequences: return the output of every step instead of the last.
        return_state: return the last state too, one tensor for each name in `cell.state_names`.
        go_backwards: take the sequence from its end; outputs come in the order of processing.
        zero_output_for_mask: give zeros at masked steps instead of the output before.
        stateful: start each call from the states that the one before ended with, until `reset_state()`.
            Needs a fixed batch size (`keras.Input(batch_size=...)`); row i goes on with row i.
        checkpoint_every: in training, keep the states of every so many steps only and compute the rest again
            in the backward pass: memory for long sequences, at the price of one more forward pass.
        check_numerics: refuse inputs with NaN or infinity.

    Call arguments:
        sequences: (batch, steps, features).
        initial_state: one tensor (batch, size) for each state; where it is left out, zeros or, in a
            stateful layer, the states carried.
        mask: (batch, steps) bool, False at padding. A masked step changes neither state nor output
            (before the first valid step the output is zero).
        training: whether dropout is on.

    Returns:
        (batch, steps, units) with `return_sequences`, else (batch, units); with `return_state` a list of
        that and the states.
    """

    def __init__(
        self,
        cell: Cell,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        zero_output_for_mask: bool = False,
        stateful: bool = False,
        checkpoint_every: int | None = None,
        check_numerics: bool = False,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = getattr(cell, "dtype_policy", None)
        super().__init__(autocast=False, **kwargs)  # Keras would cast the states
        self._check_cell(cell)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.zero_output_for_mask = zero_output_for_mask
        if checkpoint_every is not None:
            require_units(self, checkpoint_every, "checkpoint_every")
        self.stateful = stateful
        self.checkpoint_every = checkpoint_every
        self.check_numerics = check_numerics
        self.runs_beside_another = False  # as a direction of Bidirectional does: it has one core anyway
        self._carried: Any = None
        self.supports_masking = True

    def _check_cell(self, cell: Cell) -> None:
        if not hasattr(cell, "state_names"):
            raise TypeError(f"{self.name}: cell: expected a Cell, got {type(cell).__name__}")
        if missing := cell.undefined_maps():
            raise TypeError(
                f"{self.name}: cell: expected a Cell that defines project_inputs, project_state and update, "
                f"got {type(cell).__name__} without {', '.join(missing)}"
            )
        if cell.dtype_policy != self.dtype_policy:
            raise ValueError(
                f"{self.name}: dtype: expected that of the cell, {cell.dtype_policy.name}, "
                f"got {self.dtype_policy.name}"
            )

    def build(self, sequences_shape: Sequence[int | None], **_: Any) -> None:
        """Build the cell for sequences of shape (batch, steps, features)."""
        require_sequences(self, sequences_shape)
        if not self.cell.built:
            self.cell.build((sequences_shape[0], sequences_shape[2]))
            self.cell.built = True
        if self.stateful:
            self._make_states(sequences_shape[0])

    def _make_states(self, batch: int | None) -> None:
        if batch is None:
            raise ValueError(
                f"{self.name}: stateful=True: expected a fixed batch size, as of "
                "keras.Input(batch_size=...), got None"
            )
        self._carried = tf.Module()  # saved with the layer, but none of its weights, as in Keras
        self._carried.states = [
            tf.Variable(tf.zeros([batch, size], self.cell.state_dtype), trainable=False, name=f"state_{name}")
            for name, size in zip(self.cell.state_names, self.cell.state_size, strict=True)
        ]

    @property
    def states(self) -> list[tf.Variable] | None:
        """The states that a built stateful layer carries, variables (batch, size) each."""
        return None if self._carried is None else list(self._carried.states)

    def call(
        self,
        sequences: tf.Tensor,
        initial_state: Sequence[tf.Tensor] | tf.Tensor | None = None,
        mask: tf.Tensor | None = None,
        training: bool = False,
    ) -> Any:
        """See the class."""
        mask = valid_steps(self, sequences, mask)
        sequences = self._checked_numbers(tf.cast(sequences, self.compute_dtype))
        state, from_zeros = self._first_state(initial_state, sequences)
        sequences = tf.ensure_shape(sequences, [state[0].shape[0], None, None])
        if training and self.cell.dropout:
            sequences = sequences * self.cell.dropout_mask(sequences[:, 0], self.cell.dropout)[:, None]
        valid = None if mask is None else steps_first(mask[:, :, None], self.go_backwards)
        masks = self._masks(sequences, state, valid, training)
        outputs, states = self._scan(sequences, state, masks, bool(training))
        self._hand_on(states)
        result = self._result(outputs, states[0], valid, from_zeros)
        return [result, *states] if self.return_state else result

    def _hand_on(self, states: States) -> None:
        """Keep the last states for the next call, where one starts from them."""
        if (carried := carried_states()) is not None:
            carried.put(self, states)
            return
        for variable, value in zip(self.states or (), states, strict=False):
            variable.assign(value)

    def _scan(
        self, sequences: tf.Tensor, state: States, masks: Masks, training: bool
    ) -> tuple[tf.Tensor | None, States]:
        """Run the cell over sequences (batch, steps, features): outputs (batch, steps, size), last states."""
        how = chosen_execution(training)
        has_steps = sequences.shape[1] != 0  # or else "loop": the others take shapes from the first one
        if how in ("own_gradient", "compiled") and has_steps:
            return self._scan_to_train(sequences, state, masks, training, how == "compiled")
        x = steps_first(sequences, self.go_backwards)
        if how == "fused":
            self._require_fusible(x, masks)
            outputs, states = fused_lstm(self.cell, x, state, path=self.path)
        else:
            run = unrolled if how == "unrolled" and x.shape[0] else loop
            outputs, states = run(self.cell, self.cell.project_inputs(x), state, masks, self.return_sequences)
        return outputs if outputs is None else batch_first(outputs), states

    def _require_fusible(self, x: tf.Tensor, masks: Masks) -> None:
        reason = self.cell.unsupported_by_fused()
        if not reason and (self.return_state or self.stateful):
            reason = "expected a layer that neither returns nor carries its state"
        if reason := reason or unsupported_call(x, masks):
            raise ValueError(f"{self.name}: execution 'fused': {reason}; 'loop' can")

    def _scan_to_train(
        self, sequences: tf.Tensor, state: States, masks: Masks, training: bool, compiled: bool
    ) -> tuple[tf.Tensor | None, States]:
        cell, backwards, every = self.cell, self.go_backwards, self.checkpoint_every
        if training and every:
            x = steps_first(sequences, backwards)
            outputs, states = scan_in_chunks(cell, x, state, masks, every, self.return_sequences, compiled)
            return outputs if outputs is None else batch_first(outputs), states
        if hasattr(cell, "coefficients") and scans_faster(sequences, state[0]):
            compiler = compile_with_xla if compiled else as_it_is
            x = steps_first(sequences, backwards)
            outputs, states = compiler(lambda: parallel_scan(cell, cell.project_inputs(x), state, masks))()
            return batch_first(outputs), states
        if compiled and not self.runs_beside_another and halves_are_faster(cell, sequences):
            return scan_in_halves(cell, sequences, state, masks, backwards)
        return scan_with_own_gradient(cell, sequences, state, masks, backwards, compiled)

    def _masks(self, sequences: tf.Tensor, state: States, valid: tf.Tensor | None, training: bool) -> Masks:
        cell, dropped, kept = self.cell, None, None
        if training and cell.recurrent_dropout:
            dropped = cell.dropout_mask(state[0], cell.recurrent_dropout)
        if training and any(cell.zoneout_rates):
            kept = cell.zoneout_masks([tf.shape(sequences)[1], tf.shape(sequences)[0]])
        return Masks(valid, dropped, kept)

    def _result(
        self, outputs: tf.Tensor | None, last: tf.Tensor, valid: tf.Tensor | None, from_zeros: bool
    ) -> tf.Tensor:
        """Return the sequence or the last output, batch first, as they are at masked steps.

        There the states stay. The output stays too, or is zero: before the first valid step, or wherever
        the step is masked, with `zero_output_for_mask`.
        """
        result = outputs if self.return_sequences else last
        result = tf.cast(result, self.compute_dtype)
        if valid is None or (from_zeros and not self.zero_output_for_mask):
            return result
        shown = valid
        if not self.zero_output_for_mask:
            shown = tf.cumsum(tf.cast(valid, tf.int32)) > 0
        shown = tf.transpose(shown, [1, 0, 2])
        if not self.return_sequences:
            steps = tf.shape(valid)[0]
            shown = tf.reduce_any(shown[:, tf.maximum(steps - 1, 0) :], 1)
        return tf.where(shown, result, tf.zeros_like(result))

    def _checked_numbers(self, sequences: tf.Tensor) -> tf.Tensor:
        if not self.check_numerics:
            return sequences
        return tf.debugging.check_numerics(sequences, f"{self.name}: sequences: expected finite numbers, got")

    def reset_state(self, states: Sequence[Any] | None = None) -> None:
        """Set the states that a stateful layer carries: zeros, or one (batch, size) for each."""
        if not self.stateful:
            raise ValueError(f"{self.name}: reset_state: expected a layer with stateful=True")
        if self.states is None:
            if states is None:
                return  # not built: zero anyway
            raise ValueError(f"{self.name}: reset_state: expected a built layer to set states of")
        values = [tf.zeros_like(variable) for variable in self.states] if states is None else states
        for variable, value in zip(self.states, self._checked_shapes(values, self.states[0]), strict=True):
            variable.assign(value)

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the states that a stream starts from; see `states.Streaming`."""
        return dict(zip(self.cell.state_names, self.cell.get_initial_state(batch_size), strict=True))

    def _first_state(self, initial_state: Any, sequences: tf.Tensor) -> tuple[States, bool]:
        """Return the state to start from, and whether it is what a sequence of its own starts from."""
        if (carried := carried_states()) is not None:
            if initial_state is not None:
                raise ValueError(f"{self.name}: streaming: expected no initial_state, the state is carried")
            return carried.take(self), True
        if initial_state is not None:
            given = self._checked_shapes(initial_state, sequences)
        elif self.states is not None:
            given = self._checked_shapes(self.states, sequences)
        else:
            return self.cell.get_initial_state(tf.shape(sequences)[0]), True
        return tuple(tf.cast(state, self.cell.state_dtype) for state in given), False

    def _checked_shapes(self, state: Any, like: Any) -> tuple[Any, ...]:
        given = tuple(state) if isinstance(state, (list, tuple)) else (state,)
        expected = self.cell.state_size
        shapes = [tf.TensorShape(part.shape) for part in given]
        wanted = [tf.TensorShape([like.shape[0], size]) for size in expected]
        fits = [shape.is_compatible_with(other) for shape, other in zip(shapes, wanted, strict=False)]
        if len(shapes) != len(wanted) or not all(fits):
            raise ValueError(
                f"{self.name}: initial_state: expected {len(expected)} tensors of shape (batch, size) with "
                f"sizes {expected} for {self.cell.state_names}, got shapes {[tuple(s) for s in shapes]}"
            )
        return given

    def compute_output_shape(self, sequences_shape: Sequence[int | None], **_: Any) -> Any:
        """Return the shape(s) of what `call` returns."""
        batch, steps = sequences_shape[:2]
        size = self.cell.output_size
        output = (batch, steps, size) if self.return_sequences else (batch, size)
        return [output, *((batch, s) for s in self.cell.state_size)] if self.return_state else output

    def compute_mask(self, _: Any, mask: Any = None) -> Any:
        """Pass the mask on with sequences; states and last outputs have none."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        output_mask = mask if self.return_sequences else None
        return [output_mask] + [None] * len(self.cell.state_size) if self.return_state else output_mask

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        for name in _OPTIONS:
            config[name] = getattr(self, name)
        config["cell"] = keras.saving.serialize_keras_object(self.cell)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Recurrent:
        """Make the layer, cell included."""
        config = dict(config)
        if "cell" in config:
            config["cell"] = keras.saving.deserialize_keras_object(config["cell"])
        return cls(**config)
