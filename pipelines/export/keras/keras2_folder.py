"""Rebuild a model from what Keras 2 wrote into a SavedModel.

Beside the functions of TensorFlow there is the config of each layer, in keras_metadata.pb, before TensorFlow
2.5 in saved_model.pb itself. Names and weights are brought into the form of an HDF5 file, which Keras reads.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph
from tensorflow.python.keras.protobuf.saved_metadata_pb2 import SavedMetadata

from .hdf5 import load_hdf5

_GRAPH_OF_OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"
_LAYER = "layer-"
_MODELS = ("Sequential", "Functional", "Model")


def rebuilt(folder: Path, *, safe_mode: bool) -> keras.Model | None:
    """Return the model whose layers a SavedModel describes; None if it describes none.

    Args:
        folder: the SavedModel.
        safe_mode: refuse layers that hold Python code.

    Raises:
        UserError: a setting has no counterpart.
        ValueError, TypeError, KeyError, OSError: the description is damaged, or Keras can't load it.
    """
    described = _descriptions(folder)
    root = described.get(0, {})
    if root.get("class_name") not in _MODELS or not root.get("config", {}).get("layers"):
        return None
    with tempfile.TemporaryDirectory() as workspace:
        file = Path(workspace) / "model.h5"
        with h5py.File(file, "w") as content:
            content.attrs["model_config"] = json.dumps({key: root[key] for key in ("class_name", "config")})
            content.attrs["keras_version"], content.attrs["backend"] = "2", "tensorflow"
            _write_weights(content.create_group("model_weights"), folder, described)
        return load_hdf5(file, safe_mode=safe_mode)


def _descriptions(folder: Path) -> dict[int, dict[str, Any]]:
    """Return the description of each layer by the number of its node; 0 is the model."""
    file = folder / "keras_metadata.pb"
    if file.is_file():
        nodes = [(each.node_id, each.metadata) for each in SavedMetadata.FromString(file.read_bytes()).nodes]
    else:
        graph = SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs[0]
        objects = enumerate(graph.object_graph_def.nodes)
        nodes = [
            (i, each.user_object.metadata)
            for i, each in objects
            if each.user_object.identifier.startswith("_tf_keras")
        ]
    return {number: json.loads(text, object_hook=_plain) for number, text in nodes if text.startswith("{")}


def _plain(value: dict[str, Any]) -> Any:
    """Return a list for what Keras 2 writes for a tuple."""
    return value["items"] if value.get("class_name") == "__tuple__" else value


def _write_weights(group: Any, folder: Path, described: dict[int, dict[str, Any]]) -> None:
    """Write the weights of each layer of the model, in the order of an HDF5 file: those trained first."""
    checkpoint = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    nodes = TrackableObjectGraph.FromString(checkpoint.get_tensor(_GRAPH_OF_OBJECTS)).nodes
    names = []
    for number in _children(nodes, 0, _LAYER):
        name = described[number]["config"]["name"]
        names.append(name)
        trained, all_ = (_weights(nodes, number, kind) for kind in ("trainable_variables", "variables"))
        arrays = [
            checkpoint.get_tensor(nodes[each].attributes[0].checkpoint_key)
            for each in (*trained, *(each for each in all_ if each not in trained))
        ]
        of_layer = group.create_group(name)
        labels = [f"{name}/{i}" for i in range(len(arrays))]
        for label, array in zip(labels, arrays, strict=True):
            of_layer[label] = array
        of_layer.attrs["weight_names"] = np.array(labels, "S")
    group.attrs["layer_names"] = np.array(names, "S")


def _children(nodes: Any, parent: int, prefix: str = "") -> Iterator[int]:
    """Yield the numbers of the nodes below another one that are called `prefix` and a number, in order."""
    found = {each.local_name.removeprefix(prefix): each.node_id for each in nodes[parent].children}
    for name in sorted((name for name in found if name.isdecimal()), key=int):
        yield found[name]


def _weights(nodes: Any, layer: int, kind: str) -> list[int]:
    lists = [each.node_id for each in nodes[layer].children if each.local_name == kind]
    return [number for each in lists for number in _children(nodes, each)]
