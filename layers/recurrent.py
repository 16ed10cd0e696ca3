"""The layer that runs a cell over a sequence."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from .cells.base import Cell
from .checkpointing import scan_in_chunks
from .checks import require_sequences, require_units, valid_steps, without_keras_options
from .custom_gradient import compile_with_xla, not_compiled
from .fused_lstm import fused_lstm, unsupported_call
from .halves import WHOLE, parts_of_batch
from .own_gradient import scan_with_own_gradient
from .parallel_scan import parallel_scan, scans_faster
from .prediction import scan_to_predict
from .scan import Masks, batch_first, chosen_execution, loop, steps_first, unrolled
from .stateful import StatefulLayer
from .states import States, as_wide

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
class Recurrent(StatefulLayer):
    """Run a cell over a sequence; the counterpart of `keras.layers.RNN`.

        s_0 = initial_state, or zeros
        s_t = cell(x_t, s_(t-1))            for each step t that is not masked
        y_t = the first state of s_t

    Args:
        cell: a `Cell`, or a cell of `keras.layers` (SimpleRNNCell, LSTMCell, GRUCell), which is converted.
            A list of cells gives a `Stack` of `Recurrent` layers.
        return_sequences: return the output of every step instead of the last output only.
        return_state: also return the last states, one tensor for each name in `cell.state_names`.
        go_backwards: process the sequence from its end. The outputs are in the order of processing.
        zero_output_for_mask: return zeros at masked steps instead of repeating the previous output.
        stateful: start each call from the last states of the call before, until `reset_state()`. This
            needs a fixed batch size (`keras.Input(batch_size=...)`): row i continues row i.
        checkpoint_every: number of steps between stored states in training. The backward pass recomputes
            the steps between them. This saves memory and costs one more forward pass.
        check_numerics: raise an error when the inputs hold NaN or infinity.
        **kwargs: the arguments of every Keras layer. `unroll`, `use_cudnn` and `implementation` of Keras's
            recurrent layers are accepted too. They change nothing: training compiles the loop, and
            `execution` chooses how it runs.

    Call arguments:
        sequences: (batch, steps, features).
        initial_state: one tensor (batch, size) for each state. The default is zeros, or the kept states of
            a stateful layer.
        mask: (batch, steps) bool, False at padding.
        training: whether dropout and zoneout are random.

    Returns:
        (batch, units), or (batch, steps, units) with `return_sequences`. With `return_state` a list: the
        outputs, then each state (batch, size). A sequence without steps returns the first states. (In
        training that XLA compiles, its number of steps must be known to be 0 when the graph is made.)

    Masking:
        A masked step changes neither the states nor the output. Before the first valid step the output is
        zero. The mask goes on to the next layer with `return_sequences`.

    Raises:
        TypeError: `cell` is not a `Cell`, or does not define one of the three maps.
        ValueError: the inputs, the mask or the initial states have the wrong shape; the dtype differs
            from the cell's; a stateful layer has no fixed batch size.
    """

    from_keras_cell: ClassVar[Callable[[Any, str], Cell]]
    """from_keras_cell(cell, where) -> the `Cell` that computes the same. Set by `convert.py`."""
    over_cells: ClassVar[Callable[..., Any]]
    """over_cells(cells, **options) -> a `Stack`. Set by `convert.py` too."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make the layer, or a `Stack` of layers over several cells."""
        given = dict(zip(("cell", "return_sequences", "return_state", "go_backwards"), args, strict=False))
        if cls is Recurrent and isinstance((given | kwargs).get("cell"), (list, tuple)):
            return cls.over_cells(**given, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(
        self,
        cell: Cell,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        *,
        zero_output_for_mask: bool = False,
        stateful: bool = False,
        checkpoint_every: int | None = None,
        check_numerics: bool = False,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = getattr(cell, "dtype_policy", None)
        kwargs = without_keras_options(type(self), kwargs)
        super().__init__(autocast=False, **kwargs)  # Keras would cast the states
        self.cell = self._own_cell(cell)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.zero_output_for_mask = zero_output_for_mask
        if checkpoint_every is not None:
            require_units(self, checkpoint_every, "checkpoint_every")
        self.stateful = stateful
        self.checkpoint_every = checkpoint_every
        self.check_numerics = check_numerics
        self.runs_in_parallel = False  # True in Bidirectional: the other direction uses the second core
        self.supports_masking = True

    __signature__ = inspect.Signature([*inspect.signature(__init__).parameters.values()][1:])

    def _own_cell(self, cell: Any) -> Cell:
        if not hasattr(cell, "state_names"):
            cell = type(self).from_keras_cell(cell, self.name)
        if missing := cell.undefined_maps():
            raise TypeError(
                f"{self.name}: cell: expected a Cell that defines project_inputs, project_state and update, "
                f"got {type(cell).__name__} without {', '.join(missing)}"
            )
        if cell.dtype_policy != self.dtype_policy:
            raise ValueError(
                f"{self.name}: dtype: expected the dtype of the cell, {cell.dtype_policy.name}, "
                f"got {self.dtype_policy.name}"
            )
        return cell

    def build(self, sequences_shape: Sequence[int | None], **_: Any) -> None:
        """Build the cell, and the kept states of a stateful layer, for (batch, steps, features)."""
        require_sequences(self, sequences_shape, self.cell.step_axes)
        if not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
            self.cell.built = True
        if self.stateful:
            self._make_states(sequences_shape[0])

    def call(
        self,
        sequences: tf.Tensor,
        initial_state: Sequence[tf.Tensor] | tf.Tensor | None = None,
        mask: tf.Tensor | None = None,
        training: bool = False,
    ) -> Any:
        """Return the outputs; the class docstring describes the arguments."""
        mask = valid_steps(self, sequences, mask)
        sequences = self._checked_numbers(tf.cast(sequences, self.compute_dtype))
        state, at_start = self._first_state(initial_state, sequences)
        sequences = tf.ensure_shape(sequences, [state[0].shape[0], *[None] * (sequences.shape.rank - 1)])
        if training and self.cell.dropout:
            sequences = sequences * self.cell.dropout_mask(sequences[:, 0], self.cell.dropout)[:, None]
        valid = None if mask is None else steps_first(mask[:, :, None], backwards=self.go_backwards)
        masks = self._masks(sequences, state, valid) if training else Masks(valid)
        outputs, states = self._scan(sequences, state, masks, training=bool(training))
        self._keep_states(states)
        result = self._result(outputs, states[0], valid, at_start=at_start)
        return [result, *states] if self.return_state else result

    def _scan(
        self, sequences: tf.Tensor, state: States, masks: Masks, *, training: bool
    ) -> tuple[tf.Tensor | None, States]:
        """Run the cell over sequences (batch, steps, features): outputs (batch, steps, size), last states."""
        how = chosen_execution(training=training)
        has_steps = sequences.shape[1] != 0  # without steps, "loop" returns the first states
        if how in ("own_gradient", "compiled", "prediction") and has_steps:
            return self._scan_fast(sequences, state, masks, training=training, how=how)
        x = steps_first(sequences, backwards=self.go_backwards)
        outputs: tf.Tensor | None
        if how == "fused" and has_steps:
            self._require_fusible(x, masks)
            outputs, states = fused_lstm(self.cell, x, state, path=self.path)
        else:
            run = unrolled if how == "unrolled" and x.shape[0] else loop
            x_proj = self.cell.project_inputs(x)
            outputs, states = run(self.cell, x_proj, state, masks, return_sequences=self.return_sequences)
        return outputs if outputs is None else batch_first(outputs), states

    def _require_fusible(self, x: tf.Tensor, masks: Masks) -> None:
        reason = self.cell.unsupported_by_fused()
        if not reason and (self.return_state or self.stateful):
            reason = "expected a layer that does not return or carry its state"
        if reason := reason or unsupported_call(x, masks):
            raise ValueError(f"{self.name}: execution 'fused': {reason}; use 'loop'")

    def _scan_fast(
        self, sequences: tf.Tensor, state: States, masks: Masks, *, training: bool, how: str
    ) -> tuple[tf.Tensor | None, States]:
        cell, backwards, compiled = self.cell, self.go_backwards, how != "own_gradient"
        if training and self.checkpoint_every:
            x = steps_first(sequences, backwards=backwards)
            outputs, states = scan_in_chunks(
                cell,
                x,
                state,
                masks,
                every=self.checkpoint_every,
                return_sequences=self.return_sequences,
                compiled=compiled,
            )
            return outputs if outputs is None else batch_first(outputs), states
        if hasattr(cell, "coefficients") and scans_faster(sequences, state[0]):
            compiler = compile_with_xla if compiled else not_compiled
            x = steps_first(sequences, backwards=backwards)
            outputs, states = compiler(lambda: parallel_scan(cell, cell.project_inputs(x), state, masks))()
            return batch_first(outputs), states
        in_halves = compiled and not self.runs_in_parallel
        parts = parts_of_batch(cell, sequences, training=how != "prediction") if in_halves else (WHOLE,)
        if how == "prediction":
            return scan_to_predict(
                cell,
                sequences,
                state,
                masks,
                backwards=backwards,
                parts=parts,
                return_sequences=self.return_sequences,
            )
        return scan_with_own_gradient(
            cell, sequences, state, masks, backwards=backwards, compiled=compiled, parts=parts
        )

    def _masks(self, sequences: tf.Tensor, state: States, valid: tf.Tensor | None) -> Masks:
        """Draw the masks of recurrent dropout and zoneout for training."""
        cell, dropped, kept = self.cell, None, None
        if cell.recurrent_dropout:
            dropped = cell.dropout_mask(state[0], cell.recurrent_dropout)
        if any(cell.zoneout_rates):
            kept = cell.zoneout_masks([tf.shape(sequences)[1], tf.shape(sequences)[0]])
        return Masks(valid, dropped, kept)

    def _result(
        self, outputs: tf.Tensor | None, last: tf.Tensor, valid: tf.Tensor | None, *, at_start: bool
    ) -> tf.Tensor:
        """Return the outputs of all steps or the last one, batch first, with zeros at masked steps.

        At a masked step `outputs` repeats the previous state, which is right after the first valid step.
        Before that step the output must be zero; it already is if the states start from zeros. With
        `zero_output_for_mask` the output of every masked step is zero.
        """
        result = outputs if self.return_sequences else last
        result = tf.cast(result, self.compute_dtype)
        if valid is None or (at_start and not self.zero_output_for_mask):
            return result
        shown = valid
        if not self.zero_output_for_mask:
            shown = tf.cumsum(tf.cast(valid, tf.int32)) > 0
        shown = tf.transpose(shown, [1, 0, 2])
        if not self.return_sequences:
            steps = tf.shape(valid)[0]
            shown = tf.reduce_any(shown[:, tf.maximum(steps - 1, 0) :], 1)
        return tf.where(as_wide(shown, result), result, tf.zeros_like(result))

    def _checked_numbers(self, sequences: tf.Tensor) -> tf.Tensor:
        if not self.check_numerics:
            return sequences
        return tf.debugging.check_numerics(sequences, f"{self.name}: sequences: expected finite numbers, got")

    def compute_output_shape(self, sequences_shape: Sequence[int | None], **_: Any) -> Any:
        """Return the shape of each tensor that `call` returns."""
        batch, steps = sequences_shape[:2]
        shapes = self.cell.state_shapes(sequences_shape[2:])
        output = (batch, steps, *shapes[0]) if self.return_sequences else (batch, *shapes[0])
        return [output, *((batch, *shape) for shape in shapes)] if self.return_state else output

    def compute_mask(self, _: Any, mask: Any = None) -> Any:
        """Return the mask for outputs of every step; None for last outputs and states."""
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
        """Create the layer and its cell from the config that `get_config` returns."""
        config = dict(config)
        if "cell" in config:
            config["cell"] = keras.saving.deserialize_keras_object(config["cell"])
        return cls(**config)
