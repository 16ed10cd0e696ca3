"""Whole stock Keras models with these layers in them."""

from __future__ import annotations

import inspect
import operator
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras

from .bidirectional import Bidirectional
from .convert import from_keras
from .recurrent import Recurrent
from .stack import Stack

_STOCK = (keras.layers.RNN, keras.layers.Bidirectional)
"""The base class of all recurrent layers of Keras, and their wrapper."""


def convert_model(model: keras.Model) -> keras.Model:
    """Make a model that computes what a built stock Keras model does, with every recurrent layer ours.

    Sequential and Functional models, subclassed models and layers that can be made again from their config,
    and all of these inside each other. Recurrent layers are converted by `from_keras`, wherever they are;
    all other layers are made again as they were. Weights, vocabularies and the states of stateful layers
    are copied; the new model is not compiled, and shares nothing with `model`, which stays as it is.

    Keras ignores the mask of a sequence where its layers are given an initial state and no `mask`, ours
    heed it. In a Functional model that is evened out; where the code of a subclassed model does that, it is
    refused. A subclassed model that makes its layers in code makes stock ones again when it is loaded from a
    file: convert it again then.

    Raises TypeError for what is no model, and for recurrent layers and cells that have no counterpart, such
    as ConvLSTM2D and cells of your own; ValueError for a model that is not built, for options without
    counterpart, and for models and layers that can't be made again.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"convert_model: expected a keras.Model, got {type(model).__name__}")
    layers = model._flatten_layers()
    for layer in layers:
        if not (layer.built and model.built) and isinstance(layer, (*_STOCK, keras.Model)):
            raise ValueError(f"{layer.name}: not built, so no weights: call the model on a batch first")
    return _Conversion(model).run()


class _Conversion:
    """The new layers and models made so far for one model, so that shared ones stay shared."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.made: dict[int, Any] = {}
        self.watched: list[Any] = []
        self.deaf: list[str] = []

    def run(self) -> keras.Model:
        try:
            new = self.of(self.model)
            _build(self.model, new)
            for pair in self._pairs(self.model, new):
                _copy(*pair)
        finally:
            for layer in self.watched:
                del layer.call
        if self.deaf:
            raise ValueError(
                f"{self.deaf[0]}: called with initial_state on a masked sequence in code of your own, where "
                "Keras ignores the mask and unrolled does not: pass mask= in the call, too"
            )
        return new

    def of(self, layer: Any) -> Any:
        """Return what stands for a layer, a model or an operation in the new model."""
        if id(layer) not in self.made:
            if isinstance(layer, _STOCK):
                new = from_keras(layer)
            elif _is_graph(layer):
                new = self._cloned(layer)
            else:
                new = _remade(layer)
                self._substitute(layer, new)
            self.made[id(layer)] = new
        return self.made[id(layer)]

    def _cloned(self, model: Any) -> Any:
        options: dict[str, Any] = {}
        if not isinstance(model, keras.Sequential):
            options["input_tensors"] = keras.tree.map_structure(_new_input, model.input)
            options["call_function"] = partial(_call, nested=model is not self.model)
        with _not_compiled(model):
            clone = keras.models.clone_model(model, clone_function=self.of, **options)
        if type(clone) is not type(model):
            plain = (
                "keras.Sequential(model.layers)" if not options else "keras.Model(model.input, model.output)"
            )
            raise ValueError(
                f"{model.name}: {type(model).__name__}, a class of your own, can't be made again around "
                f"other layers: convert {plain}"
            )
        return clone

    def _substitute(self, old: Any, new: Any) -> None:
        """Put our layers in the places of the recurrent ones in `new`, which was made as `old` once was."""
        for position, child in enumerate(getattr(old, "_layers", ())):
            if not any(isinstance(layer, _STOCK) for layer in child._flatten_layers()):
                continue
            twin = new._layers[position] if position < len(new._layers) else None
            if twin is self.made.get(id(child), new):
                continue  # `new` is in two places, and was met in the other
            if type(twin) is not type(child):
                raise ValueError(
                    f"{old.name}: {child.name} is not there in a {type(old).__name__} made again from its "
                    "config: make it in __init__, from arguments that get_config gives"
                )
            if isinstance(child, _STOCK) or _is_graph(child):
                _put(new, twin, self.of(child))
                if isinstance(child, _STOCK):
                    self._watch(self.made[id(child)])
            else:
                self._substitute(child, twin)

    def _watch(self, layer: Any) -> None:
        """Note it if the code around `layer` gives it an initial state and a mask that Keras passes over."""
        call = layer.call

        def watched(sequences: Any, *args: Any, **kwargs: Any) -> Any:
            given = dict(zip(("initial_state", "mask"), args, strict=False)) | kwargs
            if _passes_over_mask(given) and getattr(sequences, "_keras_mask", None) is not None:
                self.deaf.append(layer.name)
            return call(sequences, *args, **kwargs)

        if "call" not in vars(layer):
            layer.call = watched
            self.watched.append(layer)

    def _pairs(self, old: Any, new: Any) -> Iterator[tuple[Any, Any]]:
        """Give each layer of the tree `old` with its new one, outer ones first."""
        yield old, new
        if _is_graph(old):
            children = [(layer, self.of(layer)) for layer in old.layers]
        elif isinstance(new, Stack):
            return  # has no counterpart of StackedRNNCells
        elif len(old._layers) != len(new._layers):
            raise ValueError(
                f"{old.name}: expected {len(old._layers)} layers inside a {type(old).__name__} made again "
                f"from its config, got {len(new._layers)}: make all in __init__ or build"
            )
        else:
            children = list(zip(old._layers, new._layers, strict=True))
        for pair in children:
            yield from self._pairs(*pair)


