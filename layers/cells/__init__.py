"""Recurrent cells, one a file, each with its layer."""

from .base import Cell
from .gru import GRU, GRUCell
from .lstm import LSTM, LSTMCell
from .simple_rnn import SimpleRNN, SimpleRNNCell

__all__ = ["GRU", "LSTM", "Cell", "GRUCell", "LSTMCell", "SimpleRNN", "SimpleRNNCell"]
