"""Convert whole Keras models to the layers of this package."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras

from .as_causal import as_causal
from .bidirectional import Bidirectional
from .comparison import require_same
from .convert import from_keras
from .each_step import EachStep, pooling_of_each_step, pools_each_step
from .keras_rnn import KerasRNN
from .plain_layer import PlainLayer
from .rebuild import build_as, copy_weights, is_graph, rebuild, replace_inside
from .recurrent import Recurrent
from .spectrogram import compute_in_float
from .stack import Stack

_STOCK = (keras.layers.RNN, keras.layers.Bidirectional)
"""The base class of Keras's recurrent layers, and their wrapper Bidirectional."""
_SPECTROGRAMS = (keras.layers.MelSpectrogram, keras.layers.STFTSpectrogram)


def convert_model(model: keras.Model) -> keras.Model:
    """Convert a built Keras model so that every recurrent layer comes from this package.

    It converts Sequential, Functional and subclassed models, and these inside each other. `from_keras`
    converts the recurrent layers, wherever they are. Those without a counterpart, such as
    `keras.layers.RNN` over a cell of your own, compute their own steps in loops that TFLite has (`KerasRNN`).
    `as_causal` converts layers that see earlier steps only, so that they can stream; TimeDistributed becomes
    an `EachStep`. Other layers are rebuilt from their config. Weights, vocabularies and the kept states of
    stateful layers are copied.

    Keras ignores the mask of a sequence when a layer is called with an initial state and without `mask`; the
    layers of this package use it. A converted Functional model ignores the mask too, to compute the same. In
    a subclassed model such a call raises an error. If the code of a subclassed model creates Keras layers, it
    creates them again when the model is loaded from a file: convert the loaded model again.

    Args:
        model: a built model. It is not changed.

    Returns:
        A new model that computes the same, shares nothing with `model` and is not compiled.

    Raises:
        TypeError: `model` is not a keras.Model.
        ValueError: the model is not built, a layer can't be rebuilt from its config, or the new model answers
            otherwise on random inputs.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"convert_model: expected a keras.Model, got {type(model).__name__}")
    layers = model._flatten_layers()
    for layer in layers:
        if not (layer.built and model.built) and isinstance(layer, (*_STOCK, keras.Model)):
            raise ValueError(
                f"{layer.name}: it has no weights, because it is not built: call the model on a batch first"
            )
    new = _Conversion(model).run()
    require_same(model, new)
    return new


class _Conversion:
    """The conversion of one model. It keeps the new layers, so that shared layers stay shared."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.made: dict[int, Any] = {}
        self.watched: list[Any] = []
        self.ignoring_masks: list[str] = []

    def run(self) -> keras.Model:
        try:
            new = self.of(self.model)
            build_as(self.model, new)
            for pair in self._pairs(self.model, new):
                copy_weights(*pair)
        finally:
            for layer in self.watched:
                del layer.call
        if self.ignoring_masks:
            raise ValueError(
                f"{self.ignoring_masks[0]}: your code calls it with initial_state on a masked sequence; "
                "Keras ignores the mask and unrolled does not, so pass mask= in the call too"
            )
        return new

    def of(self, layer: Any) -> Any:
        """Return the new layer, model or operation for an old one."""
        if id(layer) not in self.made:
            if isinstance(layer, _STOCK):
                new = _recurrent(layer)
            elif is_graph(layer):
                new = self._cloned(layer)
            elif pools_each_step(layer):
                new = pooling_of_each_step(layer)
            elif type(layer) is keras.layers.TimeDistributed and not _is_stateful(layer):
                new = EachStep(self.of(layer.layer), name=layer.name, dtype=layer.dtype_policy)
            elif (new := as_causal(layer)) is None:
                new = rebuild(layer)
                if type(layer) in _SPECTROGRAMS:
                    compute_in_float(new)
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
                f"{model.name}: {type(model).__name__} is your own class and can't be rebuilt with other "
                f"layers: convert {plain}"
            )
        return clone

    def _substitute(self, old: Any, new: Any) -> None:
        """Replace the recurrent layers inside `new`, which was rebuilt from the config of `old`."""
        for position, child in enumerate(getattr(old, "_layers", ())):
            if not any(isinstance(layer, _STOCK) for layer in child._flatten_layers()):
                continue
            twin = new._layers[position] if position < len(new._layers) else None
            if twin is self.made.get(id(child), new):
                continue  # `new` occurs twice and was converted at its first place
            if type(twin) is not type(child):
                raise ValueError(
                    f"{old.name}: {child.name} is missing when {type(old).__name__} is rebuilt from its "
                    "config: create it in __init__ from arguments that get_config returns"
                )
            if isinstance(child, _STOCK) or is_graph(child):
                replace_inside(new, twin, self.of(child))
                if isinstance(child, _STOCK):
                    self._watch(self.made[id(child)])
            else:
                self._substitute(child, twin)

    def _watch(self, layer: Any) -> None:
        """Record calls of `layer` in which Keras would ignore the mask."""
        call = layer.call

        def watched(sequences: Any, *args: Any, **kwargs: Any) -> Any:
            given = dict(zip(("initial_state", "mask"), args, strict=False)) | kwargs
            if _ignores_mask(given) and getattr(sequences, "_keras_mask", None) is not None:
                self.ignoring_masks.append(layer.name)
            return call(sequences, *args, **kwargs)

        if "call" not in vars(layer):
            layer.call = watched
            self.watched.append(layer)

    def _pairs(self, old: Any, new: Any) -> Iterator[tuple[Any, Any]]:
        """Yield each layer inside `old` with its new layer, outer layers first."""
        new = new.layer if isinstance(new, KerasRNN) else new
        yield old, new
        if is_graph(old) and self.made.get(id(old)) is new:
            children = [(layer, self.of(layer)) for layer in old.layers]
        elif is_graph(old):  # it came with the layer around it, which was rebuilt from its config
            children = list(zip(old.layers, new.layers, strict=True))
        elif isinstance(new, Stack) and not isinstance(old, Stack):
            return  # a Stack has no StackedRNNCells inside
        elif isinstance(new, EachStep) and not isinstance(old, keras.layers.TimeDistributed):
            return  # a pooling has no weights
        elif len(old._layers) != len(new._layers):
            raise ValueError(
                f"{old.name}: expected {len(old._layers)} layers when {type(old).__name__} is rebuilt "
                f"from its config, got {len(new._layers)}: create them all in __init__ or build"
            )
        else:
            children = list(zip(old._layers, new._layers, strict=True))
        for pair in children:
            yield from self._pairs(*pair)


