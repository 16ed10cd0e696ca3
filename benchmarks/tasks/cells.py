"""The recurrent layers that can be trained on a task, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras

import layers
from pipelines.errors import UserError

_IDENTITY: dict[str, Any] = {"activation": "relu", "recurrent_initializer": "identity"}
_VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "simple_rnn": {"IRNN": _IDENTITY},
    "lstm": {
        "LSTM-peepholes": {"peepholes": True},
        "LSTM-projection": {"projection": 32},
        "LSTM-normalized": {"layer_normalization": True},
    },
}
"""The options of each variant, by the name of the layer in `layers.by_name` and that of the variant."""


def _our_cells() -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for name in layers.CELL_NAMES:
        layer = layers.by_name(name)
        found[layer.__name__] = layer
        variants = _VARIANTS.get(name, {})
        found |= {variant: partial(layer, **options) for variant, options in variants.items()}
    return found


CELLS: dict[str, Callable[..., Any]] = {
    **_our_cells(),
    "NeuralTuringMachine": layers.NeuralTuringMachine,
    "keras.SimpleRNN": keras.layers.SimpleRNN,
    "keras.IRNN": partial(keras.layers.SimpleRNN, **_IDENTITY),
    "keras.LSTM": keras.layers.LSTM,
    "keras.GRU": keras.layers.GRU,
}
"""By name: a function of `units` and the layer's other options that returns the layer."""


def find(name: str) -> Callable[..., Any]:
    """Return the function of `CELLS` that makes a layer; raises UserError if the name is unknown."""
    if name not in CELLS:
        raise UserError(f"--cell: expected one of {', '.join(CELLS)}, got {name!r}")
    return CELLS[name]
