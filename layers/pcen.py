"""Per-channel energy normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .cells.base import Cell
from .checks import require_sequences
from .plain_layer import PlainLayer
from .recurrent import Recurrent
from .spectrogram import IN_FLOAT

_POSITIVE = ("gain", "bias", "power", "floor")


class _Average(Cell):
    """An exponential average, m_t = (1 - s) m_(t-1) + s x_t, that starts at the first x above zero."""

    def __init__(self, units: int, smoothing: float, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.smoothing = smoothing
        self.built = True

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        return x

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        return h

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        (m,) = state
        return (tf.where(m == 0.0, x_proj, m + self.smoothing * (x_proj - m)),)


@keras.saving.register_keras_serializable("unrolled")
class PCEN(PlainLayer):
    """Per-channel energy normalisation: a gain control for each band, then a root instead of a logarithm.

        m_t = (1 - smoothing) m_(t-1) + smoothing e_t         m_0 = e_0
        y_t = (e_t / (floor + m_t)^gain + bias)^power - bias^power

    It removes loudness and steady noise and keeps onsets. The average m starts at the first energy that is
    not zero. Everything is computed in float32, in quantised files too.

    Args:
        smoothing: weight of the newest energy in the average, in (0, 1].
        gain, bias, power, floor: the constants of the equation, above 0.
        trainable: learn gain, bias and power of each band, as logarithms.

    Call arguments: `energies` (batch, frames, bins), such as the output of `Mel`.
    Returns: (batch, frames, bins).
    Weights: log_gain, log_bias, log_power, (bins,) each.
    State in a stream: the average m, (batch, bins).

    Raises:
        ValueError: an argument is out of range, or the energies have another shape.

    Reference: Y. Wang et al., Trainable frontend for robust and far-field keyword spotting, ICASSP 2017.
    """

    def __init__(
        self,
        *,
        smoothing: float = 0.025,
        gain: float = 0.98,
        bias: float = 2.0,
        power: float = 0.5,
        floor: float = 1e-6,
        trainable: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, autocast=False, **kwargs)
        self.smoothing = smoothing
        self.gain = gain
        self.bias = bias
        self.power = power
        self.floor = floor
        if not 0 < smoothing <= 1:
            raise ValueError(f"PCEN: smoothing: expected 0 < smoothing <= 1, got {smoothing}")
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"PCEN: {name}: expected a number above 0, got {getattr(self, name)}")

    def build(self, energies_shape: Sequence[Any]) -> None:
        """Create the weights for energies of shape (batch, frames, bins)."""
        require_sequences(self, energies_shape)
        bins = energies_shape[2]
        self.log_gain, self.log_bias, self.log_power = (
            self.add_weight(
                shape=(bins,),
                name=f"log_{name}",
                initializer=keras.initializers.Constant(float(np.log(getattr(self, name)))),
                dtype="float32",
                autocast=False,
            )
            for name in ("gain", "bias", "power")
        )
        cell = _Average(bins, self.smoothing, dtype="float32")
        self.average = Recurrent(cell, return_sequences=True, dtype="float32", name=f"{self.name}_average")
        self.average.build(energies_shape)

    def call(self, energies: tf.Tensor) -> tf.Tensor:
        """Return the results; the class docstring describes the arguments."""
        with tf.name_scope(IN_FLOAT):
            energies = tf.cast(energies, "float32")
            gain, bias, power = (tf.exp(w) for w in (self.log_gain, self.log_bias, self.log_power))
            controlled = energies * (self.floor + self.average(energies)) ** -gain
            return tf.cast((controlled + bias) ** power - bias**power, self.compute_dtype)

    def compute_output_shape(self, energies_shape: Sequence[int | None]) -> Sequence[int | None]:
        """Return the shape of the energies."""
        return energies_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("smoothing", *_POSITIVE)}
