"""Parts of a model: verified as every variant is, and left out by name."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import layers
from pipelines.export.part import Part
from pipelines.export.parts import export_parts
from pipelines.export.verify.tolerances import TOLERANCES
from pipelines.ondevice.model import Stream


class PlusMean(keras.layers.Layer):
    """Adds the mean of the memory to each step."""

    def stream_states(self, batch_size: int) -> dict[str, tf.Tensor]:
        return {}

    def call(self, steps: tf.Tensor, memory: tf.Tensor) -> tf.Tensor:
        return steps + tf.reduce_mean(memory, axis=1, keepdims=True)


def test_each_step_of_a_decoder_takes_its_memory_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, memory = keras.Input([4, 3], name="words"), keras.Input([6, 5], name="memory")
    hidden = layers.GRU(5, return_sequences=True)(words)
    decoder = keras.Model([words, memory], keras.layers.Dense(2)(PlusMean()(hidden, memory)))
    rng = np.random.default_rng(1)
    given = {
        "words": rng.normal(size=(9, 4, 3)).astype(np.float32),
        "memory": rng.normal(size=(9, 6, 5)).astype(np.float32),
    }
    part = Part(decoder, ["scores"], given, given, execution="step", whole=("memory",))
    monkeypatch.setitem(
        TOLERANCES, "int8", TOLERANCES["int8"]._replace(share_of_spread=1e-9, divergence=1e-9)
    )
    files, left_out = export_parts({"decode": part}, ["float32", "int8"], tmp_path)
    ((record, content),) = files
    assert (record["file"], record["part"]) == ("float32_decode.tflite", "decode")
    assert record["runs_on"] == ["interpreter", "compiled_model"]
    assert "metric" not in record
    assert Stream(content).inputs["words"].shape == (1, 1, 3)
    assert Stream(content).inputs["memory"].shape == (1, 6, 5)
    assert [each.file for each in left_out] == ["int8_decode.tflite"]
    assert left_out[0].reason.startswith("output 'scores' differs from Keras by ")
    assert "the largest error is at step" in left_out[0].reason
