"""The recurrent layers by name, as configurations and command lines write them."""

from __future__ import annotations

from .cell_layer import CellLayer
from .cells.cfc import CfC
from .cells.fast_grnn import FastGRNN
from .cells.gru import GRU
from .cells.ind_rnn import IndRNN
from .cells.lstm import LSTM
from .cells.mgu import MGU
from .cells.min_gru import MinGRU
from .cells.min_lstm import MinLSTM
from .cells.rg_lru import RGLRU
from .cells.simple_rnn import SimpleRNN
from .cells.slstm import SLSTM
from .cells.sru import SRU

_LAYERS: dict[str, type[CellLayer]] = {
    "simple_rnn": SimpleRNN,
    "lstm": LSTM,
    "gru": GRU,
    "mgu": MGU,
    "ind_rnn": IndRNN,
    "min_gru": MinGRU,
    "min_lstm": MinLSTM,
    "fast_grnn": FastGRNN,
    "sru": SRU,
    "rg_lru": RGLRU,
    "cfc": CfC,
    "slstm": SLSTM,
}


CELL_NAMES = tuple(_LAYERS)
"""The names that `by_name` knows."""


def by_name(name: str) -> type[CellLayer]:
    """Return the class of a recurrent layer by its name: "simple_rnn", "lstm", "gru", "mgu", ...

    Raises:
        ValueError: there is no such layer; the message lists the names.
    """
    if name not in _LAYERS:
        raise ValueError(f"cell: expected one of {', '.join(_LAYERS)}, got {name!r}")
    return _LAYERS[name]
