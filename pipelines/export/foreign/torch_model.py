"""Makes Keras models of PyTorch modules and of files of torch.export."""

from __future__ import annotations

import io
import operator
import warnings
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ...errors import UserError
from .assemble import BatchAxisError, Given, Network, assembled, place, unique_names
from .recurrent import Used
from .torch_archive import Graph, Name, Node, read_archive, read_graph
from .torch_layers import Call
from .torch_operations import CONSTANT, OF_CONSTANTS, OPERATIONS
from .value import RefusedError, Value

ACCEPTED = (
    "LSTM, GRU, RNN, Embedding, Linear, Conv1d, LayerNorm, BatchNorm1d, activations, Dropout, pooling, "
    "Flatten, slices, reshapes and arithmetic"
)
_ROWS, _STEPS = 3, 28
"""The sizes of made-up inputs."""
_ATEN = "torch.ops.aten."
_CHECKS = ("_assert", "sym_constrain_range")
"""What the names of operations without a result start with."""
_PLACES = ("device", "layout", "pin_memory", "memory_format")
"""Arguments about where a tensor is, which change no number."""
_OF_SIZES = {
    f"_operator.{name}": getattr(operator, name) for name in ("add", "sub", "mul", "floordiv", "neg")
}


def from_torch(module: Any, *inputs: Any) -> keras.Model:
    """Convert a PyTorch module to a Keras model that is made of this project's layers.

    The module may hold LSTM, GRU and RNN with any layers, directions and projection, Embedding, Linear,
    Conv1d, norms, activations, Dropout and pooling, in any order. It is read in evaluation, and is not
    changed. The model has the batch first, also if the module has not.

    Args:
        module: a torch.nn.Module on the CPU.
        *inputs: example tensors, as the module takes them; their shapes matter, their numbers don't. They may
            be left out if the module starts with one of these layers. The number of steps is then open.

    Returns:
        The model. Its answers to random inputs were compared with those of the module.

    Raises:
        UserError: something in the module has no counterpart. The message names the module in it.
    """
    import torch

    name = type(module).__name__
    if not isinstance(module, torch.nn.Module) or isinstance(module, torch.jit.ScriptModule):
        raise UserError(f"from_torch: expected a torch.nn.Module, not of torch.jit, got {name}")
    problem = ""
    with _in_evaluation(module):
        if inputs:
            return assembled(_Module(name, _exported(module, name, inputs), module))
        for example, sizes in _made_up(module):
            try:
                graph = _exported(module, name, [example])
                (given,) = graph.inputs
                graph = replace(graph, inputs=(replace(given, sizes=sizes),))
                return assembled(_Module(name, graph, module), sizes.index(_ROWS))
            except (_ShapeError, BatchAxisError) as error:
                problem = f": {error}"
        raise UserError(f"{name}: expected an example of its input, from_torch(module, x){problem}")


def load_exported(path: Path) -> keras.Model:
    """Convert a file of torch.export.save to a Keras model that is made of this project's layers.

    Nothing in the file is unpickled or run but the operations that are accepted.

    Raises:
        UserError: it is no such file, or an operation has no counterpart.
    """
    return assembled(TorchNetwork(str(path), read_archive(path)))


class _ShapeError(UserError):
    """The network doesn't run on an example of this shape."""


