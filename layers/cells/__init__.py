"""Recurrent cells, one a file, each with its layer."""

from .base import Cell
from .gru import GRU, GRUCell
from .ind_rnn import IndRNN, IndRNNCell
from .linear import LinearCell
from .lstm import LSTM, LSTMCell
from .mgu import MGU, MGUCell
from .min_gru import MinGRU, MinGRUCell
from .min_lstm import MinLSTM, MinLSTMCell
from .ntm import NeuralTuringMachine, NeuralTuringMachineCell
from .simple_rnn import SimpleRNN, SimpleRNNCell

__all__ = [
    "GRU",
    "LSTM",
    "MGU",
    "Cell",
    "GRUCell",
    "IndRNN",
    "IndRNNCell",
    "LSTMCell",
    "LinearCell",
    "MGUCell",
    "MinGRU",
    "MinGRUCell",
    "MinLSTM",
    "MinLSTMCell",
    "NeuralTuringMachine",
    "NeuralTuringMachineCell",
    "SimpleRNN",
    "SimpleRNNCell",
]
