"""Recurrent layers by name."""

import pytest

import layers
from layers.cell_layer import CellLayer

PUBLIC = {
    layer
    for layer in (getattr(layers, name) for name in layers.__all__)
    if isinstance(layer, type) and issubclass(layer, CellLayer)
}


@pytest.mark.parametrize("name", layers.CELL_NAMES)
def test_a_name_is_that_of_its_layer(name: str) -> None:
    assert layers.by_name(name).__name__.lower() == name.replace("_", "")


def test_every_layer_that_only_needs_units_has_a_name() -> None:
    named = {layers.by_name(name) for name in layers.CELL_NAMES}
    assert PUBLIC - named == {layers.NeuralTuringMachine, layers.ConvLSTM1D, layers.ConvLSTM2D}
    assert named <= PUBLIC


def test_an_unknown_name_is_refused_with_all_names() -> None:
    with pytest.raises(ValueError, match=r"cell: expected one of simple_rnn, lstm, .*min_lstm.*, got 'rnn'"):
        layers.by_name("rnn")
