"""Rebuild layers from their config, and copy weights and vocabularies into them."""

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


def rebuild(layer: Any) -> Any:
    """Rebuild a layer from its config, without weights.

    Raises:
        ValueError: the config does not hold the arguments; the message says what is missing.
    """
    if type(layer) is keras.layers.Lambda:  # Keras refuses to rebuild a lambda from its config
        shape, options = layer._output_shape, {"name": layer.name, "dtype": layer.dtype_policy}
        return keras.layers.Lambda(layer.function, shape, layer.mask, layer.arguments, **options)
    if type(layer).get_config is keras.Model.get_config and _arguments(layer):
        raise ValueError(
            f"{layer.name}: {type(layer).__name__} can't be rebuilt without its own get_config: "
            f"Keras does not keep the values of {', '.join(_arguments(layer))}"
        )
    if type(layer).get_config is keras.Model.get_config and not is_graph(layer):
        return type(layer)(name=layer.name) if _takes_a_name(layer) else type(layer)()
    try:
        with keras.saving.custom_object_scope(_classes_inside(layer)):
            return type(layer).from_config(layer.get_config())
    except Exception as error:
        raise ValueError(
            f"{layer.name}: {type(layer).__name__} can't be rebuilt from its config: give it a get_config "
            "that returns its arguments, and register their classes and functions with Keras "
            f"({type(error).__name__}: {error})"
        ) from error


def _classes_inside(layer: Any) -> dict[str, Any]:
    """Return the user's classes in a layer by name: Keras finds only those that are registered."""
    inside = layer._flatten_layers() if isinstance(layer, keras.Layer) else []
    found = {type(each).__name__: type(each) for each in inside}
    return {name: each for name, each in found.items() if each.__module__.partition(".")[0] != "keras"}


def _arguments(layer: Any) -> list[str]:
    """Return the names of the constructor arguments of a model whose values Keras does not keep."""
    parameters = inspect.signature(type(layer).__init__).parameters if isinstance(layer, keras.Model) else {}
    any_ = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    shared = ("self", "name", "trainable", "dtype")
    return [name for name, one in parameters.items() if name not in shared and one.kind not in any_]


def _takes_a_name(layer: Any) -> bool:
    parameters = inspect.signature(type(layer).__init__).parameters
    return "name" in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values())


def replace_inside(holder: Any, old: Any, new: Any) -> None:
    """Replace the layer `old` inside another one: in Keras's list of layers, and in the attributes.

    Raises:
        ValueError: `old` is in no attribute, list, tuple or dict of `holder`.
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
        raise ValueError(
            f"{holder.name}: {old.name}: expected the layer in an attribute, a list, a tuple or a dict"
        )


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
    is_converted = type(old) is not type(new) and isinstance(new, (Recurrent, Bidirectional, Stack))
    if is_graph(old) or is_converted:
        return  # it has no weights of its own, or `from_keras` copied them
    build_as(old, new)
    store: dict[str, Any] = {}
    try:
        old.save_own_variables(store)
        new.load_own_variables(store)
    except ValueError as error:
        raise ValueError(
            f"{old.name}: {type(old).__name__} has other weights when it is rebuilt from its config: "
            f"create them in build from the shape of the inputs ({error})"
        ) from error
    kept = (keras.tree.flatten(getattr(each, "states", None) or []) for each in (new, old))
    for state, value in zip(*kept, strict=True):
        state.assign(value)
    if hasattr(old, "save_assets"):
        with tempfile.TemporaryDirectory() as folder:
            old.save_assets(folder)
            new.load_assets(folder)
