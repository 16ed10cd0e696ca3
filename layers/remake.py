"""Make layers again from their config, and copy weights, vocabularies and states into them."""

from __future__ import annotations

import inspect
import operator
import tempfile
import warnings
from typing import Any

import keras

from .bidirectional import Bidirectional
from .recurrent import Recurrent
from .stack import Stack


def is_graph(layer: Any) -> bool:
    """Return whether a layer is a Sequential or Functional model."""
    return isinstance(layer, keras.Sequential) or (
        isinstance(layer, keras.Model) and hasattr(layer, "operations")
    )


def remade(layer: Any) -> Any:
    """Make a layer again from its config, without weights.

    Raises:
        ValueError: the config does not hold the arguments; the message says what is missing.
    """
    if type(layer) is keras.layers.Lambda:  # Keras refuses to make a lambda from a config
        shape, options = layer._output_shape, {"name": layer.name, "dtype": layer.dtype_policy}
        return keras.layers.Lambda(layer.function, shape, layer.mask, layer.arguments, **options)
    if type(layer).get_config is keras.Model.get_config and _arguments(layer):
        raise ValueError(
            f"{layer.name}: {type(layer).__name__} can't be made again without a get_config of its own: "
            f"Keras does not keep the values of {', '.join(_arguments(layer))}"
        )
    try:
        return type(layer).from_config(layer.get_config())
    except Exception as error:
        raise ValueError(
            f"{layer.name}: {type(layer).__name__} can't be made again from its config: give it a get_config "
            f"that holds its arguments, and register what they name ({type(error).__name__}: {error})"
        ) from error


def _arguments(layer: Any) -> list[str]:
    """Return the constructor's own arguments of a model. Keras does not keep the values of these."""
    parameters = inspect.signature(type(layer).__init__).parameters if isinstance(layer, keras.Model) else {}
    any_ = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    shared = ("self", "name", "trainable", "dtype")
    return [name for name, one in parameters.items() if name not in shared and one.kind not in any_]


def replace_inside(holder: Any, old: Any, new: Any) -> None:
    """Replace the layer `old` inside another one: in Keras's list of layers, and in the attributes.

    Raises:
        ValueError: no attribute, list, tuple or dict of `holder` has it.
    """
    holder._tracker.replace_tracked_value("layers", old, new)
    found = False

    def swapped(value: Any) -> Any:
        nonlocal found
        if value is old:
            found = True
            return new
        if isinstance(value, tuple):
            parts = [swapped(part) for part in value]
            return value if all(map(operator.is_, parts, value)) else getattr(value, "_make", tuple)(parts)
        if isinstance(value, (list, dict)):
            for key, part in list(value.items() if isinstance(value, dict) else enumerate(value)):
                if (other := swapped(part)) is not part:
                    value[key] = other
        return value

    for name, value in list(vars(holder).items()):
        if name not in ("_layers", "_tracker") and (other := swapped(value)) is not value:
            setattr(holder, name, other)
    if not found:
        raise ValueError(f"{holder.name}: {old.name}: expected it in an attribute, a list, tuple or dict")


def build_as(old: Any, new: Any) -> None:
    """Build the layer or model `new` with the input shapes that `old` was built with."""
    config = None if new.built else old.get_build_config()
    if config:
        with warnings.catch_warnings():  # parts that Keras can't build here are built one by one later
            warnings.simplefilter("ignore")
            new.build_from_config(config)
        new.built = True


def copy_weights(old: Any, new: Any) -> None:
    """Copy the weights, vocabulary and `trainable` of a layer, without those of the layers inside it.

    Raises:
        ValueError: `new` does not have the weights of `old`.
    """
    new.trainable = old.trainable
    if is_graph(old) or isinstance(new, (Recurrent, Bidirectional, Stack)):
        return  # has no weights of its own, or got them from `from_keras`
    build_as(old, new)
    store: dict[str, Any] = {}
    try:
        old.save_own_variables(store)
        new.load_own_variables(store)
    except ValueError as error:
        raise ValueError(
            f"{old.name}: {type(old).__name__} made again from its config does not have the same weights: "
            f"make them in build, from the shape of the inputs ({error})"
        ) from error
    if hasattr(old, "save_assets"):
        with tempfile.TemporaryDirectory() as folder:
            old.save_assets(folder)
            new.load_assets(folder)
