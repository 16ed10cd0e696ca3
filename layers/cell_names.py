"""The recurrent layers, and those in their place, by name, as configurations and command lines write them."""

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
from .temporal_convolution import TemporalConvolution
from .transformer import CausalTransformer
from .windowed import Windowed

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
_WINDOWED: dict[str, type[Windowed]] = {"tcn": TemporalConvolution, "transformer": CausalTransformer}

CELL_NAMES = tuple(_LAYERS)
"""The names of recurrent layers that `by_name` knows."""
WINDOWED_NAMES = tuple(_WINDOWED)
"""The names of layers that see a window of the past, which `by_name` knows."""


def by_name(name: str) -> type[CellLayer] | type[Windowed]:
    """Return the class of a layer by its name: "simple_rnn", "lstm", ..., "tcn", "transformer".

    Raises:
        ValueError: there is no such layer; the message lists the names.
    """
    known = _LAYERS | _WINDOWED
    if name not in known:
        raise ValueError(f"cell: expected one of {', '.join(known)}, got {name!r}")
    return known[name]