class TorchNetwork(Network):
    """A network in the form that torch.export gives it."""

    def __init__(self, name: str, graph: Graph) -> None:
        self.name, self.graph = name, graph
        self.inputs = [Given(each.name, each.type, each.sizes) for each in graph.inputs]
        for node in graph.nodes:
            if not _is_accepted(node.target):
                raise place(name, node.where, _not_accepted(node.target.removeprefix(_ATEN)))

    def walk(self, values: Sequence[Value], arrays: Sequence[np.ndarray], used: Used) -> list[Any]:
        made: dict[str, Any] = {each.name: value for each, value in zip(self.inputs, values, strict=True)}
        example = self._example(arrays)
        unique = unique_names(made)
        for node in self.graph.nodes:
            results = self._run(node, example)
            given = _resolved(node.arguments, ChainMap(made, example))
            name = node.target.removeprefix(_ATEN)
            if name in CONSTANT or not any(isinstance(each, Value) for each in _flat(given.values())):
                continue
            if name not in OPERATIONS:
                raise place(self.name, node.where, _not_accepted(name))
            layer = unique(node.path or name.partition(".")[0])
            call = Call(layer, given, [tuple(each.shape) for each in results], used)
            try:
                outcome = OPERATIONS[name](call)
            except RefusedError as error:
                raise place(self.name, node.where or name, error) from None
            outcomes = outcome if isinstance(outcome, list) else [outcome]
            made |= {name: value for name, value in zip(node.outputs, outcomes, strict=False) if name}
            if name.partition(".")[0].endswith("_"):  # it changes its input in place
                made[next(iter(node.arguments.values())).name] = outcomes[0]
        return [made.get(name) for name in self.graph.outputs]

    def answers(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        example = self._example(arrays)
        for node in self.graph.nodes:
            self._run(node, example)
        return [example[name].detach().float().numpy() for name in self.graph.outputs]

    def _example(self, arrays: Sequence[np.ndarray]) -> dict[str, Any]:
        import torch

        names = (each.name for each in self.inputs)
        given = {name: torch.from_numpy(array) for name, array in zip(names, arrays, strict=True)}
        return {**self.graph.constants, **given}

    def _run(self, node: Node, example: dict[str, Any]) -> list[Any]:
        """Run an operation on the example, add its results to it and return them.

        Raises:
            UserError: it can't be run on an example of this shape.
        """
        import torch

        name = node.target.removeprefix(_ATEN)
        if name.startswith(_CHECKS):
            return []
        given = _resolved(node.arguments, example)
        try:
            if node.target in _OF_SIZES:
                results = _OF_SIZES[node.target](*given.values())
            else:
                operation, _, overload = name.partition(".")
                given = {key: value for key, value in given.items() if key not in _PLACES}
                if isinstance(given.get("dtype"), str):
                    given["dtype"] = getattr(torch, given["dtype"])
                with torch.no_grad():
                    results = getattr(getattr(torch.ops.aten, operation), overload)(**given)
        except (RuntimeError, IndexError, TypeError, ValueError) as error:
            reason = RefusedError(f"fails on this length: {str(error).splitlines()[0]}")
            raise _ShapeError(str(place(self.name, node.where or name, reason))) from None
        made = list(results) if isinstance(results, (list, tuple)) else [results]
        example.update((name, value) for name, value in zip(node.outputs, made, strict=True) if name)
        return made


class _Module(TorchNetwork):
    """A network whose own answers are those of a module."""

    def __init__(self, name: str, graph: Graph, module: Any) -> None:
        super().__init__(name, graph)
        self.module = module

    def answers(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        import torch

        with torch.no_grad():
            answer = self.module(*map(torch.from_numpy, arrays))
        return [each.float().numpy() for each in torch.utils._pytree.tree_leaves(answer)]


def _not_accepted(name: str) -> RefusedError:
    return RefusedError(f"{name.partition('.')[0]} has no counterpart: accepted are {ACCEPTED}")


def _is_accepted(target: str) -> bool:
    name = target.removeprefix(_ATEN)
    known = name in OPERATIONS or name in CONSTANT | OF_CONSTANTS or name.startswith(_CHECKS)
    return target in _OF_SIZES or (target.startswith(_ATEN) and known)


def _exported(module: Any, name: str, examples: Sequence[Any]) -> Graph:
    import torch

    content = io.BytesIO()
    # torch.export takes one tensor that is given twice for one input
    examples = [each.clone() if isinstance(each, torch.Tensor) else each for each in examples]
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of torch about its own code
            torch.export.save(torch.export.export(module, tuple(examples)), content)
        return read_graph(content.getvalue())
    except Exception as error:  # torch.export raises what the module's code raises
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise _ShapeError(f"{name}: torch.export can't read it: {reason}") from None


@contextmanager
def _in_evaluation(module: Any) -> Iterator[None]:
    training = [each for each in module.modules() if each.training]
    module.eval()
    try:
        yield
    finally:
        for each in training:
            each.training = True


def _made_up(module: Any) -> Iterator[tuple[Any, tuple[int | str, ...]]]:
    """Yield examples for the layer that the module defines first, and their sizes. The steps are open."""
    import torch

    nn = torch.nn
    recurrent = any(isinstance(each, nn.RNNBase) for each in module.modules())
    kinds = (nn.Embedding, nn.RNNBase, nn.Conv1d, nn.Linear)
    first = next((each for each in module.modules() if isinstance(each, kinds)), None)
    match first:
        case nn.Embedding():
            choices: list[tuple[int | str, ...]] = [(_ROWS, "steps"), ("steps", _ROWS)]
        case nn.RNNBase():
            choices = [(_ROWS, "steps", first.input_size), ("steps", _ROWS, first.input_size)]
        case nn.Conv1d():
            choices = [(_ROWS, first.in_channels, "steps"), (_ROWS, "steps", first.in_channels)]
        case nn.Linear():
            choices = [(_ROWS, "steps", first.in_features) if recurrent else (_ROWS, first.in_features)]
        case _:
            choices = []
    numbers = next((each.dtype for each in module.parameters()), None)
    for sizes in choices:
        shape = [_STEPS if size == "steps" else size for size in sizes]
        yield torch.zeros(shape, dtype=torch.long if isinstance(first, nn.Embedding) else numbers), sizes


def _resolved(arguments: Any, known: Mapping[str, Any]) -> Any:
    """Return arguments with values instead of `Name`s."""
    if isinstance(arguments, Mapping):
        return {name: _resolved(each, known) for name, each in arguments.items()}
    if isinstance(arguments, list):
        return [_resolved(each, known) for each in arguments]
    return known[arguments.name] if isinstance(arguments, Name) else arguments


def _flat(arguments: Any) -> Iterator[Any]:
    for each in arguments:
        if isinstance(each, (list, tuple)):
            yield from _flat(each)
        else:
            yield each
