"""Recurrent layers for Keras that train fast, convert to TFLite and run on devices."""

from .attention import AdditiveAttentionPooling
from .bidirectional import Bidirectional
from .cells import GRU, LSTM, Cell, GRUCell, LSTMCell, SimpleRNN, SimpleRNNCell
from .convert import from_keras, to_keras
from .pooling import MaskedMaxPooling
from .recurrent import Recurrent
from .scan import execution
from .stack import Stack
from .token_dropout import TokenDropout

__all__ = [
    "GRU",
    "LSTM",
    "AdditiveAttentionPooling",
    "Bidirectional",
    "Cell",
    "GRUCell",
    "LSTMCell",
    "MaskedMaxPooling",
    "Recurrent",
    "SimpleRNN",
    "SimpleRNNCell",
    "Stack",
    "TokenDropout",
    "execution",
    "from_keras",
    "to_keras",
]
