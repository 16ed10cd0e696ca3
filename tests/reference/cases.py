"""The table of every public layer, over which tests check what all layers promise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

import layers

BATCH, STEPS, FEATURES = 3, 4, 2  # units are 5 and 6 below, so that all sizes differ


@dataclass(frozen=True)
class Case:
    """A public layer and its properties."""

    make: Callable[..., keras.layers.Layer]
    """make(**options) returns the layer; `options` lists the options that it takes."""
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
    "LSTM with peepholes": Case(lambda **o: layers.LSTM(5, peepholes=True, **o), states=(5, 5)),
    "LSTM with projection": Case(lambda **o: layers.LSTM(6, projection=5, **o), states=(5, 6)),
    "LSTM with layer normalisation": Case(
        lambda **o: layers.LSTM(5, layer_normalization=True, **o), states=(5, 5)
    ),
    "LSTM with layer normalisation without bias": Case(
        lambda **o: layers.LSTM(5, layer_normalization=True, use_bias=False, **o), states=(5, 5)
    ),
    "LSTM with everything": Case(
        lambda **o: layers.LSTM(6, peepholes=True, projection=5, layer_normalization=True, **o),
        states=(5, 6),
    ),
    "GRU with reset before": Case(lambda **o: layers.GRU(5, reset_after=False, **o), states=(5,)),
    "GRU with reset before without bias": Case(
        lambda **o: layers.GRU(5, reset_after=False, use_bias=False, **o), states=(5,)
    ),
    "MGU": Case(lambda **o: layers.MGU(5, **o), states=(5,)),
    "IndRNN": Case(lambda **o: layers.IndRNN(5, **o), states=(5,)),
    "MinGRU": Case(lambda **o: layers.MinGRU(5, **o), states=(5,)),
    "MinLSTM": Case(lambda **o: layers.MinLSTM(5, **o), states=(5,)),
    "FastGRNN": Case(lambda **o: layers.FastGRNN(5, **o), states=(5,)),
    "FastGRNN of low rank": Case(
        lambda **o: layers.FastGRNN(5, kernel_rank=1, recurrent_rank=3, **o), states=(5,)
    ),
    "FastGRNN without bias": Case(lambda **o: layers.FastGRNN(5, use_bias=False, **o), states=(5,)),
    "SRU": Case(lambda **o: layers.SRU(5, **o), states=(5, 5)),
    "RGLRU": Case(lambda **o: layers.RGLRU(5, **o), states=(5,)),
    "CfC": Case(lambda **o: layers.CfC(5, **o), states=(5,)),
    "CfC with times": Case(lambda **o: layers.CfC(5, timed=True, **o), states=(5,)),
    "SLSTM": Case(lambda **o: layers.SLSTM(5, **o), states=(5, 5, 5)),
    "NeuralTuringMachine": Case(
        lambda **o: layers.NeuralTuringMachine(5, slots=6, width=3, **o), states=(8, 5, 18, 6, 6)
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
    "Stack with residual connections": Case(
        lambda **o: layers.Stack(
            [layers.LSTM(5, return_sequences=True), layers.GRU(5, **o)], connections="residual"
        ),
        options=("return_sequences",),
    ),
    "Stack with skip connections": Case(
        lambda **o: layers.Stack(
            [layers.Bidirectional(layers.GRU(5, return_sequences=True)), layers.LSTM(6, **o)],
            connections="skip",
        ),
        options=("return_sequences",),
    ),
    "AdditiveAttentionPooling": Case(lambda **o: layers.AdditiveAttentionPooling(5, **o), options=()),
    "MultiplicativeAttentionPooling": Case(
        lambda **o: layers.MultiplicativeAttentionPooling(**o), options=()
    ),
    "MultiHeadAttentionPooling": Case(lambda **o: layers.MultiHeadAttentionPooling(6, 5, **o), options=()),
    "MaskedMaxPooling": Case(lambda **o: layers.MaskedMaxPooling(**o), options=()),
}

CELLS = {
    "SimpleRNNCell": lambda **o: layers.SimpleRNNCell(5, **o),
    "LSTMCell": lambda **o: layers.LSTMCell(5, **o),
    "GRUCell": lambda **o: layers.GRUCell(5, **o),
    "MGUCell": lambda **o: layers.MGUCell(5, **o),
    "IndRNNCell": lambda **o: layers.IndRNNCell(5, **o),
    "MinGRUCell": lambda **o: layers.MinGRUCell(5, **o),
    "MinLSTMCell": lambda **o: layers.MinLSTMCell(5, **o),
    "FastGRNNCell": lambda **o: layers.FastGRNNCell(5, **o),
    "SRUCell": lambda **o: layers.SRUCell(5, **o),
    "RGLRUCell": lambda **o: layers.RGLRUCell(5, **o),
    "CfCCell": lambda **o: layers.CfCCell(5, **o),
    "SLSTMCell": lambda **o: layers.SLSTMCell(5, **o),
    "NeuralTuringMachineCell": lambda **o: layers.NeuralTuringMachineCell(5, slots=6, width=3, **o),
}

CELLS_ON_GRIDS = {
    "ConvLSTM1DCell": lambda **o: layers.ConvLSTM1DCell(3, 2, **o),
    "ConvLSTM2DCell": lambda **o: layers.ConvLSTM2DCell(3, (3, 2), **o),
}

OF_TOKENS = {"TokenDropout": lambda **o: layers.TokenDropout(0.5, **o)}
"""Layers over tokens (batch, steps). Only the tests of configuration use them."""

FRONT_END = {
    "Mel": (lambda **o: layers.Mel(bins=5, **o), (1600,)),
    "LogMel": (lambda **o: layers.LogMel(bins=5, mean=-8.0, scale=np.arange(1.0, 6.0), **o), (1600,)),
    "MFCC": (lambda **o: layers.MFCC(bins=6, coefficients=5, window_ms=30, **o), (1600,)),
    "PCEN": (lambda **o: layers.PCEN(**o), (5, 3)),
    "SpecAugment": (lambda **o: layers.SpecAugment(**o), (5, 3)),
    "CausalConv1D": (lambda **o: layers.CausalConv1D(4, 3, dilation_rate=2, **o), (5, 3)),
    "CausalConv2D": (lambda **o: layers.CausalConv2D(4, (3, 2), (1, 2), **o), (5, 6, 3)),
    "CausalTransformer": (
        lambda **o: layers.CausalTransformer(4, return_sequences=True, heads=2, window=3, **o),
        (5, 3),
    ),
    "TemporalConvolution": (
        lambda **o: layers.TemporalConvolution(4, return_sequences=True, dilations=(1, 2), **o),
        (5, 3),
    ),
}
"""Layers of sounds and of windows, and the shape of their inputs without the batch, for test_front_end.py."""

ON_GRIDS = {
    "ConvLSTM1D": (lambda **o: layers.ConvLSTM1D(3, 2, **o), (7, 2)),
    "ConvLSTM2D": (lambda **o: layers.ConvLSTM2D(3, (3, 2), padding="same", **o), (5, 4, 2)),
}
"""Recurrent layers whose steps have positions, and the shape of one step, for test_conv_lstm.py."""

OVER_MEMORY = {
    "AdditiveAttention": lambda **o: layers.AdditiveAttention(5, **o),
    "MultiplicativeAttention": lambda **o: layers.MultiplicativeAttention(**o),
    "MultiplicativeAttention of dots": lambda **o: layers.MultiplicativeAttention("dot", **o),
    "MultiHeadAttention": lambda **o: layers.MultiHeadAttention(6, 5, **o),
}
"""Layers over a query and a memory, for test_attention.py and test_attention_models.py."""

WITHOUT_CASE = {"Cell", "Continued", "LinearCell", "LastSteps", "LinearChainCRF"} | {
    "ReversibleNormalization",
    "Restore",
}
"""Public base classes, which can't be used as layers, and layers that take or give several tensors, or give
other rows than they take. They have tests of their own."""

STATEFUL = {name: case for name, case in CASES.items() if case.states}
SEQUENCES = {name: case for name, case in CASES.items() if case.gives_sequences}
RECURRENT = {name: case for name, case in SEQUENCES.items() if isinstance(case.make(), layers.Recurrent)}
