"""The range of every tensor of a float .tflite model over examples, inside loops too.

TFLite shows the tensors of a graph, but not those of the graphs that it calls. So a loop is run here step by
step: its condition and its body are lifted out as models of their own, which take turns on the values that
the loop carries.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from .flatbuffer import WHILE, called_graphs, opcode, pack, parse

Ranges = dict[str, tuple[float, float]]
"""Smallest and largest value by tensor name."""


def tensor_ranges(content: bytes, examples: Iterable[Mapping[str, np.ndarray]], signature: str) -> Ranges:
    """Run a float32 model over examples and return the range of every float tensor that is computed.

    Args:
        content: a .tflite file whose tensor names are all different.
        examples: arrays by input name, of the shapes that the signature has.
        signature: which signature to run.

    A tensor that no example reached has no range.
    """
    model = parse(content)
    ranges: Ranges = {}

    def note(tensor: schema.TensorT, value: np.ndarray) -> None:
        if value.dtype == np.float32 and value.size:
            name = tensor.name.decode()
            low, high = ranges.get(name, (np.inf, -np.inf))
            ranges[name] = min(low, float(value.min())), max(high, float(value.max()))

    graphs = Graphs(model, note)
    for example in examples:
        graphs.run_signature(signature, example)
    return ranges


class Graphs:
    """The graphs of a model, each as an interpreter that shows its tensors.

    Args:
        model: a `schema.ModelT`.
        observe: told every tensor that is computed, and its value, in the order of computation.
    """

    def __init__(self, model: Any, observe: Callable[[Any, np.ndarray], None]) -> None:
        self.model = model
        self._observe = observe
        self._interpreters: dict[int, Interpreter] = {}

    def run_signature(self, signature: str, example: Mapping[str, np.ndarray]) -> None:
        """Run a signature on arrays by input name."""
        (wanted,) = (each for each in self.model.signatureDefs if each.signatureKey.decode() == signature)
        inputs = {each.name.decode(): each.tensorIndex for each in wanted.inputs}
        self.run(wanted.subgraphIndex, {inputs[name]: array for name, array in example.items()})

    def run(self, index: int, given: Mapping[int, np.ndarray]) -> Interpreter:
        """Run graph `index` on values by tensor, and show everything in it."""
        interpreter = self._interpreter(index)
        for tensor, value in given.items():
            interpreter.set_tensor(tensor, value)
        interpreter.invoke()
        graph = self.model.subgraphs[index]
        read = _read(graph)
        for tensor in graph.inputs:
            self._observe(graph.tensors[tensor], interpreter.get_tensor(tensor))
        for op in graph.operators:
            if opcode(self.model, op) == WHILE:
                self._loop(op, [interpreter.get_tensor(tensor) for tensor in op.inputs])
            for tensor in op.outputs:
                if tensor in read:
                    self._observe(graph.tensors[tensor], interpreter.get_tensor(tensor))
        return interpreter

    def _loop(self, op: schema.OperatorT, carried: list[np.ndarray]) -> None:
        """Run the steps of a loop from the values that it starts with."""
        condition, body = op.builtinOptions.condSubgraphIndex, op.builtinOptions.bodySubgraphIndex
        graph = self.model.subgraphs[body]
        changed = list(range(len(carried)))
        while True:
            given = {self.model.subgraphs[condition].inputs[i]: carried[i] for i in changed}
            answer = self.run(condition, given)
            if not answer.get_tensor(self.model.subgraphs[condition].outputs[0]).all():
                return
            step = self.run(body, {graph.inputs[i]: carried[i] for i in changed})
            changed = [i for i in range(len(carried)) if graph.inputs[i] != graph.outputs[i]]
            for i in changed:
                carried[i] = step.get_tensor(graph.outputs[i])

    def _interpreter(self, index: int) -> Interpreter:
        if index not in self._interpreters:
            interpreter = Interpreter(
                model_content=_with_main_graph(self.model, index),
                experimental_preserve_all_tensors=True,
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            )
            interpreter.allocate_tensors()
            self._interpreters[index] = interpreter
        return self._interpreters[index]


def _read(graph: Any) -> set[int]:
    """Return the tensors that anything reads; LiteRT leaves out what a loop hands on in vain."""
    return {tensor for op in graph.operators for tensor in op.inputs} | set(graph.outputs)


def _with_main_graph(model: Any, index: int) -> bytes:
    """Return the model with graph `index` as the one that runs."""
    lifted = copy.copy(model)
    lifted.signatureDefs = None
    if not called_graphs(model, index):
        lifted.subgraphs = [model.subgraphs[index]]
        return pack(lifted)
    if index == 0:
        return pack(lifted)
    return _with_graphs_exchanged(pack(lifted), index)


def _with_graphs_exchanged(content: bytes, index: int) -> bytes:
    """Return the file with graphs 0 and `index` in each other's place."""
    model = parse(content)
    graphs = model.subgraphs
    graphs[0], graphs[index] = graphs[index], graphs[0]
    place = {0: index, index: 0}
    for op in (op for graph in graphs for op in graph.operators if opcode(model, op) == WHILE):
        options = op.builtinOptions
        options.condSubgraphIndex = place.get(options.condSubgraphIndex, options.condSubgraphIndex)
        options.bodySubgraphIndex = place.get(options.bodySubgraphIndex, options.bodySubgraphIndex)
    return pack(model)
