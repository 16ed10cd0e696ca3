"""Models to write as C source: integer, float32, streaming, and one with ops that TFLite Micro lacks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tensorflow as tf
from reference.micro_models import FEATURES, STATE, UNITS, step_example

from pipelines.export.micro import write as micro_module
from pipelines.export.tflite.quantize import quantize


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the measurement, which takes a second; the tests of it undo this."""
    monkeypatch.setattr(micro_module, "measure_arena", lambda content: None)


def _examples() -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(20):
        yield rng.normal(size=(1, FEATURES)).astype(np.float32)


def _dense() -> tf.keras.Model:
    import keras

    keras.utils.set_random_seed(4)
    x = keras.Input((FEATURES,), batch_size=1, name="x")
    h = keras.layers.Dense(UNITS, "tanh", bias_initializer="normal")(x)
    return keras.Model(x, keras.layers.Dense(4, "softmax", bias_initializer="normal")(h))


@pytest.fixture(scope="session")
def converter() -> Callable[[], tf.lite.TFLiteConverter]:
    model = _dense()
    return lambda: tf.lite.TFLiteConverter.from_keras_model(model)


@pytest.fixture(scope="session")
def float32(converter: Callable[[], tf.lite.TFLiteConverter]) -> bytes:
    return converter().convert()


@pytest.fixture(scope="session", params=["int8", "int16x8"])
def content(request: pytest.FixtureRequest, converter: Callable[[], tf.lite.TFLiteConverter]) -> bytes:
    """Make Dense, tanh, Dense, softmax in integers, inputs and outputs too."""
    sets = {
        "int8": (tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.int8),
        "int16x8": (tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8, tf.int16),
    }
    ops, dtype = sets[request.param]
    tool = converter()
    tool.optimizations = [tf.lite.Optimize.DEFAULT]
    tool.representative_dataset = lambda: ([example] for example in _examples())
    tool.target_spec.supported_ops = [ops]
    tool.inference_input_type = tool.inference_output_type = dtype
    return _without_warnings(tool.convert)


class _Stream(tf.Module):
    """A recurrent step with a state, as streaming models are exported."""

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(1)
        self.kernel = tf.Variable(rng.normal(size=(3, STATE)).astype(np.float32))
        self.recurrent = tf.Variable(rng.normal(scale=0.2, size=(STATE, STATE)).astype(np.float32))

    @tf.function(
        input_signature=[tf.TensorSpec((1, 1, 3), name="x"), tf.TensorSpec((1, STATE), name="rnn_h")]
    )
    def one_step(self, x: tf.Tensor, rnn_h: tf.Tensor) -> dict[str, tf.Tensor]:
        h = tf.tanh(x[:, 0] @ self.kernel + rnn_h @ self.recurrent)
        return {"probabilities": tf.nn.softmax(h[:, :5]), "rnn_h": h}

    @tf.function(input_signature=[])
    def start(self) -> dict[str, tf.Tensor]:
        return {"rnn_h": tf.fill((1, STATE), 0.25)}


@pytest.fixture(scope="session")
def step(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder, module = str(tmp_path_factory.mktemp("stream")), _Stream()
    tf.saved_model.save(module, folder, {"init": module.start, "step": module.one_step})
    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["init", "step"])
    examples = [step_example(seed) for seed in range(20)]
    return _without_warnings(lambda: quantize(converter.convert(), "int8", examples, "step"))


@pytest.fixture(scope="session")
def unsupported() -> bytes:
    """Make a model of ops that TFLite Micro does not have."""
    function = tf.function(
        lambda x: tf.reduce_prod(tf.math.sign(x), axis=1), input_signature=[tf.TensorSpec((1, 4))]
    ).get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([function]).convert()


def _without_warnings(make: Callable[[], bytes]) -> bytes:
    """Make a file without the warnings of the converter, about statistics, and of LiteRT, about memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()
