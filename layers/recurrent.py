"""A cell over a sequence."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import tensorflow as tf

from .checks import require_sequences, valid_steps
from .scan import Masks, scan

if TYPE_CHECKING:
    from .cells.base import Cell


@keras.saving.register_keras_serializable("unrolled")
class Recurrent(keras.layers.Layer):
    """Run a cell over a sequence; the counterpart of `keras.layers.RNN`.

    Args:
        cell: a `Cell`.
        return_sequences: return the output of every step instead of the last.
        return_state: return the last state too, one tensor for each name in `cell.state_names`.
        go_backwards: take the sequence from its end; outputs come in the order of processing.
        zero_output_for_mask: give zeros at masked steps instead of the output before.

    Call arguments:
        sequences: (batch, steps, features).
        initial_state: one tensor (batch, size) for each state; zeros where it is left out.
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
        **kwargs: Any,
    ) -> None:
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = getattr(cell, "dtype_policy", None)
        super().__init__(**kwargs)
        self._check_cell(cell)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True

    def _check_cell(self, cell: Cell) -> None:
        if not hasattr(cell, "state_names"):
            raise TypeError(f"{self.name}: cell: expected a Cell, got {type(cell).__name__}")
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

    def call(
        self,
        sequences: tf.Tensor,
        initial_state: Sequence[tf.Tensor] | tf.Tensor | None = None,
        mask: tf.Tensor | None = None,
        training: bool = False,
    ) -> Any:
        """See the class."""
        cell = self.cell
        mask = valid_steps(self, sequences, mask)
        state = self._checked_state(initial_state, sequences)
        sequences = tf.ensure_shape(sequences, [state[0].shape[0], None, None])
        state_mask = None
        if training and cell.dropout:
            sequences = sequences * cell.dropout_mask(sequences[:, 0], cell.dropout)[:, None]
        if training and cell.recurrent_dropout:
            state_mask = cell.dropout_mask(state[0], cell.recurrent_dropout)
        x = tf.transpose(sequences, [1, 0, 2])
        valid = None if mask is None else tf.transpose(mask)[:, :, None]
        if self.go_backwards:
            x = tf.reverse(x, [0])
            valid = None if valid is None else tf.reverse(valid, [0])
        masks = Masks(valid, state_mask, self.zero_output_for_mask)
        outputs, (last, *states) = scan(
            cell, cell.project_inputs(x), state, masks, bool(training), self.return_sequences
        )
        result = tf.transpose(outputs, [1, 0, 2]) if self.return_sequences else last
        return [result, *states] if self.return_state else result

    def _checked_state(self, initial_state: Any, sequences: tf.Tensor) -> tuple[tf.Tensor, ...]:
        if initial_state is None:
            return self.cell.get_initial_state(tf.shape(sequences)[0])
        given = tuple(initial_state) if isinstance(initial_state, (list, tuple)) else (initial_state,)
        expected = self.cell.state_size
        shapes = [tf.TensorShape(state.shape) for state in given]
        wanted = [tf.TensorShape([sequences.shape[0], size]) for size in expected]
        fits = [shape.is_compatible_with(other) for shape, other in zip(shapes, wanted, strict=False)]
        if len(shapes) != len(wanted) or not all(fits):
            raise ValueError(
                f"{self.name}: initial_state: expected {len(expected)} tensors of shape (batch, size) with "
                f"sizes {expected} for {self.cell.state_names}, got shapes {[tuple(s) for s in shapes]}"
            )
        return tuple(tf.cast(state, self.compute_dtype) for state in given)

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
        for name in ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask"):
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


class CellLayer(Recurrent):
    """`Recurrent` over a cell that it makes itself, with the arguments of both: LSTM, GRU and so on.

    The arguments of the cell can be read as attributes of the layer (`LSTM(8).units`).
    """

    cell_class: ClassVar[type[Cell]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the class the signature of its cell and of `Recurrent` together, for help and editors."""
        super().__init_subclass__(**kwargs)
        cls._cell_arguments = tuple(_parameters(cls.cell_class))
        merged = {**_parameters(cls.cell_class), **_parameters(Recurrent)}
        del merged["cell"]
        units, activation, *others = merged.values()
        by_name = [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in others]
        cls.__signature__ = inspect.Signature([units, activation, *by_name])

    def __init__(self, units: int, activation: Any = "tanh", **kwargs: Any) -> None:
        of_cell = {name: kwargs.pop(name) for name in self._cell_arguments if name in kwargs}
        cell_name = _WORD_STARTS.sub("_", self.cell_class.__name__).lower()
        cell = self.cell_class(units, activation, dtype=kwargs.get("dtype"), name=cell_name, **of_cell)
        super().__init__(cell, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """Look up the cell's arguments on the cell."""
        if name in type(self)._cell_arguments:
            return getattr(self.cell, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["cell"]
        of_cell = self.cell.get_config()
        return config | {name: of_cell[name] for name in self._cell_arguments}


_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def _parameters(layer_class: type) -> dict[str, inspect.Parameter]:
    """Return the named constructor arguments of a class of ours, base classes included, `units` first."""
    found: dict[str, inspect.Parameter] = {}
    for owner in layer_class.__mro__[: layer_class.__mro__.index(keras.layers.Layer)]:
        if "__init__" in vars(owner):
            for parameter in inspect.signature(vars(owner)["__init__"]).parameters.values():
                if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.name != "self":
                    found.setdefault(parameter.name, parameter)
    return found
