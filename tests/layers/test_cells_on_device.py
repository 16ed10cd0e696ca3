"""Every cell converts to builtin TFLite operations and computes the same there."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from reference.cases import FEATURES, RECURRENT, STEPS
from reference.parity import random_like, randomize

import layers

SAME = {"atol": 1e-5, "rtol": 0}
"""Both are float32, but approximate exp and tanh differently: about 1e-7 a step."""


@pytest.fixture(scope="module")
def recurrent_layers() -> dict[str, Any]:
    keras.utils.set_random_seed(20)
    made = {f"case_{number}": case.make() for number, case in enumerate(RECURRENT.values())}
    for number, layer in enumerate(made.values()):
        layer.build((1, STEPS, FEATURES))
        randomize(layer, seed=number)
    return made


def test_cells_convert(recurrent_layers: dict[str, Any], tmp_path: Path) -> None:
    (x,) = random_like([(1, STEPS, FEATURES)])
    mask = np.array([[True, True, True, False]])
    archive = keras.export.ExportArchive()
    for layer in recurrent_layers.values():
        archive.track(layer)
    specs = {"x": tf.TensorSpec(x.shape, name="x"), "mask": tf.TensorSpec(mask.shape, tf.bool, "mask")}

    def serve(given: dict[str, Any]) -> dict[str, Any]:
        return {name: layer(given["x"], mask=given["mask"]) for name, layer in recurrent_layers.items()}

    with layers.execution("loop"):
        archive.add_endpoint("serve", serve, [specs])
        archive.write_out(str(tmp_path), verbose=False)
    content = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path), signature_keys=["serve"]).convert()
    run = Interpreter(model_content=content).get_signature_runner("serve")  # knows builtin ops only
    results = run(x=x, mask=mask)
    for (key, layer), name in zip(recurrent_layers.items(), RECURRENT, strict=True):
        np.testing.assert_allclose(results[key], layer(x, mask=mask), **SAME, err_msg=name)