def _recurrent(layer: Any) -> Any:
    """Return the counterpart of a recurrent layer; without one, the layer itself in loops that TFLite has."""
    try:
        return from_keras(layer)
    except (TypeError, ValueError):
        return KerasRNN(rebuild(layer))


def _is_stateful(layer: Any) -> bool:
    return any(getattr(each, "stateful", False) for each in layer._flatten_layers())


def _new_input(tensor: Any) -> Any:
    layer = tensor._keras_history.operation
    return type(layer).from_config(layer.get_config()).output


@contextmanager
def _not_compiled(model: Any) -> Iterator[None]:
    """Hide loss and metrics from `clone_model`, which may fail to rebuild them."""
    compiled, model.compiled = model.compiled, False
    try:
        yield
    finally:
        model.compiled = compiled


def _ignores_mask(given: dict[str, Any]) -> bool:
    """Return whether Keras ignores the mask in this call, because it then sees two tensor arguments."""
    return given.get("initial_state") is not None and given.get("mask") is None


def _call(layer: Any, *args: Any, nested: bool, **kwargs: Any) -> Any:
    """Call a layer in the new graph. If Keras ignores the mask, the layer gets no mask but passes it on."""
    if not isinstance(layer, (Recurrent, Bidirectional, Stack)):
        return layer(*args, **kwargs)
    given = dict(zip(inspect.signature(layer.call).parameters, args, strict=False)) | kwargs
    if isinstance(layer, Stack) and given.pop("initial_state", None) is not None:
        raise ValueError(
            f"{layer.name}: initial_state over several cells has no counterpart in Stack: "
            "use one RNN layer for each cell"
        )
    sequences = given.pop("sequences")
    if not (_ignores_mask(given) and (nested or getattr(sequences, "_keras_mask", None) is not None)):
        return layer(sequences, **given)
    results = layer(keras.ops.copy(sequences), **given)
    if not layer.return_sequences:
        return results
    results = list(results) if isinstance(results, (list, tuple)) else [results]
    for position in range(2 if getattr(layer, "merge_mode", "") is None else 1):
        results[position] = MaskOf(dtype=layer.dtype_policy.name)([results[position], sequences])
    return results


@keras.saving.register_keras_serializable("unrolled")
class MaskOf(PlainLayer):
    """Return the first of two tensors with the mask of the second.

    Call arguments: a list of two tensors (batch, steps, ...).
    Returns: the first tensor.
    """

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        """Return the results; the class docstring describes the arguments."""
        return keras.ops.copy(inputs[0])

    def compute_mask(self, _: Any, mask: Any = None) -> Any:
        """Return the mask of the second tensor."""
        return None if mask is None else mask[1]
