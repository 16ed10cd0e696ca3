"""The layer that reads a sequence in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .checks import require_sequences, valid_steps
from .plain_layer import PlainLayer
from .recurrent import Recurrent

MERGE_MODES = ("concat", "sum", "mul", "ave", None)


@keras.saving.register_keras_serializable("unrolled")
class Bidirectional(PlainLayer):
    """Run one recurrent layer over a sequence and a second one over its reverse, and merge the outputs.

        f = layer(x)
        b = backward_layer(x), which starts at the last step
        y_t = merge(f_t, b_t)

    Args:
        layer: a `Recurrent` layer (LSTM, GRU, ...), the forward direction.
        merge_mode: "concat", "sum", "mul", "ave", or None for a list of both outputs.
        backward_layer: a `Recurrent` layer with the opposite `go_backwards`. The default is a copy of `layer`
            with its own weights.

    Call arguments: `sequences` (batch, steps, features); `initial_state`, the forward states, then the
    backward states, (batch, size) each; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, size), or (batch, steps, size) with return_sequences, where both directions are in the
    order of the input. With return_state a list: the outputs, the forward states, the backward states.
    Masking: padding changes neither state nor output. With return_sequences the outputs at padding are zero,
    as in Keras.

    Raises:
        TypeError: a direction is not a `Recurrent` layer.
        ValueError: an unknown merge_mode, directions whose options do not match, or an input of the wrong
        shape.

    Reference: M. Schuster and K. Paliwal, Bidirectional recurrent neural networks, IEEE Transactions on
    Signal Processing 45 (1997).
    """

    def __init__(
        self,
        layer: Recurrent,
        merge_mode: str | None = "concat",
        backward_layer: Recurrent | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # the directions cast their inputs themselves
        if merge_mode not in MERGE_MODES:
            raise ValueError(f"{self.name}: merge_mode: expected one of {MERGE_MODES}, got {merge_mode!r}")
        for name, direction in (("layer", layer), ("backward_layer", backward_layer or layer)):
            if not isinstance(direction, Recurrent):
                got = type(direction).__name__
                raise TypeError(
                    f"{self.name}: {name}: expected a Recurrent layer (LSTM, GRU, ...), got {got}"
                )
        self.forward_layer = _copy(layer, "forward", go_backwards=layer.go_backwards)
        self.backward_layer = backward_layer or _copy(layer, "backward", go_backwards=not layer.go_backwards)
        self._check_layers(merge_mode)
        for direction in (self.forward_layer, self.backward_layer):
            direction.zero_output_for_mask = layer.return_sequences  # as in Keras
            direction.runs_in_parallel = True
        self.merge_mode = merge_mode
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True

    @property
    def layer(self) -> Recurrent:
        """The forward direction."""
        return self.forward_layer

    def _check_layers(self, merge_mode: str | None) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                f"{self.name}: expected one direction with go_backwards, got {forward.go_backwards} for both"
            )
        for name in ("return_sequences", "return_state"):
            values = getattr(forward, name), getattr(backward, name)
            if values[0] != values[1]:
                raise ValueError(f"{self.name}: expected the same {name} in both directions, got {values}")
        sizes = forward.cell.output_size, backward.cell.output_size
        if merge_mode in ("sum", "mul", "ave") and sizes[0] != sizes[1]:
            raise ValueError(
                f"{self.name}: merge_mode={merge_mode!r}: expected the same units in both directions, "
                f"got {sizes}"
            )

    def build(self, sequences_shape: Sequence[int | None], **_: Any) -> None:
        """Build both directions for sequences of shape (batch, steps, features)."""
        require_sequences(self, sequences_shape, self.forward_layer.cell.step_axes)
        for direction in (self.forward_layer, self.backward_layer):
            if not direction.built:
                direction.build(sequences_shape)
                direction.built = True

    def call(
        self,
        sequences: tf.Tensor,
        initial_state: Sequence[tf.Tensor] | None = None,
        mask: tf.Tensor | None = None,
        training: bool = False,
    ) -> Any:
        """Return the results; the class docstring describes the arguments."""
        mask = valid_steps(self, sequences, mask)
        states = self._split_state(initial_state)
        results = [
            direction(sequences, initial_state=state, mask=mask, training=training)
            for direction, state in zip((self.forward_layer, self.backward_layer), states, strict=True)
        ]
        last_states: list[tf.Tensor] = []
        if self.return_state:
            last_states = [*results[0][1:], *results[1][1:]]
            results = [result[0] for result in results]
        forward, backward = results
        if self.return_sequences:
            backward = tf.reverse(backward, [1])
        merged = self._merge(forward, backward)
        merged = merged if isinstance(merged, list) else [merged]
        together = [*merged, *last_states]
        return together if len(together) > 1 else together[0]

    def _split_state(self, initial_state: Any) -> list[Any]:
        if initial_state is None:
            return [None, None]
        given = list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
        counts = [len(each.cell.state_size) for each in (self.forward_layer, self.backward_layer)]
        if len(given) != sum(counts):
            raise ValueError(
                f"{self.name}: initial_state: expected {sum(counts)} tensors ({counts[0]} forward, "
                f"{counts[1]} backward), got {len(given)}"
            )
        return [given[: counts[0]], given[counts[0] :]]

    def _merge(self, forward: tf.Tensor, backward: tf.Tensor) -> Any:
        match self.merge_mode:
            case "concat":
                return tf.concat([forward, backward], axis=-1)
            case "sum":
                return forward + backward
            case "ave":
                return (forward + backward) / 2
            case "mul":
                return forward * backward
            case _:
                return [forward, backward]

    def reset_state(self) -> None:
        """Set the kept states of stateful directions to zeros."""
        for direction in (self.forward_layer, self.backward_layer):
            if direction.stateful:
                direction.reset_state()

    def reset_states(self) -> None:
        """Do what `reset_state` does; Keras 2 had this name."""
        self.reset_state()

    def compute_output_shape(self, sequences_shape: Sequence[int | None], **_: Any) -> Any:
        """Return the shape of each tensor that `call` returns."""
        shapes = [
            direction.compute_output_shape(sequences_shape)
            for direction in (self.forward_layer, self.backward_layer)
        ]
        states: list[Any] = []
        if self.return_state:
            states = [*shapes[0][1:], *shapes[1][1:]]
            shapes = [shape[0] for shape in shapes]
        if self.merge_mode == "concat":
            shapes = [(*shapes[0][:-1], shapes[0][-1] + shapes[1][-1])]
        elif self.merge_mode is not None:
            shapes = shapes[:1]
        together = [*shapes, *states]
        return together if len(together) > 1 else together[0]

    def compute_mask(self, _: Any, mask: Any = None) -> Any:
        """Return the mask for outputs of every step; None for last outputs and states."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        outputs = [mask if self.return_sequences else None] * (2 if self.merge_mode is None else 1)
        if self.return_state:
            outputs += [None] * 2 * len(self.forward_layer.cell.state_size)
        return outputs if len(outputs) > 1 else outputs[0]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        config["merge_mode"] = self.merge_mode
        config["layer"] = keras.saving.serialize_keras_object(self.forward_layer)
        config["backward_layer"] = keras.saving.serialize_keras_object(self.backward_layer)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Bidirectional:
        """Create the layer and both directions from the config that `get_config` returns."""
        config = dict(config)
        for name in ("layer", "backward_layer"):
            config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)


def _copy(layer: Recurrent, direction: str, *, go_backwards: bool) -> Recurrent:
    name = f"{direction}_{layer.name.removeprefix(f'{direction}_')}"
    return type(layer).from_config(layer.get_config() | {"name": name, "go_backwards": go_backwards})
