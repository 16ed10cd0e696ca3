"""Stock Keras recurrent layers to these and back, weights included."""

from __future__ import annotations

from typing import Any

import keras

from .bidirectional import Bidirectional
from .cells import GRU, LSTM, SimpleRNN
from .recurrent import Recurrent

_PAIRS: dict[Any, type[Recurrent]] = {
    keras.layers.SimpleRNN: SimpleRNN,
    keras.layers.LSTM: LSTM,
    keras.layers.GRU: GRU,
}
_REFUSED = {"activity_regularizer": None}
"""Options that these layers have only with the value given."""
_OURS_ALONE = {"peepholes": False, "projection": None, "layer_normalization": False, "zoneout": 0.0}
"""Options that the stock layers have only with the value given, so to speak."""


def from_keras(layer: Any) -> Any:
    """Make the layer of ours that computes what a keras.layers SimpleRNN, LSTM, GRU or Bidirectional does.

    Weights are copied where `layer` is built. Raises TypeError for other layers, ValueError for an option
    that has no counterpart (activity_regularizer).
    """
    if isinstance(layer, keras.layers.Bidirectional):
        ours = Bidirectional(
            from_keras(layer.forward_layer),
            layer.merge_mode,
            from_keras(layer.backward_layer),
            name=layer.name,
        )
        return _with_weights(ours, layer)
    for theirs, our_class in _PAIRS.items():
        if type(layer) is theirs:
            config = layer.get_config()
            _refuse(config, _REFUSED, our_class.__name__)
            return _with_weights(our_class.from_config(_shared(config, our_class)), layer)
    raise TypeError(f"expected one of {_names()}, got {type(layer).__name__} ({layer.name})")


def to_keras(layer: Any) -> Any:
    """Make the stock Keras layer that computes what one of ours does; weights as in `from_keras`.

    Raises TypeError for other layers, ValueError for an option without counterpart (peepholes, projection,
    layer_normalization, zoneout).
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
            config = layer.get_config()
            _refuse(config, _OURS_ALONE, f"keras.layers.{their_class.__name__}")
            return _with_weights(their_class.from_config(_shared(config, their_class)), layer)
    raise TypeError(f"expected SimpleRNN, LSTM, GRU or Bidirectional of unrolled, got {type(layer).__name__}")


def _names() -> str:
    return ", ".join(f"keras.layers.{theirs.__name__}" for theirs in (*_PAIRS, keras.layers.Bidirectional))


def _refuse(config: dict[str, Any], options: dict[str, Any], target: str) -> None:
    for option, only in options.items():
        if config.get(option, only) != only:
            raise ValueError(f"{config['name']}: {option}={config[option]} has no counterpart in {target}")


def _shared(config: dict[str, Any], target: type) -> dict[str, Any]:
    """Keep the options that a fresh layer of `target` has, too."""
    return {name: value for name, value in config.items() if name in target(1).get_config()}


def _with_weights(target: Any, source: Any) -> Any:
    if source.built:
        first = source.forward_layer if hasattr(source, "forward_layer") else source
        features = first.cell.kernel.shape[0]
        states = getattr(first, "states", None)
        if not target.built:
            target.build((states[0].shape[0] if states else None, None, features))
            target.built = True
        target.set_weights(source.get_weights())
    return target
