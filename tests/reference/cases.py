"""One table of every public layer; the promises that all layers make are tested over it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

import layers

BATCH, STEPS, FEATURES = 3, 4, 2  # units are 5 and 6 below, so that all sizes differ


@dataclass(frozen=True)
class Case:
    """A public layer, and what it promises beside the common things."""

    make: Callable[..., keras.layers.Layer]
    """make(**options) of the layer; options as in `options` only."""
    options: tuple[str, ...] = ("return_sequences", "return_state", "go_backwards")
    states: tuple[int, ...] = ()
    """Sizes of the states that the layer takes and returns."""

    @property
    def gives_sequences(self) -> bool:
        return "return_sequences" in self.options

    def built(self, **options: Any) -> keras.layers.Layer:
        """Make the layer and build it for inputs (BATCH, STEPS, FEATURES)."""
        layer = self.make(**options)
        layer.build((BATCH, STEPS, FEATURES))
        return layer


CASES = {
    "SimpleRNN": Case(lambda **o: layers.SimpleRNN(5, **o), states=(5,)),
    "LSTM": Case(lambda **o: layers.LSTM(5, **o), states=(5, 5)),
    "GRU": Case(lambda **o: layers.GRU(5, **o), states=(5,)),
    "GRU without bias": Case(lambda **o: layers.GRU(5, use_bias=False, **o), states=(5,)),
    "LSTM with other activations": Case(
        lambda **o: layers.LSTM(5, "softsign", recurrent_activation="hard_sigmoid", **o), states=(5, 5)
    ),
    "Recurrent": Case(lambda **o: layers.Recurrent(layers.LSTMCell(5), **o), states=(5, 5)),
    "Bidirectional": Case(lambda **o: layers.Bidirectional(layers.GRU(5, **o)), states=(5, 5)),
    "Bidirectional of two": Case(
        lambda **o: layers.Bidirectional(
            layers.LSTM(5, **o),
            "concat",
            layers.GRU(6, **(o | {"go_backwards": not o.get("go_backwards", False)})),
        ),
        options=("return_sequences", "go_backwards"),
    ),
    "Stack": Case(
        lambda **o: layers.Stack(
            [layers.Bidirectional(layers.GRU(5, return_sequences=True)), layers.LSTM(6, **o)]
        ),
        options=("return_sequences",),
    ),
    "AdditiveAttentionPooling": Case(lambda **o: layers.AdditiveAttentionPooling(5, **o), options=()),
    "MaskedMaxPooling": Case(lambda **o: layers.MaskedMaxPooling(**o), options=()),
}

CELLS = {
    "SimpleRNNCell": lambda **o: layers.SimpleRNNCell(5, **o),
    "LSTMCell": lambda **o: layers.LSTMCell(5, **o),
    "GRUCell": lambda **o: layers.GRUCell(5, **o),
}

OF_TOKENS = {"TokenDropout": lambda **o: layers.TokenDropout(0.5, **o)}
"""Layers over (batch, steps) of whole numbers: they share the promises about configuration only."""

WITHOUT_CASE = {"Cell"}
"""Public layers that nobody can make: the contract itself."""

STATEFUL = {name: case for name, case in CASES.items() if case.states}
SEQUENCES = {name: case for name, case in CASES.items() if case.gives_sequences}
RECURRENT = {name: case for name, case in SEQUENCES.items() if isinstance(case.make(), layers.Recurrent)}
