"""Quantises float32 models to weights of four bits, loops included.

The matrices of products, the filters of convolutions and the tables of embeddings are stored in four bits:
two weights share a byte, with a scale for each output of a product. LiteRT rounds activations to 8 bits at
run time, as in dynamic_int8. So no range must be calibrated; but where there are examples, weights are
rounded so that the products of these examples change little.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import qtyping
from ai_edge_quantizer.quantizer import Quantizer

from ...errors import ExportError
from .flatbuffer import constant, opcode, pack, parse
from .float_scope import ops_in_float_scope
from .moments import Moments, measure_moments
from .passes.look_up_embeddings import look_up_embeddings
from .passes.round_four_bits import round_four_bits
from .passes.weights_to_float16 import matrices_to_float16
from .quantizer_tool import prepare, quantized

_Op, _BUILTIN = qtyping.TFLOperationName, schema.BuiltinOperator
_PRODUCTS = {_BUILTIN.FULLY_CONNECTED: _Op.FULLY_CONNECTED, _BUILTIN.CONV_2D: _Op.CONV_2D}
_TABLES = {_BUILTIN.EMBEDDING_LOOKUP: _Op.EMBEDDING_LOOKUP}
"""A table has one scale, since a scale and a zero point for each row would take a third of the file."""
_WITHOUT_KERNEL = (_Op.BATCH_MATMUL, _Op.DEPTHWISE_CONV_2D, _Op.CONV_2D_TRANSPOSE)
"""Operators that LiteRT can't run with weights of four bits. Theirs have 8."""
_SMALL_SHARE = 1 / 8
"""The smallest weights, up to this share of all of them, keep 8 bits. They are often the first and the last
layers, which have the most to lose, and four bits would save a ninth of the weights' bytes at most."""


class FourBitQuantizer:
    """A float32 model that can be quantised to weights of four bits; it is parsed once.

    Args:
        content: a float32 .tflite file.
        examples: called once, when weights are rounded; returns arrays by input name. There may be none.
        signature: the name of the signature that takes the examples.
    """

    def __init__(
        self, content: bytes, examples: Callable[[], Iterable[Mapping[str, np.ndarray]]], signature: str
    ) -> None:
        self._content, self._examples, self._signature = content, examples, signature

    @cached_property
    def float_model(self) -> Any:
        """The parsed float32 model, with unique tensor names and a buffer for each constant."""
        model = parse(self._content)
        look_up_embeddings(model)
        prepare(model)
        return model

    def quantize(self) -> Any:
        """Return a new parsed model. It is not cleaned up yet, so its tensors keep their names.

        Raises:
            ExportError: the model has no weights for four bits, or ai-edge-quantizer refuses it.
        """
        model = quantized(pack(self.float_model), "int4", self._add_rules)
        if all(
            tensor.type != schema.TensorType.INT4 for graph in model.subgraphs for tensor in graph.tensors
        ):
            raise ExportError("int4: has no weights that TFLite can hold in four bits; use dynamic_int8")
        round_four_bits(model, self.float_model, self._moments)
        matrices_to_float16(model)
        return model

    @cached_property
    def _moments(self) -> Moments:
        return measure_moments(self.float_model, self._examples(), self._signature)

    def _add_rules(self, tool: Quantizer) -> None:
        """Tell ai-edge-quantizer what to do with each operator; of two rules, the later one counts."""
        for kind in _WITHOUT_KERNEL:
            tool.add_dynamic_config(".*", kind, 8)
        for kind in _PRODUCTS.values():
            tool.add_dynamic_config(".*", kind, 4)
        for kind in _TABLES.values():
            tool.add_dynamic_config(".*", kind, 4, qtyping.QuantGranularity.TENSORWISE)
        for graph, op in _small_products(self.float_model):
            tool.add_dynamic_config(_named(graph, op), _PRODUCTS[opcode(self.float_model, op)], 8)
        for graph in self.float_model.subgraphs:
            for op in ops_in_float_scope(graph):
                tool.update_quantization_recipe(
                    _named(graph, op), _Op.ALL_SUPPORTED, algorithm_key="no_quantize"
                )


def _named(graph: Any, op: Any) -> str:
    """Return the regular expression of an operator's name."""
    return f"^{re.escape(graph.tensors[op.outputs[0]].name.decode())}"


def _small_products(model: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the products whose weights keep 8 bits, each with its subgraph."""
    found = list(_weights(model))
    sizes = sorted({weights: len(weights) for weights, _, _ in found}.items(), key=lambda each: each[1])
    totals = list(itertools.accumulate(size for _, size in sizes))
    small = {
        weights
        for (weights, _), total in zip(sizes, totals, strict=True)
        if total <= _SMALL_SHARE * totals[-1]
    }
    for weights, graph, op in found:
        if weights in small and opcode(model, op) in _PRODUCTS:
            yield graph, op


def _weights(model: Any) -> Iterator[tuple[bytes, Any, Any]]:
    """Yield the constant weights of each product and table, with its subgraph and operator.

    An unrolled loop has the same weights in every step, as equal bytes.
    """
    for graph in model.subgraphs:
        for op in graph.operators:
            if opcode(model, op) in _PRODUCTS | _TABLES:
                weights = graph.tensors[op.inputs[1]]
                if model.buffers[weights.buffer].data is not None:
                    yield constant(model, weights).tobytes(), graph, op
