"""Operations on bits are spelled out by operators that TFLite has, and compute the same."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipelines.errors import ExportError
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.convert import convert
from pipelines.ondevice.model import Model

ops = keras.ops
SPECIAL = [0, 1, -1, 2, 127, -128, 255, 32767, -32768, 65535, 2**31 - 1, -(2**31)]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32"])
def test_every_number_of_the_type(dtype: str, tmp_path: Path) -> None:
    model = of_bits(dtype)
    device = Model(exported(model, dtype, tmp_path))
    saved = tf.saved_model.load(str(tmp_path / "saved"))
    rng = np.random.default_rng(0)
    first, second = (np.array(SPECIAL + rng.integers(-(2**31), 2**31, 50).tolist()) for _ in range(2))
    rng.shuffle(second)
    given = {"a": first.astype(dtype)[None], "b": second.astype(dtype)[None]}
    a, b = given["a"], given["b"]
    for name, wanted in {"and": a & b, "or": a | b, "not": ~a}.items():
        np.testing.assert_array_equal(device(**given)[name], wanted)
        np.testing.assert_array_equal(
            saved.signatures["serve"](a=tf.constant(a), b=tf.constant(b))[name], wanted
        )


def test_longer_numbers_stay(tmp_path: Path) -> None:
    with pytest.raises(
        ExportError, match="needs operations that TFLite has not: BitwiseAnd, BitwiseOr, Invert"
    ):
        exported(of_bits("int64"), "int64", tmp_path)


def test_the_place_of_the_largest_number(tmp_path: Path) -> None:
    # Keras looks at the sign bit of zeros there.
    x = keras.Input((4,), name="x")
    model = keras.Model(x, ops.argmax(x, axis=-1))
    write_saved_model(model, tmp_path / "saved", {"x": ((4,), "float32")}, ["place"])
    (tmp_path / "model.tflite").write_bytes(convert(tmp_path / "saved", "float32"))
    device = Model(tmp_path / "model.tflite")
    for row in ([0.5, 3, 3, -1], [-0.0, 0.0, -0.0, -1], [-2, -1, -3, -1]):
        array = np.array([row], np.float32)
        assert device(x=array)["place"] == ops.argmax(array, axis=-1)


def of_bits(dtype: str) -> keras.Model:
    a, b = (keras.Input((62,), dtype=dtype, name=name) for name in "ab")
    outputs = [ops.bitwise_and(a, b), ops.bitwise_or(a, b), ops.bitwise_not(a)]
    return keras.Model([a, b], outputs)


def exported(model: keras.Model, dtype: str, folder: Path) -> Path:
    specs = dict.fromkeys("ab", ((62,), dtype))
    write_saved_model(model, folder / "saved", specs, ["and", "or", "not"])
    path = folder / "model.tflite"
    path.write_bytes(convert(folder / "saved", "float32"))
    return path
