"""Small models of every cell in every structure, to export in every execution and precision."""

from collections.abc import Callable

import keras

import layers

STEPS, FEATURES, UNITS = 5, 3, 4

Make = Callable[..., keras.layers.Layer]

CELLS: dict[str, Make] = {
    "SimpleRNN": lambda **o: layers.SimpleRNN(UNITS, **o),
    "SimpleRNN_relu": lambda **o: layers.SimpleRNN(UNITS, activation="relu", **o),
    "LSTM": lambda **o: layers.LSTM(UNITS, **o),
    "LSTM_peepholes": lambda **o: layers.LSTM(UNITS, peepholes=True, **o),
    "LSTM_projection": lambda **o: layers.LSTM(UNITS + 2, projection=UNITS, **o),
    "LSTM_normalised": lambda **o: layers.LSTM(UNITS, layer_normalization=True, **o),
    "GRU": lambda **o: layers.GRU(UNITS, **o),
    "GRU_reset_before": lambda **o: layers.GRU(UNITS, reset_after=False, **o),
    "MGU": lambda **o: layers.MGU(UNITS, **o),
    "IndRNN": lambda **o: layers.IndRNN(UNITS, **o),
    "MinGRU": lambda **o: layers.MinGRU(UNITS, **o),
    "MinLSTM": lambda **o: layers.MinLSTM(UNITS, **o),
    "NeuralTuringMachine": lambda **o: layers.NeuralTuringMachine(UNITS, slots=4, width=2, **o),
}


def _alone(make: Make, x: keras.KerasTensor) -> keras.KerasTensor:
    return make(return_sequences=True)(x)


def _masked(make: Make, x: keras.KerasTensor) -> keras.KerasTensor:
    return make(return_sequences=True)(keras.layers.Masking()(x))


def _bidirectional(make: Make, x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Bidirectional(make(return_sequences=True))(x)


def _stacked(make: Make, x: keras.KerasTensor) -> keras.KerasTensor:
    below = layers.Stack([make(return_sequences=True), make(return_sequences=True)], connections="skip")
    return keras.layers.Dense(3)(make()(below(x)))


def _attention(make: Make, x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.AdditiveAttentionPooling(3)(make(return_sequences=True)(keras.layers.Masking()(x)))


STRUCTURES = {
    "alone": _alone,
    "masked": _masked,
    "bidirectional": _bidirectional,
    "stacked": _stacked,
    "attention": _attention,
}


def model_of(structure: str, cells: list[str]) -> keras.Model:
    """Return a model with one output for each cell, named after it."""
    x = keras.Input([STEPS, FEATURES], name="features")
    outputs = {name: STRUCTURES[structure](CELLS[name], x) for name in cells}
    return keras.Model(x, outputs)
