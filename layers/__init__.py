"""Recurrent layers for Keras that train fast, convert to TFLite and run on devices."""

from .attention import (
    AdditiveAttention,
    AdditiveAttentionPooling,
    MultiplicativeAttention,
    MultiplicativeAttentionPooling,
)
from .bidirectional import Bidirectional
from .callbacks import Diagnostics
from .causal import CausalConv1D, CausalConv2D
from .cell_names import CELL_NAMES, WINDOWED_NAMES, by_name
from .cells.base import Cell
from .cells.cfc import CfC, CfCCell
from .cells.conv_lstm import ConvLSTM1D, ConvLSTM1DCell, ConvLSTM2D, ConvLSTM2DCell
from .cells.fast_grnn import FastGRNN, FastGRNNCell
from .cells.gru import GRU, GRUCell
from .cells.ind_rnn import IndRNN, IndRNNCell
from .cells.linear import LinearCell
from .cells.lstm import LSTM, LSTMCell
from .cells.mgu import MGU, MGUCell
from .cells.min_gru import MinGRU, MinGRUCell
from .cells.min_lstm import MinLSTM, MinLSTMCell
from .cells.ntm import NeuralTuringMachine, NeuralTuringMachineCell
from .cells.rg_lru import RGLRU, RGLRUCell
from .cells.simple_rnn import SimpleRNN, SimpleRNNCell
from .cells.slstm import SLSTM, SLSTMCell
from .cells.sru import SRU, SRUCell
from .clipping import CountingAdamW
from .continued import Continued
from .convert import from_keras, to_keras
from .convert_model import convert_model
from .crf import CRFLoss, LinearChainCRF
from .last_steps import LastSteps
from .multi_head_attention import MultiHeadAttention, MultiHeadAttentionPooling
from .pcen import PCEN
from .pooling import MaskedMaxPooling
from .recurrent import Recurrent
from .reversible import Restore, ReversibleNormalization
from .rtrl import RealTimeRecurrentLearning
from .scan import execution
from .spec_augment import SpecAugment
from .spectrogram import IN_FLOAT, MFCC, LogMel, Mel
from .stack import Stack
from .streaming import OneStep
from .temporal_convolution import TemporalConvolution
from .token_dropout import TokenDropout
from .transformer import CausalTransformer

__all__ = [
    "CELL_NAMES",
    "GRU",
    "IN_FLOAT",
    "LSTM",
    "MFCC",
    "MGU",
    "PCEN",
    "RGLRU",
    "SLSTM",
    "SRU",
    "WINDOWED_NAMES",
    "AdditiveAttention",
    "AdditiveAttentionPooling",
    "Bidirectional",
    "CRFLoss",
    "CausalConv1D",
    "CausalConv2D",
    "CausalTransformer",
    "Cell",
    "CfC",
    "CfCCell",
    "Continued",
    "ConvLSTM1D",
    "ConvLSTM1DCell",
    "ConvLSTM2D",
    "ConvLSTM2DCell",
    "CountingAdamW",
    "Diagnostics",
    "FastGRNN",
    "FastGRNNCell",
    "GRUCell",
    "IndRNN",
    "IndRNNCell",
    "LSTMCell",
    "LastSteps",
    "LinearCell",
    "LinearChainCRF",
    "LogMel",
    "MGUCell",
    "MaskedMaxPooling",
    "Mel",
    "MinGRU",
    "MinGRUCell",
    "MinLSTM",
    "MinLSTMCell",
    "MultiHeadAttention",
    "MultiHeadAttentionPooling",
    "MultiplicativeAttention",
    "MultiplicativeAttentionPooling",
    "NeuralTuringMachine",
    "NeuralTuringMachineCell",
    "OneStep",
    "RGLRUCell",
    "RealTimeRecurrentLearning",
    "Recurrent",
    "Restore",
    "ReversibleNormalization",
    "SLSTMCell",
    "SRUCell",
    "SimpleRNN",
    "SimpleRNNCell",
    "SpecAugment",
    "Stack",
    "TemporalConvolution",
    "TokenDropout",
    "by_name",
    "convert_model",
    "execution",
    "from_keras",
    "to_keras",
]
