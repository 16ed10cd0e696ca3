"""A decoder's recurrent layer that reads what it attended to one step before (input feeding)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .._layers import layers
from ..config import AttentionKind, Cell
from ..ondevice.vocabulary import END
from .generation_decoder import ContextAttention
from .stepping import run_steps


@keras.saving.register_keras_serializable("unrolled")
class FedAttention(ContextAttention):
    """A recurrent layer and its attention; each step also reads the context that the step before attended to.

        h_t = cell([x_t, c_(t-1)], h_(t-1)),   c_0 = 0
        a_t, c_t = attention(h_t, f)

    So the layer knows where it looked, and what of the context is done. Source: M. Luong, H. Pham and
    C. Manning, Effective approaches to attention-based neural machine translation, EMNLP 2015, section 3.3;
    they feed tanh(W [c_t, h_t]).

    Args:
        cell: the name of the recurrent cell.
        size: the units of the cell.
        units, kind, heads: those of the attention, as for `ContextAttention`.

    Call arguments: `steps` x (batch, steps, features), `context` f (batch, places, channels), `source`
    (batch, places) int32 or None: places where it is END are padding and get no weight.
    Returns: h (batch, steps, size), the contexts c (batch, steps, channels; with multi_head size), and
    the weight of each place (batch, steps, places), with multi_head the mean over the heads.
    States in a stream: those of the cell, and `attended`, the last c.
    """

    def __init__(
        self,
        cell: Cell,
        size: int,
        units: int,
        kind: AttentionKind = "additive",
        *,
        heads: int = 4,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, kind, heads, **kwargs)
        self.size = size
        self.cell_name = cell
        self.cell = layers.by_name(cell)(size).cell

    def build(self, steps_shape: Any, context_shape: Any, source_shape: Any = None) -> None:
        """Create the weights of the cell and of the score."""
        self._fed = self.attention.context_size(self.size, context_shape[2])
        self.cell.build((None, steps_shape[2] + self._fed))
        super().build((*steps_shape[:2], self.size), context_shape)

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the states before the first step: zeros."""
        states = dict(zip(self.cell.state_names, self.cell.get_initial_state(batch_size), strict=True))
        return {**states, "attended": tf.zeros((batch_size, self._fed), self.compute_dtype)}

    def call(self, steps: tf.Tensor, context: tf.Tensor, source: tf.Tensor | None = None) -> list[tf.Tensor]:
        """Return the outputs of the cell, the attended contexts, and the weights."""
        memory = self.attention.project_memory(context)
        mask = None if source is None else source != END

        def advance(x: tf.Tensor, before: Any) -> tuple[tuple[tf.Tensor, ...], tf.Tensor]:
            *states, attended = before
            output, states = self.cell(tf.concat([x, attended], axis=-1), states)
            attended, weights = self.attention.attend(output, memory, mask)
            return (*states, attended), self._by_place(weights)

        # Never compiled for training: XLA would do so for every pair of lengths of source and target
        return run_steps(self, advance, steps, training=False)

    def compute_output_shape(self, steps_shape: Any, context_shape: Any, source_shape: Any = None) -> Any:
        """Return the shapes of what `call` returns."""
        attended, weights = super().compute_output_shape((*steps_shape[:2], self.size), context_shape)
        return [(*steps_shape[:2], self.size), attended, weights]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"cell": self.cell_name, "size": self.size}
