"""A SavedModel becomes a file that is parsed once and packed once, or is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from pipelines.errors import ExportError, UserError
from pipelines.export.tflite import convert as converting
from pipelines.export.tflite import flatbuffer
from pipelines.export.tflite.convert import Source, convert


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic_int8"])
def test_a_file_is_parsed_once_and_packed_once(tiny, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    for name in ("parse", "pack"):
        function = getattr(flatbuffer, name)
        monkeypatch.setattr(
            converting,
            name,
            lambda given, name=name, function=function: calls.append(name) or function(given),
        )
    content = Source(tiny.saved_model).convert(precision)
    assert calls == ["parse", "pack"]
    assert content[4:8] == flatbuffer.IDENTIFIER


def test_a_source_gives_the_same_file_whatever_it_converted_before(tiny) -> None:
    """Passes of one precision must not change the model that other precisions start from."""
    examples = [{"tokens": row[None]} for row in tiny.inputs[:5]]
    source = Source(tiny.saved_model, calibration=examples)
    int8 = source.convert("int8")
    source.convert("float16")
    assert source.convert("float32") == convert(tiny.saved_model, "float32")
    assert source.convert("int8") == int8


def test_unknown_precision_names_the_known_ones(tiny) -> None:
    with pytest.raises(
        UserError, match=r"'int2': expected one of float32, float16, dynamic_int8, int8, int16x8, int4"
    ):
        convert(tiny.saved_model, "int2")


def test_an_op_that_tflite_lacks_is_refused_in_one_line(tmp_path: Path) -> None:
    module = tf.Module()
    module.serve = tf.function(
        lambda x: {"y": tf.linalg.logdet(x)}, [tf.TensorSpec((1, 3, 3), tf.float32, name="x")]
    )
    tf.saved_model.save(module, str(tmp_path), {"serve": module.serve})
    with pytest.raises(ExportError, match="needs operations that TFLite has not: Cholesky, ") as caught:
        convert(tmp_path, "float16")
    assert "\n" not in str(caught.value)
