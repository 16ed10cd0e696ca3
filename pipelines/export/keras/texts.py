"""Leave the way from texts to tokens to the host: no TFLite file takes texts."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ...errors import UserError
from ..verify.reference import Arrays
from .error_text import first_reason

log = logging.getLogger(__name__)

_LAYERS = (keras.layers.TextVectorization, keras.layers.StringLookup)
_SETTINGS = ("standardize", "split", "ngrams", "output_sequence_length", "mask_token", "encoding")


@dataclass(frozen=True)
class HostWork:
    """What the host does before it calls a file."""

    layers: Mapping[str, tuple[str, keras.layers.Layer]] = field(default_factory=dict)
    """The name of a text, and the layer that makes tokens of it, by the name of the input of tokens."""

    def preprocessing(self) -> dict[str, Any]:
        """Return what the manifest says: where each input of tokens comes from, and by which settings."""
        texts = {
            tokens: {"of": text, "vocabulary": _file(tokens), **_settings(layer)}
            for tokens, (text, layer) in self.layers.items()
        }
        return {"texts": texts} if texts else {}

    def assets(self) -> dict[str, bytes]:
        """Return the vocabularies as lists in JSON, by file name. The place of a token is its number."""
        return {
            _file(tokens): json.dumps(
                [str(each) for each in layer.get_vocabulary()], ensure_ascii=False
            ).encode()
            for tokens, (_, layer) in self.layers.items()
        }

    def tokens(self, given: Arrays | np.ndarray | None) -> Arrays | np.ndarray | None:
        """Return inputs for calibration with tokens in the place of texts; tokens stay as they are.

        Raises:
            UserError: what is given for a text is none.
        """
        if not self.layers or given is None:
            return given
        if not isinstance(given, Mapping):
            _, layer = next(iter(self.layers.values()))
            return _numbers("calibration", layer, given)
        names = {text: (tokens, layer) for tokens, (text, layer) in self.layers.items()}
        made = dict(given)
        for text in names.keys() & given.keys():
            tokens, layer = names[text]
            made[tokens] = _numbers(f"calibration: {text}", layer, made.pop(text))
        return made


def without_texts(model: keras.Model) -> tuple[keras.Model, HostWork]:
    """Return a model of tokens for a model of texts, and what makes the tokens.

    Args:
        model: a built model. It is not changed; the new one shares its layers.

    Returns:
        A new Functional model, whose inputs of tokens are called TEXT_tokens; or `model` itself if it takes
        no texts.

    Raises:
        UserError: a text goes somewhere else than into one layer that makes tokens of it.
    """
    graph = getattr(model, "_functional", None) or model
    texts = [each for each in getattr(graph, "inputs", None) or [] if each.dtype == "string"]
    if not texts:
        return model, HostWork()
    before, inputs, layers = [], [], {}
    for given in graph.inputs:
        if given.dtype == "string":
            layer, made = _made_tokens(model, graph, given)
            name = f"{given.name}_tokens"
            layers[name] = (given.name, layer)
            log.warning("%s: no file takes texts: the host makes %s as %s does", model.name, name, layer.name)
            before.append(made)
            inputs.append(keras.Input(made.shape[1:], dtype="int32", name=name))
        else:
            before.append(given)
            inputs.append(keras.Input(given.shape[1:], dtype=given.dtype, name=given.name))
    behind = keras.Model(before, graph.output)
    outputs = behind._run_through_graph(inputs, operation_fn=lambda layer: layer)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs, name=model.name), HostWork(layers)


def _made_tokens(model: keras.Model, graph: Any, text: Any) -> tuple[keras.layers.Layer, Any]:
    """Return the layer that a text goes into, and its output."""
    nodes = itertools.chain.from_iterable(graph._nodes_by_depth.values())
    takers = [node for node in nodes if any(each is text for each in node.input_tensors)]
    if len(takers) == 1 and _makes_tokens(takers[0].operation):
        return takers[0].operation, takers[0].output_tensors[0]
    names = ", ".join(node.operation.name for node in takers)
    raise UserError(
        f"{model.name}: {text.name}: expected texts that go into one TextVectorization or StringLookup with "
        f"output_mode='int', found {names}"
    )


def _makes_tokens(layer: Any) -> bool:
    config = layer.get_config() if isinstance(layer, _LAYERS) else {}
    unusual = config.get("invert") or config.get("ragged") or config.get("num_oov_indices", 1) > 1
    return config.get("output_mode") == "int" and not unusual


def _settings(layer: keras.layers.Layer) -> dict[str, Any]:
    config = layer.get_config()
    found = {key: config[key] for key in _SETTINGS if key in config}
    return {
        "layer": type(layer).__name__,
        **{key: "own code" if callable(value) else value for key, value in found.items()},
    }


def _file(tokens: str) -> str:
    return f"{tokens}.json"


def _numbers(place: str, layer: keras.layers.Layer, given: np.ndarray) -> np.ndarray:
    """Return the tokens of texts (N, ...), or what is given if it holds no texts."""
    array = np.asarray(given)
    if array.dtype.kind in "biuf":
        return array
    try:
        return np.asarray(layer(tf.constant(array.tolist(), tf.string)), np.int32)
    except (TypeError, ValueError, tf.errors.OpError) as error:
        raise UserError(f"{place}: expected texts for {layer.name}: {first_reason(error)}") from None