def _is_graph(layer: Any) -> bool:
    return isinstance(layer, keras.Sequential) or (
        isinstance(layer, keras.Model) and hasattr(layer, "operations")
    )


def _new_input(tensor: Any) -> Any:
    layer = tensor._keras_history.operation
    return type(layer).from_config(layer.get_config()).output


@contextmanager
def _not_compiled(model: Any) -> Iterator[None]:
    """Let `clone_model` pass over loss and metrics, which it may fail to make again."""
    compiled, model.compiled = model.compiled, False
    try:
        yield
    finally:
        model.compiled = compiled


def _passes_over_mask(given: dict[str, Any]) -> bool:
    """Whether Keras finds no mask for a call with these arguments: it looks only beside a single tensor."""
    return given.get("initial_state") is not None and given.get("mask") is None


def _call(layer: Any, *args: Any, nested: bool, **kwargs: Any) -> Any:
    """Call a layer in the new graph: without the mask where Keras passes over it, but handing it on."""
    if not isinstance(layer, (Recurrent, Bidirectional, Stack)):
        return layer(*args, **kwargs)
    given = dict(zip(inspect.signature(layer.call).parameters, args, strict=False)) | kwargs
    if isinstance(layer, Stack) and given.pop("initial_state", None) is not None:
        raise ValueError(
            f"{layer.name}: initial_state over several cells has no counterpart in Stack: "
            "use one RNN layer for each cell"
        )
    sequences = given.pop("sequences")
    if not (_passes_over_mask(given) and (nested or getattr(sequences, "_keras_mask", None) is not None)):
        return layer(sequences, **given)
    results = layer(keras.ops.copy(sequences), **given)
    if not layer.return_sequences:
        return results
    results = list(results) if isinstance(results, (list, tuple)) else [results]
    for position in range(2 if getattr(layer, "merge_mode", "") is None else 1):
        results[position] = MaskOf(dtype=layer.dtype_policy.name)([results[position], sequences])
    return results


@keras.saving.register_keras_serializable("unrolled")
class MaskOf(keras.layers.Layer):
    """Return the first of two tensors with the mask of the second."""

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        """See the class."""
        return keras.ops.copy(inputs[0])

    def compute_mask(self, _: Any, mask: Any = None) -> Any:
        """Return the second mask."""
        return None if mask is None else mask[1]


def _remade(layer: Any) -> Any:
    if type(layer) is keras.layers.Lambda:  # Keras won't make a lambda from a config
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
    """Return the constructor's own arguments where Keras forgets them: it does in models, not in layers."""
    parameters = inspect.signature(type(layer).__init__).parameters if isinstance(layer, keras.Model) else {}
    any_ = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    shared = ("self", "name", "trainable", "dtype")
    return [name for name, one in parameters.items() if name not in shared and one.kind not in any_]


def _put(holder: Any, old: Any, new: Any) -> None:
    """Replace a layer in another one: where Keras keeps track of it, and in the attributes."""
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


def _build(old: Any, new: Any) -> None:
    """Make the weights of `new`, a layer or model, as those of `old` were made."""
    config = None if new.built else old.get_build_config()
    if config:
        with warnings.catch_warnings():  # what Keras can't build whole is built layer by layer
            warnings.simplefilter("ignore")
            new.build_from_config(config)
        new.built = True


def _copy(old: Any, new: Any) -> None:
    """Copy what a layer holds itself, without the layers in it."""
    new.trainable = old.trainable
    if _is_graph(old) or isinstance(new, (Recurrent, Bidirectional, Stack)):
        return  # holds nothing, or has its weights
    _build(old, new)
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
