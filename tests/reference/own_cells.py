"""Cells as users write them for `keras.layers.RNN`, not registered with Keras."""

from typing import Any

import keras
from keras import ops

L = keras.layers


class CfCCell(L.Layer):
    """A closed-form continuous-time cell. The last feature is the time since the step before.

    Reference: R. Hasani et al., Closed-form continuous-time neural networks, Nature Machine Intelligence 4
    (2022).
    """

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = self.state_size = units
        self.backbone = L.Dense(units + 2, "silu")
        self.heads = [L.Dense(units, "tanh"), L.Dense(units, "tanh"), L.Dense(units), L.Dense(units)]

    def build(self, shape: Any) -> None:
        self.backbone.build((None, shape[-1] - 1 + self.units))
        for head in self.heads:
            head.build((None, self.units + 2))

    def call(self, inputs: Any, states: Any) -> Any:
        x, span = inputs[:, :-1], inputs[:, -1:]
        z = self.backbone(ops.concatenate([x, states[0]], axis=-1))
        f, g, a, b = (head(z) for head in self.heads)
        share = ops.sigmoid(a * ops.abs(span) + b)
        h = f * (1.0 - share) + g * share
        return h, [h]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units}


class OutputCell(L.Layer):
    """Two states of different sizes; the output is neither of them. Dropout in training."""

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.output_size = units, units + 2
        self.state_size = [units, units + 1]
        self.first, self.second = L.Dense(units, "tanh"), L.Dense(units + 1, "tanh")
        self.out, self.dropout = L.Dense(units + 2), L.Dropout(0.5)

    def build(self, shape: Any) -> None:
        self.first.build((None, shape[-1] + self.units))
        self.second.build((None, 2 * self.units + 1))
        self.out.build((None, self.units + 1))

    def call(self, x: Any, states: Any, training: bool = False) -> Any:
        h = self.first(self.dropout(ops.concatenate([x, states[0]], axis=-1), training=training))
        c = self.second(ops.concatenate([h, states[1]], axis=-1))
        return self.out(c), [h, c]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"units": self.units}
