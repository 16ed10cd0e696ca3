"""The stack of recurrent layers that settings describe."""

from __future__ import annotations

import keras

from .._layers import layers
from ..config import RecurrentConfig


def recurrent_stack(
    config: RecurrentConfig, *, bidirectional: bool = False, every_step: bool = True
) -> keras.layers.Layer:
    """Return the recurrent layers of the settings.

    Args:
        config: the kinds of the layers, their units, and the dropout between them.
        bidirectional: whether each layer reads in both directions.
        every_step: whether to return (batch, steps, size), or (batch, size) of the last step.
    """
    stack = []
    for number, kind in enumerate(config.kinds, 1):
        layer = layers.by_name(kind)(config.units, return_sequences=every_step or number < len(config.kinds))
        stack.append(layers.Bidirectional(layer) if bidirectional else layer)
    return layers.Stack(stack, config.dropout, name="recurrent")
