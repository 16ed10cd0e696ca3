"""Convert recurrent layers of Keras to layers of this package and back, with their weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from .bidirectional import Bidirectional
from .cells.base import Cell
from .cells.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTMCell
from .cells.gru import GRU, GRUCell
from .cells.lstm import LSTM, LSTMCell
from .cells.simple_rnn import SimpleRNN, SimpleRNNCell
from .checks import without_keras_options
from .recurrent import Recurrent
from .stack import Stack

_PAIRS: dict[Any, type[Recurrent]] = {
    keras.layers.SimpleRNN: SimpleRNN,
    keras.layers.LSTM: LSTM,
    keras.layers.GRU: GRU,
    keras.layers.ConvLSTM1D: ConvLSTM1D,
    keras.layers.ConvLSTM2D: ConvLSTM2D,
}
_CELLS: dict[Any, type[Cell]] = {
    keras.layers.SimpleRNNCell: SimpleRNNCell,
    keras.layers.LSTMCell: LSTMCell,
    keras.layers.GRUCell: GRUCell,
}
_FUNCTIONS_AS_LAYERS = (
    keras.layers.Activation,
    keras.layers.ELU,
    keras.layers.LeakyReLU,
    keras.layers.ReLU,
    keras.layers.Softmax,
)
"""Layers without weights and state, which may be used as activations."""
_OF_RNN = ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask", "stateful")
_OF_EACH = ("stateful", "checkpoint_every", "check_numerics")
"""Options of `Recurrent` that every layer of a `Stack` gets."""
_UNSUPPORTED = {"activity_regularizer": None}
"""Keras options that this package lacks, and the value that turns each off."""
_WITHOUT_COUNTERPART = {"peepholes": False, "projection": None, "layer_normalization": False, "zoneout": 0.0}
"""Options without a Keras counterpart, and the value that turns each off."""


def from_keras(layer: Any) -> Any:
    """Convert a recurrent layer of Keras to the layer of this package that computes the same.

    SimpleRNN, LSTM, GRU, ConvLSTM1D, ConvLSTM2D and Bidirectional become the layers of the same name, RNN
    over one cell becomes `Recurrent`, and RNN over several cells becomes a `Stack`.

    Args:
        layer: a recurrent layer of Keras. If it is built, its weights and kept states are copied.

    Returns:
        The new layer. It is built if `layer` is.

    Raises:
        TypeError: the layer or its cell has no counterpart.
        ValueError: an option has no counterpart: activity_regularizer, an activation that is a layer, and
            return_state or go_backwards over several cells.
    """
    if type(layer) is keras.layers.Bidirectional:
        _refuse_activity_regularizer(layer)
        ours = Bidirectional(
            from_keras(layer.forward_layer),
            layer.merge_mode,
            from_keras(layer.backward_layer),
            name=layer.name,
            trainable=layer.trainable,
            dtype=layer.dtype_policy,
        )
        return _with_weights(ours, layer)
    if type(layer) is keras.layers.RNN:
        _refuse_activity_regularizer(layer)
        several = type(layer.cell) is keras.layers.StackedRNNCells
        return _with_weights(_stack(layer) if several else _recurrent(layer), layer)
    for theirs, our_class in _PAIRS.items():
        if type(layer) is theirs:
            _refuse(layer.get_config(), _UNSUPPORTED, our_class.__name__)
            return _with_weights(_made(our_class, layer), layer)
    raise TypeError(
        f"expected one of {_names()}, got {type(layer).__name__} ({layer.name}): write its step as an "
        "unrolled Cell and run it in Recurrent, or keep the model in Keras"
    )


def to_keras(layer: Any) -> Any:
    """Convert a recurrent layer of this package to the Keras layer that computes the same.

    Args:
        layer: a SimpleRNN, LSTM, GRU, ConvLSTM1D, ConvLSTM2D or Bidirectional. If it is built, its weights
            and kept states are copied.

    Returns:
        The Keras layer. It is built if `layer` is.

    Raises:
        TypeError: Keras has no such layer.
        ValueError: an option has no counterpart: peepholes, projection, layer_normalization, zoneout.
    """
    if isinstance(layer, Bidirectional):
        theirs = keras.layers.Bidirectional(
            to_keras(layer.forward_layer),
            layer.merge_mode,
            backward_layer=to_keras(layer.backward_layer),
            name=layer.name,
        )
        return _with_weights(theirs, layer)
    for their_class, ours in _PAIRS.items():
        if type(layer) is ours:
            _refuse(layer.get_config(), _WITHOUT_COUNTERPART, f"keras.layers.{their_class.__name__}")
            return _with_weights(_made(their_class, layer), layer)
    known = ", ".join(ours.__name__ for ours in _PAIRS.values())
    raise TypeError(f"expected an unrolled {known} or Bidirectional, got {type(layer).__name__}")


def _recurrent(rnn: Any) -> Recurrent:
    options = {name: getattr(rnn, name) for name in _OF_RNN}
    cell = _made_cell(rnn.cell, rnn.name)
    return Recurrent(cell, name=rnn.name, trainable=rnn.trainable, dtype=rnn.dtype_policy, **options)


def _stack(rnn: Any) -> Stack:
    """Convert an RNN over several cells to a `Stack`."""
    if any(cell.dtype_policy != rnn.dtype_policy for cell in rnn.cell.cells):
        raise ValueError(f"{rnn.name}: dtype: expected the dtype of every cell, got {rnn.dtype_policy.name}")
    options = {name: getattr(rnn, name) for name in _OF_RNN}
    cells = [_made_cell(cell, rnn.name) for cell in rnn.cell.cells]
    return _over_cells(cells, name=rnn.name, trainable=rnn.trainable, dtype=rnn.dtype_policy, **options)


def _over_cells(cell: Sequence[Any], *, name: str | None = None, **options: Any) -> Stack:
    """Return a `Stack` of one `Recurrent` layer for each element of `cell`, with options of `Recurrent`."""
    for option in ("return_state", "go_backwards"):
        if options.pop(option, False):
            raise ValueError(
                f"{name or 'Recurrent'}: {option}=True over several cells has no counterpart in Stack: "
                "use one Recurrent layer for each cell"
            )
    if not cell:
        raise ValueError(f"{name or 'Recurrent'}: cell: expected at least one cell, got none")
    options = without_keras_options(Recurrent, options)
    top = {option: options.pop(option, False) for option in ("return_sequences", "zero_output_for_mask")}
    each = {option: options.pop(option) for option in _OF_EACH if option in options}
    last = len(cell) - 1
    ours = [
        Recurrent(
            one,
            return_sequences=position < last or top["return_sequences"],
            zero_output_for_mask=position == last and top["zero_output_for_mask"],
            name=None if name is None else f"{name}_{position}",
            **each,
        )
        for position, one in enumerate(cell)
    ]
    return Stack(ours, name=name, **options)


def _cell(cell: Any, where: str) -> Cell:
    """Return the cell of this package that computes the same, with the weights of a built one."""
    ours = _made_cell(cell, where)
    if cell.built:
        ours.build((None, cell.kernel.shape[0]))
        ours.built = True
        ours.set_weights(cell.get_weights())
    return ours


def _made_cell(cell: Any, where: str) -> Cell:
    for theirs, ours in _CELLS.items():
        if type(cell) is theirs:
            return _made(ours, cell)
    known = ", ".join(f"keras.layers.{theirs.__name__}" for theirs in _CELLS)
    raise TypeError(
        f"{where}: cell: expected a Cell of this package or one of {known}, got {type(cell).__name__}: "
        "write it as an unrolled Cell and run it in Recurrent"
    )


def _names() -> str:
    theirs = (*_PAIRS, keras.layers.Bidirectional, keras.layers.RNN)
    return ", ".join(f"keras.layers.{layer_class.__name__}" for layer_class in theirs)


def _refuse_activity_regularizer(layer: Any) -> None:
    """Refuse activity_regularizer by the attribute: a wrapper's config may not be readable."""
    config = {"name": layer.name, "activity_regularizer": layer.activity_regularizer}
    _refuse(config, _UNSUPPORTED, "unrolled")


