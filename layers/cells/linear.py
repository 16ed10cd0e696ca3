"""The base class of cells that are linear in their state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from ..checks import known_features
from .base import Cell, affine


class LinearCell(Cell):
    """A cell whose gates and new content depend on the inputs only; a base class.

        a_t, b_t = coefficients(x_t W + bias)
        h_t = a_t * h_(t-1) + b_t

    A subclass defines `gates` and `coefficients`. Training then computes all steps of a sequence at once
    (`parallel_scan`).

    Args:
        units: size of h.
        activation: function of the new content.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.
            There is no recurrent kernel: `recurrent_initializer` has no effect.

    Call arguments: `inputs` (batch, features), `states` a tuple of h (batch, units), `training`.
    Returns: the output (batch, units) and a tuple of the new states.

    Weights: kernel W (features, gates * units), bias (gates * units,).
    State: h (batch, units), which is also the output.

    Raises:
        ValueError: recurrent_dropout, recurrent_regularizer or recurrent_constraint is given.
    """

    def __init__(self, units: int, activation: Any = "linear", **kwargs: Any) -> None:
        super().__init__(units, activation, **kwargs)
        for name in ("recurrent_dropout", "recurrent_regularizer", "recurrent_constraint"):
            if getattr(self, name):
                raise ValueError(
                    f"{type(self).__name__}: {name}: expected none, because there is no recurrent kernel, "
                    f"got {kwargs[name]!r}"
                )

    def build(self, input_shape: Sequence[int | None]) -> None:
        features = known_features(self, input_shape)
        self.kernel = self._weight("kernel", "kernel", (features, self.gates * self.units))
        self.bias = self._weight("bias", "bias", self.bias_shape) if self.use_bias else None

    def coefficients(self, x_proj: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Map projected inputs (..., gates * units) to a and b, (..., units) each, with a in [0, 1]."""
        raise NotImplementedError(f"{type(self).__name__} defines no coefficients")

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        return affine(x, self.kernel, self.bias)

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        return h

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        a, b = self.coefficients(x_proj)
        h = a * state[0] + b
        return (h,)
