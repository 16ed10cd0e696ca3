"""Each pass on a small model made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from reference.tflite_graphs import (
    FLOAT16,
    FLOAT32,
    INT8,
    INT32,
    Graph,
    Op,
    Tensor,
    loop,
    model,
    names,
    ops,
)

from layers import IN_FLOAT
from pipelines.errors import ExportError
from pipelines.export.tflite.flatbuffer import operator_code, pack, parse
from pipelines.export.tflite.passes.bypass_dequantize import bypass_dequantize
from pipelines.export.tflite.passes.disable_power_of_two_scales import disable_power_of_two_scales
from pipelines.export.tflite.passes.duplicate_shared_buffers import duplicate_shared_buffers
from pipelines.export.tflite.passes.extract_subgraph import extract_subgraph
from pipelines.export.tflite.passes.merge_equal_buffers import merge_equal_buffers
from pipelines.export.tflite.passes.remove_debug_info import remove_debug_info
from pipelines.export.tflite.passes.remove_unused_tensors import remove_unused_tensors
from pipelines.export.tflite.passes.restore_output_types import restore_output_types
from pipelines.export.tflite.passes.trim_constants import trim_constants
from pipelines.export.tflite.passes.unique_names import original_name, unique_names
from pipelines.export.tflite.passes.weights_to_float16 import matrices_to_float16, weights_to_float16

SIXTEEN = np.linspace(-1, 1, 16, dtype=np.float32)


def constant(made: Any, tensor: int, graph: int = 0) -> np.ndarray | None:
    data = made.buffers[made.subgraphs[graph].tensors[tensor].buffer].data
    return None if data is None else np.asarray(data)


def test_unique_names_hold_the_indices_and_can_be_undone() -> None:
    same = Graph([Tensor("x"), Tensor("a/b/x")], [], [0], [1])
    made = model(same, same)
    unique_names(made)
    found = [*names(made.subgraphs[0]), *names(made.subgraphs[1])]
    assert found == ["0/0/x", "0/1/a/b/x", "1/0/x", "1/1/a/b/x"]
    assert [original_name(name.encode()) for name in found] == [b"x", b"a/b/x"] * 2
    assert original_name(b"a/b/x") == b"a/b/x", "a name without the prefix stays"


def test_shared_buffers_become_one_for_each_tensor() -> None:
    shared = [Tensor(name, shape=[16], values=SIXTEEN, buffer="w") for name in "ab"]
    made = model(Graph([*shared, Tensor("x")], [], [2], [2]), Graph(shared[:1], [], [], [0]))
    duplicate_shared_buffers(made)
    held = [tensor.buffer for graph in made.subgraphs for tensor in graph.tensors]
    assert len({held[0], held[1], held[3]}) == 3
    assert held[2] == 0, "a tensor that is computed has none"
    for graph, tensor in ((0, 0), (0, 1), (1, 0)):
        np.testing.assert_array_equal(constant(made, tensor, graph).view(np.float32), SIXTEEN)


def test_constants_are_cut_to_their_shape() -> None:
    tokens = np.arange(8, dtype=np.int32)
    tensors = [Tensor("sum", shape=[4], values=SIXTEEN), Tensor("n", INT32, [2], tokens), Tensor("x")]
    made = model(Graph(tensors, [], [2], [0]))
    trim_constants(made)
    np.testing.assert_array_equal(constant(made, 0).view(np.float32), SIXTEEN[:4])
    np.testing.assert_array_equal(constant(made, 1).view(np.int32), tokens)


def test_float16_weights_are_dequantized_and_small_or_scoped_ones_stay() -> None:
    tensors = [
        Tensor("x", shape=[16]),
        Tensor("weights", shape=[16], values=SIXTEEN),
        Tensor("small", shape=[15], values=SIXTEEN[:15]),
        Tensor("filters", shape=[16], values=SIXTEEN),
        Tensor("y", shape=[16]),
        Tensor(f"mel/{IN_FLOAT}/z", shape=[16]),
        Tensor("last", shape=[15]),
    ]
    computed = [Op("MUL", [0, 1], [4]), Op("MUL", [4, 3], [5]), Op("ADD", [5, 2], [6])]
    made = model(Graph(tensors, computed, [0], [4]))
    weights_to_float16(made)
    assert ops(made)[0] == ("DEQUANTIZE", [7], [1])
    assert len(ops(made)) == 4
    types = [tensor.type for tensor in made.subgraphs[0].tensors]
    assert types == [FLOAT32] * 7 + [FLOAT16]
    np.testing.assert_array_equal(constant(made, 7).view(np.float16), SIXTEEN.astype(np.float16))
    assert constant(made, 1) is None
    for tensor in (2, 3):
        assert constant(made, tensor) is not None


def test_large_matrices_that_float16_holds_become_float16_and_windows_and_biases_stay() -> None:
    values = np.linspace(-1, 1, 256, dtype=np.float32)
    tensors = [
        Tensor("x", shape=[1, 16]),
        Tensor("filters", shape=[16, 16], values=values),
        Tensor("too large for float16", shape=[16, 16], values=1e5 * values),
        Tensor("small", shape=[16, 1], values=SIXTEEN),
        Tensor("window", shape=[256], values=values),
        Tensor("bias", shape=[256], values=values),
        *[Tensor(f"y{i}", shape=[1, 16]) for i in range(5)],
    ]
    products = [Op("BATCH_MATMUL", [0, each], [5 + each]) for each in (1, 2, 3)]
    computed = [*products, Op("MUL", [0, 4], [9]), Op("FULLY_CONNECTED", [0, 3, 5], [10])]
    made = model(Graph(tensors, computed, [0], [10]))
    matrices_to_float16(made)
    assert ops(made)[0] == ("DEQUANTIZE", [11], [1])
    assert len(ops(made)) == 6
    np.testing.assert_array_equal(constant(made, 11).view(np.float16), values.astype(np.float16))
    assert all(constant(made, each) is not None for each in (2, 3, 4, 5))


def test_integer_ops_read_what_a_dequantize_reads() -> None:
    tensors = [Tensor("q", INT8), Tensor("f"), Tensor("r", INT8), Tensor("g"), Tensor("s", INT8)]
    chain = [
        Op("DEQUANTIZE", [0], [1]),
        Op("RELU", [1], [2]),
        Op("TANH", [1], [3]),
        Op("QUANTIZE", [1], [4]),
    ]
    made = model(Graph(tensors, chain, [0], [2, 3, 4]))
    bypass_dequantize(made)
    assert ops(made)[1:] == [("RELU", [0], [2]), ("TANH", [1], [3]), ("QUANTIZE", [1], [4])]


def test_outputs_get_their_types_back_in_the_signature_too() -> None:
    before = model(
        Graph([Tensor("x"), Tensor("y")], [Op("TANH", [0], [1])], [0], [1]), signatures={"serve": 0}
    )
    tensors = [Tensor("x"), Tensor("y", INT8), Tensor("y_float")]
    chain = [Op("TANH", [0], [1]), Op("DEQUANTIZE", [1], [2])]
    made = model(Graph(tensors, chain, [0], [1]), signatures={"serve": 0})
    restore_output_types(made, before)
    assert made.subgraphs[0].outputs == [2]
    assert made.signatureDefs[0].outputs[0].tensorIndex == 2
    integer_only = model(Graph(tensors[:2], chain[:1], [0], [1]), signatures={"serve": 0})
    with pytest.raises(ExportError, match="y: expected this output in the type it had"):
        restore_output_types(integer_only, before)


def test_additions_and_subtractions_take_any_scale() -> None:
    options = [schema.AddOptionsT(), schema.SubOptionsT()]
    tensors = [Tensor("x"), Tensor("y")]
    chain = [Op(name, [0, 1], [1], each) for name, each in zip(("ADD", "SUB"), options, strict=True)]
    made = model(Graph(tensors, [*chain, Op("TANH", [0], [1])], [0], [1]))
    assert [each.potScaleInt16 for each in options] == [True, True], "the schema's default"
    disable_power_of_two_scales(made)
    assert [each.potScaleInt16 for each in options] == [False, False]


def test_unused_tensors_are_removed_and_the_rest_renumbered() -> None:
    tensors = [Tensor("unused"), Tensor("x"), Tensor("unused too"), Tensor("y")]
    made = model(Graph(tensors, [Op("TANH", [1, -1], [3])], [1], [3]), signatures={"serve": 0})
    remove_unused_tensors(made)
    assert names(made.subgraphs[0]) == ["x", "y"]
    assert ops(made) == [("TANH", [0, -1], [1])]
    (signature,) = made.signatureDefs
    assert (signature.inputs[0].tensorIndex, signature.outputs[0].tensorIndex) == (0, 1)


def test_debug_info_goes_and_the_names_of_inputs_and_outputs_stay() -> None:
    body = Graph([Tensor("h"), Tensor("next")], [Op("TANH", [0], [1])], [0], [1], "body")
    main = Graph(
        [Tensor("0/0/x"), Tensor("0/1/inner", scale=0.5), Tensor("0/2/y")],
        [Op("WHILE", [0], [1], loop(1, 1)), Op("TANH", [1], [2])],
        [0],
        [2],
        "main",
    )
    made = model(main, body)
    made.description = b"converted"
    for name in (b"CONVERSION_METADATA", b"mine"):
        made.metadata = [*(made.metadata or ()), schema.MetadataT()]
        made.metadata[-1].name = name
    made.subgraphs[0].tensors[1].quantization.min = [-1.0]
    made.subgraphs[0].tensors[2].quantization = schema.QuantizationParametersT()
    remove_debug_info(made)
    assert names(made.subgraphs[0]) == ["x", None, "y"]
    assert names(made.subgraphs[1]) == [None, None]
    assert [graph.name for graph in made.subgraphs] == [b"main", None]
    assert (made.description, [entry.name for entry in made.metadata]) == (None, [b"mine"])
    scaled, empty = (made.subgraphs[0].tensors[i].quantization for i in (1, 2))
    assert (scaled.scale, scaled.min, empty) == ([0.5], None, None)


def test_equal_constants_are_kept_once_and_unread_ones_not_at_all() -> None:
    tensors = [Tensor("a", values=SIXTEEN), Tensor("b", values=SIXTEEN), Tensor("c", values=-SIXTEEN)]
    made = model(Graph([*tensors, Tensor("x")], [], [3], [0]))
    made.buffers.append(schema.BufferT(data=np.frombuffer(b"unread", np.uint8)))
    made.buffers.append(schema.BufferT(data=np.frombuffer(b"described", np.uint8)))
    made.metadata = [schema.MetadataT()]
    made.metadata[0].name, made.metadata[0].buffer = b"mine", len(made.buffers) - 1
    merge_equal_buffers(made)
    assert [tensor.buffer for tensor in made.subgraphs[0].tensors] == [1, 1, 2, 0]
    assert len(made.buffers) == 4
    assert bytes(made.buffers[made.metadata[0].buffer].data) == b"described"


def test_an_extracted_subgraph_comes_first_and_brings_what_it_calls() -> None:
    weights = [Tensor(name, values=values) for name, values in (("v", SIXTEEN), ("w", -SIXTEEN))]
    leaf = Graph([Tensor("leaf"), weights[1]], [], [0], [0], "leaf")
    looping = Graph([Tensor("h")], [Op("WHILE", [0], [0], loop(2, 3))], [0], [0], "looping")
    other = Graph([Tensor("other"), weights[0]], [], [0], [0], "other")
    made = model(other, looping, leaf, leaf, signatures={"serve": 0, "step": 1})
    before = pack(made)
    extracted = extract_subgraph(made, 1)
    assert [graph.name for graph in extracted.subgraphs] == [b"looping", b"leaf", b"leaf"]
    options = extracted.subgraphs[0].operators[0].builtinOptions
    assert (options.condSubgraphIndex, options.bodySubgraphIndex) == (1, 2)
    assert [(each.signatureKey, each.subgraphIndex) for each in extracted.signatureDefs] == [(b"step", 0)]
    packed = pack(extracted)
    assert SIXTEEN.tobytes() not in packed
    assert (-SIXTEEN).tobytes() in packed
    assert pack(made) == before, "the given model stays as it is"
    assert len(parse(packed).subgraphs) == 3


def test_an_operator_code_is_found_or_added() -> None:
    made = model(Graph([Tensor("x"), Tensor("y")], [Op("QUANTIZE", [0], [1])], [0], [1]))
    assert operator_code(made, schema.BuiltinOperator.QUANTIZE, 2) == 0
    assert made.operatorCodes[0].version == 1
    assert operator_code(made, schema.BuiltinOperator.DEQUANTIZE, 3) == 1
    assert made.operatorCodes[1].version == 3
