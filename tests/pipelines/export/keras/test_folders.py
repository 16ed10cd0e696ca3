"""SavedModels: layers that Keras 2 described are rebuilt; any other is a signature that runs as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.keras.protobuf.saved_metadata_pb2 import SavedMetadata

from pipelines.errors import ExportError, UserError
from pipelines.export.any_model import convert, load_model
from pipelines.export.keras.signature import Signature
from pipelines.ondevice.model import Model

K = keras.layers
STEPS, FEATURES = 5, 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=[2, STEPS, FEATURES]).astype(np.float32)


def sequential() -> keras.Model:
    directions = K.Bidirectional(K.LSTM(3, return_sequences=True), name="both")
    normal = K.BatchNormalization()
    return keras.Sequential([keras.Input([STEPS, FEATURES], name="x"), directions, normal, K.GRU(2)])


def functional() -> keras.Model:
    tokens, extra = keras.Input([None], dtype="int32", name="tokens"), keras.Input([2], name="extra")
    inner = keras.Sequential([keras.Input([4]), K.Dense(3, "relu")], name="inner")
    hidden, state = K.GRU(4, return_state=True)(K.Embedding(7, 4)(tokens))
    return keras.Model([tokens, extra], [K.Concatenate()([inner(hidden), extra]), state])


def as_keras_2_wrote(value: Any) -> Any:
    """Return a config as Keras 2 wrote it: without modules, with marked tuples."""
    if isinstance(value, list):
        return [as_keras_2_wrote(each) for each in value]
    if not isinstance(value, dict):
        return value
    gone = ("module", "registered_name", "build_config")
    kept = {key: as_keras_2_wrote(each) for key, each in value.items() if key not in gone}
    for name in ("batch_shape", "batch_input_shape"):
        if isinstance(kept.get(name), list):
            kept["batch_input_shape"] = {"class_name": "__tuple__", "items": kept.pop(name)}
    return kept


def save_as_keras_2(model: keras.Model, folder: Path, described: bool = True, shift: float = 0.0) -> Path:
    """Write a SavedModel with the objects, the weights and the metadata of Keras 2.

    Args:
        described: whether the layers are described.
        shift: what the signature adds to the answers of the layers.
    """
    for weight in model.weights:
        weight.assign(np.abs(RNG.normal(size=weight.shape)))
    root = tf.__internal__.tracking.AutoTrackable()
    layers = [each for each in model.layers if not isinstance(each, K.InputLayer)]
    for number, layer in enumerate(layers):
        node = tf.__internal__.tracking.AutoTrackable()
        node.variables = [each.value for each in layer.weights]
        node.trainable_variables = [each.value for each in layer.trainable_weights]
        setattr(root, f"layer-{number}", node)

    def serve(**given: tf.Tensor) -> dict[str, tf.Tensor]:
        flat = [given[each.name] for each in model.inputs]
        outputs = keras.tree.flatten(model(flat if len(flat) > 1 else flat[0], training=False))
        return {f"out_{i}": output + shift for i, output in enumerate(outputs)}

    specs = {each.name: tf.TensorSpec(each.shape, each.dtype, name=each.name) for each in model.inputs}
    signature = tf.function(serve).get_concrete_function(**specs)
    tf.saved_model.save(root, str(folder), signatures={"serving_default": signature})
    if described:
        (folder / "keras_metadata.pb").write_bytes(_metadata(model, layers, folder).SerializeToString())
    return folder


def _metadata(model: keras.Model, layers: list[K.Layer], folder: Path) -> SavedMetadata:
    model.save(folder / "config.h5")
    with h5py.File(folder / "config.h5") as file:
        config = as_keras_2_wrote(json.loads(file.attrs["model_config"]))
    (folder / "config.h5").unlink()
    graph = SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs[0].object_graph_def
    metadata = SavedMetadata()
    metadata.nodes.add(node_id=0, node_path="root", metadata=json.dumps(config))
    for child in graph.nodes[0].children:
        if child.local_name.startswith("layer-"):
            name = layers[int(child.local_name.removeprefix("layer-"))].name
            about = json.dumps({"name": name, "config": {"name": name}})
            metadata.nodes.add(node_id=child.node_id, node_path=f"root.{child.local_name}", metadata=about)
    return metadata


def same(got: Any, wanted: Any) -> None:
    for one, other in zip(keras.tree.flatten(got), keras.tree.flatten(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [sequential, functional])
def test_layers_that_keras_2_described_are_rebuilt(tmp_path: Path, make) -> None:
    model = make()
    found = load_model(save_as_keras_2(model, tmp_path / "a"))
    assert [type(each) for each in found.layers] == [type(each) for each in model.layers]
    given = X if make is sequential else [RNG.integers(0, 7, (2, 6)).astype(np.int32), X[:, 0, :2]]
    same(found(given), model(given))


def test_layers_that_answer_otherwise_are_not_used(tmp_path: Path, caplog) -> None:
    model = sequential()
    found = load_model(save_as_keras_2(model, tmp_path / "a", shift=0.5))
    assert "its layers can't be rebuilt, so it runs as TensorFlow wrote it" in caplog.text
    assert "differs from the original" in caplog.text
    same(found(X), model(X) + 0.5)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Path]:
    """A model and the folder that `model.export` of Keras 3 wrote."""
    model = keras.Sequential([keras.Input([STEPS, FEATURES], name="x"), K.LSTM(4), K.Dense(2)])
    folder = tmp_path_factory.mktemp("exported") / "mine"
    model.export(folder, verbose=False)
    return model, folder


def test_a_signature_becomes_a_loop_of_builtin_operations(exported) -> None:
    model, folder = exported
    found = load_model(folder, signature="serve")
    assert any(isinstance(each, Signature) for each in found.layers)
    device = Model(convert(found))
    for row in (X[:1], X[1:]):
        (answer,) = device(x=row).values()
        np.testing.assert_allclose(answer, model(row), atol=1e-5)


@pytest.mark.parametrize("execution", ["step", "unrolled", "fused"])
def test_a_signature_has_no_other_execution(exported, execution: str) -> None:
    with pytest.raises(
        ExportError, match=rf"execution '{execution}': .* as TensorFlow wrote them: .* 'loop'"
    ):
        convert(load_model(exported[1]), execution=execution)


def test_what_a_folder_lacks_is_told(exported, tmp_path: Path) -> None:
    model, folder = exported
    with pytest.raises(UserError, match=r"--signature: expected one of .*serving_default.*, got 'other'"):
        load_model(folder, signature="other")
    with pytest.raises(
        UserError, match=r"expected a file, or the folder of a SavedModel with saved_model\.pb"
    ):
        load_model(tmp_path)
    model.save(tmp_path / "a.keras")
    with pytest.raises(UserError, match=r"a\.keras: --signature: expected the folder of a SavedModel"):
        load_model(tmp_path / "a.keras", signature="serve")


def test_operations_that_tflite_lacks_are_named(tmp_path: Path) -> None:
    root = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None, 2, 2], name="x")])
    def inverse(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"inverse": tf.linalg.inv(x + 3 * tf.eye(2))}

    tf.saved_model.save(root, str(tmp_path), signatures={"only": inverse})
    with pytest.raises(ExportError, match=r"needs operations that TFLite has not: MatrixInverse$"):
        convert(load_model(tmp_path))
