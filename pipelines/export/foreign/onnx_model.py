"""Makes Keras models of ONNX files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ...errors import UserError
from .assemble import Given, Network, assembled, place, unique_names
from .onnx_layers import Call
from .onnx_operations import CONSTANT, OPERATIONS
from .recurrent import Used
from .value import RefusedError, Value

_EXPECTED = "expected a network in an ONNX file"


def load_onnx(path: Path) -> keras.Model:
    """Convert an ONNX file to a Keras model that is made of this project's layers.

    Raises:
        UserError: it is no ONNX file, or an operation has no counterpart.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError, OSError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UserError(f"{path}: {_EXPECTED}: {reason}") from None
    return assembled(OnnxNetwork(str(path), model))


class OnnxNetwork(Network):
    """The graph of an ONNX file, and ONNX's reference implementation of it."""

    def __init__(self, name: str, model: Any) -> None:
        from onnx.reference import ReferenceEvaluator

        self.name, self.graph = name, model.graph
        stored = {each.name for each in self.graph.initializer}
        self.inputs = [_given(each) for each in self.graph.input if each.name not in stored]
        self._require_accepted()
        try:
            self.evaluator = ReferenceEvaluator(model, new_ops=[_rnn()])
        except (RuntimeError, NotImplementedError, KeyError) as error:
            raise UserError(f"{name}: {_EXPECTED}: {str(error).splitlines()[0]}") from None

    def walk(self, values: Sequence[Value], arrays: Sequence[np.ndarray], used: Used) -> list[Any]:
        example = self._run(arrays)
        made: dict[str, Any] = {each.name: value for each, value in zip(self.inputs, values, strict=True)}
        unique = unique_names(made)
        for node in self.graph.node:
            inputs = [made.get(name, example.get(name)) if name else None for name in node.input]
            if node.op_type in CONSTANT or not any(isinstance(each, Value) for each in inputs):
                continue
            shapes = [example[name].shape for name in node.output if name]
            name = unique(node.name or node.op_type.lower())
            try:
                outcome = OPERATIONS[node.op_type](Call(name, inputs, _attributes(node), shapes, used))
            except RefusedError as error:
                raise place(self.name, _where(node), error) from None
            results = outcome if isinstance(outcome, list) else [outcome]
            made |= {name: value for name, value in zip(node.output, results, strict=False) if name}
        return [made.get(each.name) for each in self.graph.output]

    def _require_accepted(self) -> None:
        """Refuse an operation without a counterpart, if its inputs depend on the network's."""
        dependent = {each.name for each in self.inputs}
        for node in self.graph.node:
            if node.op_type in CONSTANT or dependent.isdisjoint(node.input):
                continue
            if node.op_type not in OPERATIONS or node.domain not in ("", "ai.onnx"):
                accepted = ", ".join(sorted(OPERATIONS))
                raise UserError(f"{self.name}: {_where(node)}: has no counterpart: accepted are {accepted}")
            dependent |= set(node.output)

    def answers(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = self._run(arrays)
        return [found[each.name].astype(np.float32) for each in self.graph.output]

    def _run(self, arrays: Sequence[np.ndarray]) -> Mapping[str, Any]:
        """Return all results, with those in between, by name."""
        given = {each.name: array for each, array in zip(self.inputs, arrays, strict=True)}
        stored = {each.name: array for each, array in self._stored()}
        try:
            return {**stored, **given, **self.evaluator.run(None, given, intermediate=True)}
        except Exception as error:  # the reference implementation raises errors of many types
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise UserError(f"{self.name}: ONNX's reference implementation can't run it: {reason}") from None

    def _stored(self) -> Iterator[tuple[Any, np.ndarray]]:
        from onnx.numpy_helper import to_array

        return ((each, to_array(each)) for each in self.graph.initializer)


def _where(node: Any) -> str:
    return f"{node.name or node.output[0]} ({node.op_type})"


def _rnn() -> Any:
    """Return the reference implementation of RNN, with relu, which it lacks."""
    from onnx.reference.ops.op_rnn import RNN_14

    class RNN(RNN_14):
        op_domain = ""

        def choose_act(self, name: str, alpha: Any, beta: Any) -> Any:
            relu = name.lower() == "relu"
            return (lambda x: np.maximum(x, 0)) if relu else super().choose_act(name, alpha, beta)

    return RNN


def _given(entry: Any) -> Given:
    from onnx.helper import tensor_dtype_to_np_dtype

    tensor = entry.type.tensor_type
    if not tensor.elem_type:
        return Given(entry.name, "no tensor", ())
    sizes = [
        size.dim_value if size.HasField("dim_value") else size.dim_param or f"{entry.name}, axis {axis}"
        for axis, size in enumerate(tensor.shape.dim)
    ]
    return Given(entry.name, str(tensor_dtype_to_np_dtype(tensor.elem_type)), tuple(sizes))


def _attributes(node: Any) -> dict[str, Any]:
    from onnx.helper import get_attribute_value

    made = {}
    for each in node.attribute:
        value = get_attribute_value(each)
        if isinstance(value, bytes):
            value = value.decode()
        elif isinstance(value, (list, tuple)) or type(value).__name__.startswith("Repeated"):
            value = [one.decode() if isinstance(one, bytes) else one for one in value]
        made[each.name] = value
    return made
