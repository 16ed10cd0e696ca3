"""The recurrent layers to compare, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras

import layers
from pipelines.errors import UserError

_IDENTITY: dict[str, Any] = {"activation": "relu", "recurrent_initializer": "identity"}

CELLS: dict[str, Callable[..., Any]] = {
    "SimpleRNN": layers.SimpleRNN,
    "IRNN": partial(layers.SimpleRNN, **_IDENTITY),
    "LSTM": layers.LSTM,
    "LSTM-peepholes": partial(layers.LSTM, peepholes=True),
    "LSTM-projection": partial(layers.LSTM, projection=32),
    "LSTM-normalized": partial(layers.LSTM, layer_normalization=True),
    "GRU": layers.GRU,
    "MGU": layers.MGU,
    "IndRNN": layers.IndRNN,
    "MinGRU": layers.MinGRU,
    "MinLSTM": layers.MinLSTM,
    "NeuralTuringMachine": layers.NeuralTuringMachine,
    "keras.SimpleRNN": keras.layers.SimpleRNN,
    "keras.IRNN": partial(keras.layers.SimpleRNN, **_IDENTITY),
    "keras.LSTM": keras.layers.LSTM,
    "keras.GRU": keras.layers.GRU,
}
"""name -> maker(units, return_sequences=..., ...)."""


def find(name: str) -> Callable[..., Any]:
    """Return the maker of a layer; raises UserError."""
    if name not in CELLS:
        raise UserError(f"--cell: expected some of {', '.join(CELLS)}, got {name!r}")
    return CELLS[name]