def _refuse(config: dict[str, Any], options: dict[str, Any], target: str) -> None:
    for option, only in options.items():
        if config.get(option, only) != only:
            raise ValueError(
                f"{config['name']}: {option}={config[option]} has no counterpart in {target}: "
                "create the layer without it"
            )


def _made(target: Any, source: Any) -> Any:
    """Create a layer or cell of the class `target` with the options that it shares with `source`."""
    config = source.get_config()
    for name in ("activation", "recurrent_activation"):
        used = getattr(source, name, None)
        if isinstance(used, keras.layers.Layer) and type(used) not in _FUNCTIONS_AS_LAYERS:
            raise ValueError(
                f"{source.name}: {name}: expected a function, got a layer, which has its own state"
            )
    needed = {name: config[name] for name in ("units", "filters", "kernel_size") if name in config}
    kept = target(**needed).get_config()
    try:
        return target.from_config({name: value for name, value in config.items() if name in kept})
    except Exception as error:
        raise ValueError(
            f"{source.name}: can't be rebuilt from its config: register the functions among its "
            f"arguments with Keras ({type(error).__name__}: {error})"
        ) from error


def _with_weights(target: Any, source: Any) -> Any:
    if source.built:
        theirs = _states(source)
        cell = getattr(source, "forward_layer", source).cell
        cell = cell.cells[0] if hasattr(cell, "cells") else cell
        if not target.built:
            target.build((theirs[0].shape[0] if theirs else None, None, *_step_shape(cell)))
            target.built = True
        target.set_weights(source.get_weights())
        for state, value in zip(_states(target), theirs, strict=True):
            state.assign(value)
    return target


def _step_shape(cell: Any) -> tuple[int, ...]:
    """Return the shape of one step's inputs that a cell of Keras or of this package is built for."""
    if isinstance(cell, ConvLSTMCell):
        return tuple(size for size in cell.step_shape or () if size is not None)
    if hasattr(cell, "spatial_dims"):  # a convolutional cell of Keras
        return (*cell.spatial_dims, cell.input_dim)
    return (cell.kernel.shape[0],)


def _states(layer: Any) -> list[Any]:
    """Return the variables of the kept states of a stateful layer, of Keras or of this package."""
    if isinstance(layer, Stack):
        parts = layer.layers
    elif hasattr(layer, "forward_layer"):
        parts = [layer.forward_layer, layer.backward_layer]
    else:
        parts = [layer]
    return [state for part in parts for state in keras.tree.flatten(part.states or [])]


Recurrent.from_keras_cell = staticmethod(_cell)
Recurrent.over_cells = staticmethod(_over_cells)
