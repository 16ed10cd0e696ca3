"""Recurrent layers for Keras that train fast, convert to TFLite and run on devices."""

from .attention import AdditiveAttentionPooling
from .bidirectional import Bidirectional
from .cells import GRU, LSTM, Cell, GRUCell, LSTMCell, SimpleRNN, SimpleRNNCell
from .convert import from_keras, to_keras
from .recurrent import Recurrent
from .scan import execution
from .stack import Stack

__all__ = [
    "GRU",
    "LSTM",
    "AdditiveAttentionPooling",
    "Bidirectional",
    "Cell",
    "GRUCell",
    "LSTMCell",
    "Recurrent",
    "SimpleRNN",
    "SimpleRNNCell",
    "Stack",
    "execution",
    "from_keras",
    "to_keras",
]
