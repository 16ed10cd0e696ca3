"""Files that TFLite's own converter makes of stock Keras models load and answer as Keras does."""

from __future__ import annotations

import flatbuffers
import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from pipelines.errors import UserError
from pipelines.ondevice.interpreter import TfliteFile


def converted(model: keras.Model) -> bytes:
    return tf.lite.TFLiteConverter.from_keras_model(model).convert()


def answer(content: bytes, x: np.ndarray) -> np.ndarray:
    signature = TfliteFile(content, None).signature("serving_default")
    (made,) = signature(dict.fromkeys(signature.inputs, x), ()).values()
    return made


@pytest.fixture(scope="module")
def loop() -> keras.Model:
    keras.utils.set_random_seed(0)
    x = keras.Input((7, 4), batch_size=1)
    return keras.Model(x, keras.layers.LSTM(5, return_sequences=True)(x))


def test_a_loop_that_writes_rows_of_a_list(loop) -> None:
    x = np.random.default_rng(0).normal(size=(1, 7, 4)).astype(np.float32)
    np.testing.assert_allclose(answer(converted(loop), x), loop(x), atol=1e-5)


def test_a_list_whose_rows_do_not_add_up_is_refused(loop) -> None:
    model = schema.ModelT.InitFromPackedBuf(converted(loop), 0)
    (body,) = [graph for graph in model.subgraphs if len(graph.operators) > 20]
    codes = [code.builtinCode for code in model.operatorCodes]
    last = [op for op in body.operators if codes[op.opcodeIndex] == schema.BuiltinOperator.CONCATENATION][-1]
    before, row, behind = last.inputs
    last.inputs = [before, row, before]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(UserError, match="CONCATENATION: expected tensors of shapes that are known before"):
        TfliteFile(bytes(builder.Output()), None)
    last.inputs = [before, row, behind]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    TfliteFile(bytes(builder.Output()), None)


def test_attention_with_an_open_batch_and_an_open_length() -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, 12))
    attended = keras.layers.MultiHeadAttention(2, 8)(inputs, inputs)
    model = keras.Model(inputs, keras.layers.LayerNormalization()(inputs + attended))
    content = converted(model)
    for shape in ((1, 1, 12), (2, 9, 12)):
        x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        np.testing.assert_allclose(answer(content, x), model(x), atol=1e-4)


def test_a_convolutional_network() -> None:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(8, 3, strides=2, padding="same", activation="relu6"),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.UpSampling2D(interpolation="bilinear"),
            layers.Conv2DTranspose(4, 3, strides=2, padding="same"),
            layers.ZeroPadding2D(1),
            layers.AveragePooling2D(2),
            layers.SeparableConv2D(6, 3, dilation_rate=2),
            layers.Flatten(),
            layers.Dense(5, activation="softmax"),
        ]
    )
    x = np.random.default_rng(0).normal(size=(1, 16, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(answer(converted(model), x), model(x), atol=1e-5)
