"""Runs a .tflite model subgraph by subgraph and shows every tensor, inside loops too.

LiteRT shows the tensors of a file's first subgraph, but not those of the subgraphs that it calls. So each
loop runs here step by step: its condition and its body become models of their own (`extract_subgraph`) that
take turns on the values that the loop carries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from .flatbuffer import WHILE, opcode, pack
from .passes.extract_subgraph import extract_subgraph


class GraphRunner:
    """Runs the subgraphs of a model and reports the value of every tensor.

    Args:
        model: a `schema.ModelT`; it is not changed.
        observe: called with each computed tensor and its value, in the order of computation.
    """

    def __init__(self, model: Any, observe: Callable[[Any, np.ndarray], None]) -> None:
        self._model = model
        self._observe = observe
        self._interpreters: dict[int, Interpreter] = {}
        self._orders: dict[int, list[tuple[Any, list[int]]]] = {}

    def run_signature(self, signature: str, example: Mapping[str, np.ndarray]) -> None:
        """Run a signature on arrays by input name, of the shapes that the signature has."""
        (wanted,) = (each for each in self._model.signatureDefs if each.signatureKey.decode() == signature)
        inputs = {each.name.decode(): each.tensorIndex for each in wanted.inputs}
        self._run(wanted.subgraphIndex, {inputs[name]: array for name, array in example.items()})

    def _run(self, index: int, inputs: Mapping[int, np.ndarray]) -> Interpreter:
        """Run subgraph `index` on arrays by tensor index, and report every tensor in it."""
        interpreter = self._interpreter(index)
        for tensor, value in inputs.items():
            interpreter.set_tensor(tensor, value)
        interpreter.invoke()
        tensors = self._model.subgraphs[index].tensors
        for loop, shown in self._order(index):
            if loop is not None:
                self._run_loop(loop, [interpreter.get_tensor(tensor) for tensor in loop.inputs])
            for tensor in shown:
                self._observe(tensors[tensor], interpreter.get_tensor(tensor))
        return interpreter

    def _order(self, index: int) -> list[tuple[Any, list[int]]]:
        """Return the loops of a subgraph in their order, and the tensors to report after each of them.

        The first entry has no loop. Results that no op or output reads are left out: LiteRT does not keep
        those of a loop.
        """
        if index not in self._orders:
            graph = self._model.subgraphs[index]
            read = {tensor for op in graph.operators for tensor in op.inputs} | set(graph.outputs)
            order: list[tuple[Any, list[int]]] = [(None, list(graph.inputs))]
            for op in graph.operators:
                if opcode(self._model, op) == WHILE:
                    order.append((op, []))
                order[-1][1].extend(tensor for tensor in op.outputs if tensor in read)
            self._orders[index] = order
        return self._orders[index]

    def _run_loop(self, op: schema.OperatorT, variables: list[np.ndarray]) -> None:
        """Run a loop from the initial values of its variables."""
        condition_index, body_index = op.builtinOptions.condSubgraphIndex, op.builtinOptions.bodySubgraphIndex
        condition, body = self._model.subgraphs[condition_index], self._model.subgraphs[body_index]
        changed = list(range(len(variables)))
        while True:
            tested = self._run(condition_index, {condition.inputs[i]: variables[i] for i in changed})
            if not tested.get_tensor(condition.outputs[0]).all():
                return
            step = self._run(body_index, {body.inputs[i]: variables[i] for i in changed})
            changed = [i for i in range(len(variables)) if body.inputs[i] != body.outputs[i]]
            for i in changed:
                variables[i] = step.get_tensor(body.outputs[i])

    def _interpreter(self, index: int) -> Interpreter:
        if index not in self._interpreters:
            interpreter = Interpreter(
                model_content=pack(extract_subgraph(self._model, index)),
                experimental_preserve_all_tensors=True,
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            )
            interpreter.allocate_tensors()
            self._interpreters[index] = interpreter
        return self._interpreters[index]
