"""The base class of layers that stand where a recurrent layer stands, but see a window of past steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .checks import require_sequences, require_units, valid_steps
from .plain_layer import PlainLayer
from .states import States, carried_states


def last_valid_step(sequences: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Return the last step that is not padding, (batch, features).

    Args:
        sequences: (batch, steps, features).
        mask: (batch, steps) bool, False at padding, or None.
    """
    if mask is None:
        return sequences[:, -1]
    last = tf.reduce_max(tf.where(mask, tf.range(tf.shape(mask)[1]), 0), axis=1)
    return tf.gather(sequences, last, axis=1, batch_dims=1)


class Windowed(PlainLayer):
    """A layer whose outputs see the current step and a fixed number of steps before it.

    A subclass names the steps that it keeps in `pasts` and computes in `outputs_of`. Steps before the first
    one are zeros. A stream carries the kept steps from step to step and gives the same as the whole sequence.

    Args:
        units: size of the output.
        return_sequences: return the output of every step instead of the last output only.
    """

    return_state = False
    go_backwards = False

    def __init__(self, units: int, return_sequences: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        require_units(self, units, "units")
        self.units = units
        self.return_sequences = return_sequences
        self.supports_masking = True  # no valid step sees the padding after it

    def pasts(self) -> dict[str, tuple[int, int]]:
        """Return the number of earlier steps that are kept and their size, by the name of the state."""
        raise NotImplementedError

    def build_weights(self, features: int) -> None:
        """Create the weights for inputs with this number of features."""
        raise NotImplementedError

    def outputs_of(self, sequences: tf.Tensor, before: States) -> tuple[tf.Tensor, States]:
        """Compute all steps.

        Args:
            sequences: (batch, steps, features).
            before: the kept steps before them, in the order of `pasts`, (batch, kept, size) each.

        Returns:
            The outputs (batch, steps, units), and for each state the kept steps and behind them the new ones,
            (batch, kept + steps, size).
        """
        raise NotImplementedError

    def build(self, sequences_shape: Sequence[int | None]) -> None:
        """Create the weights for (batch, steps, features)."""
        require_sequences(self, sequences_shape)
        self._features: int = sequences_shape[-1]  # type: ignore[assignment]  # an Input gives the features
        self.build_weights(self._features)

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the states that a stream starts from: zeros (batch_size, kept, size), by name."""
        return {
            name: tf.zeros((batch_size, *shape), self.compute_dtype) for name, shape in self.pasts().items()
        }

    def call(self, sequences: tf.Tensor, mask: tf.Tensor | None = None, training: bool = False) -> tf.Tensor:
        """Return the results; the class docstring describes the arguments."""
        mask = valid_steps(self, sequences, mask)
        carried = carried_states(self)
        if carried is not None:
            before = carried.take(self)
        else:
            before = tuple(self.stream_states(tf.shape(sequences)[0]).values())
        outputs, wholes = self.outputs_of(sequences, before)
        kept = tuple(
            tf.ensure_shape(whole[:, tf.shape(whole)[1] - steps :], [None, steps, size])
            for whole, (steps, size) in zip(wholes, self.pasts().values(), strict=True)
        )
        if carried is not None:
            carried.put(self, kept)
        return outputs if self.return_sequences else last_valid_step(outputs, mask)

    def compute_output_shape(self, sequences_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return (batch, steps, units), or (batch, units) without `return_sequences`."""
        return (*sequences_shape[: 1 + self.return_sequences], self.units)

    def compute_mask(self, _: Any, mask: Any = None) -> Any:
        """Return the mask for outputs of every step; None for last outputs."""
        return mask if self.return_sequences else None

    def kernel(self, name: str, *shape: int) -> keras.Variable:
        """Create a kernel that keeps the variance of its inputs."""
        return self.add_weight(shape=shape, name=name, initializer="glorot_uniform")

    def bias(self, name: str, *shape: int) -> keras.Variable:
        """Create a bias of zeros."""
        return self.add_weight(shape=shape, name=name, initializer="zeros")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"units": self.units, "return_sequences": self.return_sequences}
