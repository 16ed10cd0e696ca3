"""The model for TFLite Micro answers as the given one; what TFLite Micro lacks is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from reference.micro_models import FEATURES, step_example

from pipelines.errors import ExportError, UserError
from pipelines.export.micro.graph import REGISTRATIONS
from pipelines.export.micro.write import write_micro
from pipelines.export.tflite import metadata
from pipelines.export.tflite.flatbuffer import pack, parse


def test_the_held_model_answers_as_the_given_one(content: bytes, tmp_path: Path) -> None:
    micro = write_micro(
        metadata.pack(content, metadata.Description("tiny"), {"big": b"0" * 5000}), tmp_path, "tiny"
    )
    assert len(micro.content) < len(content)  # and nothing of what was packed
    runs = [Interpreter(model_content=each).get_signature_runner() for each in (content, micro.content)]
    ((name, detail),) = runs[0].get_input_details().items()
    for seed in range(5):
        rng = np.random.default_rng(seed)
        given = rng.integers(-100, 100, (1, FEATURES)).astype(detail["dtype"])
        (before,), (after,) = (run(**{name: given}).values() for run in runs)
        np.testing.assert_array_equal(after, before)


def test_weights_are_aligned_and_inner_names_are_gone(content: bytes, tmp_path: Path) -> None:
    model = schema.Model.GetRootAs(write_micro(content, tmp_path, "tiny").content)
    buffers = [model.Buffers(i) for i in range(model.BuffersLength())]
    starts = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in buffers if buffer.DataLength()]
    assert len(starts) == 4
    assert {start % 16 for start in starts} == {0}
    graph = model.Subgraphs(0)
    named = {i for i in range(graph.TensorsLength()) if graph.Tensors(i).Name()}
    assert named == {graph.Inputs(0), graph.Outputs(0)}


def test_registrations_are_named_as_in_tflite_micro() -> None:
    # From the header of MicroMutableOpResolver: names that a simple rule could get wrong.
    expected = {
        "ADD_N": "AddAddN",
        "AVERAGE_POOL_2D": "AddAveragePool2D",
        "BATCH_MATMUL": "AddBatchMatMul",
        "BATCH_TO_SPACE_ND": "AddBatchToSpaceNd",
        "CONV_2D": "AddConv2D",
        "CUMSUM": "AddCumSum",
        "DYNAMIC_UPDATE_SLICE": "AddDynamicUpdateSlice",
        "PADV2": "AddPadV2",
        "RELU6": "AddRelu6",
        "SELECT_V2": "AddSelectV2",
        "SPLIT_V": "AddSplitV",
        "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
    }
    assert {op: REGISTRATIONS[op] for op in expected} == expected
    assert set(REGISTRATIONS) <= set(vars(schema.BuiltinOperator))


def test_the_step_answers_as_before(step: bytes, tmp_path: Path) -> None:
    micro = write_micro(step, tmp_path, "tiny")
    runs = [Interpreter(model_content=each).get_signature_runner("step") for each in (step, micro.content)]
    for seed in range(5):
        before, after = (run(**step_example(seed)) for run in runs)
        for name in before:
            np.testing.assert_array_equal(after[name], before[name])


def test_float_models_are_refused_unless_asked_for(float32: bytes, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="computes in float32: FULLY_CONNECTED"):
        write_micro(float32, tmp_path, "tiny")
    assert list(tmp_path.iterdir()) == []
    assert write_micro(float32, tmp_path, "tiny", allow_float=True).tensors_bytes == 96


def test_weights_in_8_bits_with_float_activations_are_refused(float32: bytes, tmp_path: Path) -> None:
    model = parse(float32)
    graph = model.subgraphs[0]
    weights = graph.tensors[graph.operators[0].inputs[1]]
    weights.type = schema.TensorType.INT8
    for allow_float in (False, True):
        with pytest.raises(ExportError, match="does not mix 8-bit weights with float32"):
            write_micro(pack(model), tmp_path, "tiny", allow_float=allow_float)


def test_float16_is_refused(converter: Callable[[], tf.lite.TFLiteConverter], tmp_path: Path) -> None:
    tool = converter()
    tool.optimizations = [tf.lite.Optimize.DEFAULT]
    tool.target_spec.supported_types = [tf.float16]
    model = parse(tool.convert())
    model.subgraphs[0].tensors[0].type = schema.TensorType.FLOAT16
    with pytest.raises(ExportError, match="no tensors of float16"):
        write_micro(pack(model), tmp_path, "tiny", allow_float=True)


def test_ops_that_tflite_micro_lacks_are_named(unsupported: bytes, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="not among the ops of TFLite Micro: REDUCE_PROD, SIGN"):
        write_micro(unsupported, tmp_path, "tiny", allow_float=True)
    assert list(tmp_path.iterdir()) == []


def test_dynamic_shapes_are_refused(content: bytes, tmp_path: Path) -> None:
    model = parse(content)
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shapeSignature = np.array([-1, FEATURES], np.int32)
    with pytest.raises(ExportError, match=r"no dynamic shapes: tensor .* is \[-1, 8\]"):
        write_micro(pack(model), tmp_path, "tiny")


def test_a_signature_that_is_not_there_is_refused(step: bytes, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected one of \['init', 'step'\], got 'serve'"):
        write_micro(step, tmp_path, "tiny", signature="serve")
