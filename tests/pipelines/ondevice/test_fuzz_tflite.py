"""Thousands of damaged .tflite files: each is run or refused, and none ends the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from reference import device_models
from reference.damage import NUMBERS, rounds

from pipelines.errors import UserError
from pipelines.ondevice.interpreter import rehearse
from pipelines.ondevice.model import Model
from pipelines.ondevice.operators import OPERATORS
from pipelines.ondevice.probe import probe

ROOT = Path(__file__).parents[3]
MUTANTS = 20_000 if os.environ.get("LONG_TESTS") else 2000


@pytest.fixture(scope="module")
def seeds(tmp_path_factory) -> dict[str, Path]:
    folder, paths = tmp_path_factory.mktemp("seeds"), {}
    for make in (
        device_models.loop,
        device_models.loop_int8,
        device_models.integer_border,
        device_models.step,
    ):
        paths[make.__name__] = folder / f"{make.__name__}.tflite"
        paths[make.__name__].write_bytes(make(folder / make.__name__))
    return paths


def test_damaged_files_are_run_or_refused(seeds, tmp_path: Path, campaign) -> None:
    total = Counter()
    for seed in rounds():
        counts = outcomes(seed * NUMBERS, tmp_path, seeds.values())
        total.update(counts["checked"])
        # Else the worker sees nothing, or the mutants do no harm
        assert sum(count for said, count in counts["bare"].items() if said.startswith("SIG")) >= 1, counts
        assert counts["checked"]["ran"] >= MUTANTS / 5, counts
        assert counts["checked"]["refused"] >= MUTANTS / 5, counts
        assert set(counts["checked"]) <= {"ran", "refused", "hung"}, counts
    campaign(total)
    for path in tmp_path.glob("*.tflite"):  # what hung: a process of its own ends
        with pytest.raises(UserError, match=r"expected an answer within 0\.5 s, got none"):
            probe(path, seconds=0.5)


def outcomes(first: int, folder: Path, seeds: Iterable[Path]) -> dict[str, Counter[str]]:
    """Run MUTANTS damaged files in other processes, bare and checked: how often what came of it."""
    worker = Path(__file__).with_name("fuzz_worker.py")
    command = [sys.executable, str(worker), str(first), str(MUTANTS), str(folder), *map(str, seeds)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return {name: Counter(said) for name, said in json.loads(done.stdout).items()}


def damaged(path: Path, change) -> bytes:
    """Return the file with one change to its tables."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _operator(model, name: str, graph: int = 0):
    number = getattr(schema.BuiltinOperator, name)
    codes = [code.builtinCode for code in model.operatorCodes]
    return next(op for op in model.subgraphs[graph].operators if codes[op.opcodeIndex] == number)


def _while(model, **values: int) -> None:
    vars(_operator(model, "WHILE").builtinOptions).update(values)


def _own_body(model) -> None:
    """Make the body of the loop hold a loop over itself."""
    body = model.subgraphs[2]
    op = schema.OperatorT()
    op.__dict__.update(vars(_operator(model, "WHILE")))
    op.inputs, op.outputs = list(body.inputs), list(range(len(body.tensors), len(body.tensors) + 4))
    body.tensors += [body.tensors[i] for i in body.inputs]
    body.operators.append(op)


DAMAGE = {
    "expected version 3": lambda m: setattr(m, "version", 2),
    "expected a graph, found none": lambda m: setattr(m, "subgraphs", []),
    "buffer 99: expected one of": lambda m: setattr(m.subgraphs[0].tensors[0], "buffer", 99),
    r"tensor 0: negative size": lambda m: setattr(m.subgraphs[0].tensors[0], "shape", [1, -5, 3]),
    r"tensor 0: expected at most 2147483647 bytes": lambda m: setattr(
        m.subgraphs[0].tensors[0], "shape", [1 << 20, 1 << 20]
    ),
    "tensor 0: type 5 is not a number type": lambda m: setattr(m.subgraphs[0].tensors[0], "type", 5),
    r"outputs: no such tensor": lambda m: setattr(m.subgraphs[0], "outputs", [99]),
    "WHILE: no such graph: 1 or 9": lambda m: _while(m, bodySubgraphIndex=9),
    "WHILE: expected a condition": lambda m: _while(m, condSubgraphIndex=2),
    "WHILE: graph 1 has other outputs": lambda m: _while(m, bodySubgraphIndex=1),
    "or a cycle": _own_body,
    r"WHILE: expected options of type 93, found 0": lambda m: setattr(
        _operator(m, "WHILE"), "builtinOptions", None
    ),
    "FULLY_CONNECTED: expected 2 to 3 inputs, found 1": lambda m: setattr(
        _operator(m, "FULLY_CONNECTED"), "inputs", [1]
    ),
    "FULLY_CONNECTED: input 1 is absent": lambda m: setattr(
        _operator(m, "FULLY_CONNECTED"), "inputs", [1, -1, -1]
    ),
    "SOFTMAX: expected one output, found 0": lambda m: setattr(_operator(m, "SOFTMAX"), "outputs", []),
    r"is read before it is written": lambda m: m.subgraphs[0].operators.reverse(),
    "is written twice": lambda m: m.subgraphs[0].operators.append(m.subgraphs[0].operators[0]),
    r"signature 'serve': graph 7 of 3": lambda m: setattr(m.signatureDefs[0], "subgraphIndex", 7),
    r"signature 'serve': expected a name for each": lambda m: setattr(
        m.signatureDefs[0].inputs[0], "tensorIndex", 2
    ),
    "sparse constants are not supported": lambda m: setattr(
        m.subgraphs[0].tensors[1], "sparsity", schema.SparsityParametersT()
    ),
}


@pytest.mark.parametrize("message", DAMAGE)
def test_what_is_unsound_is_named(seeds, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        Model(damaged(seeds["loop"], DAMAGE[message]))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("scale", [float("nan")], "expected scales of 1e-18 to 1e"),
        ("scale", [0.0], "expected scales of 1e-18 to 1e"),
        ("scale", None, "has no scale"),
        ("scale", [0.5, 0.5], "expected 1 or 1 scales, found 2"),
        ("zeroPoint", [128], "expected zero points of -128 to 127"),
    ],
)
def test_scales_that_end_the_process_are_refused(seeds, field: str, value, message: str) -> None:
    def change(model) -> None:
        tensor = _operator(model, "SOFTMAX").inputs[0]
        setattr(model.subgraphs[0].tensors[tensor].quantization, field, value)

    with pytest.raises(UserError, match=message):
        rehearse(damaged(seeds["loop_int8"], change))


def test_a_loop_without_an_end_is_found_by_probing(seeds, tmp_path: Path) -> None:
    def change(model) -> None:
        """Let the loop count in steps of 0."""
        step = model.subgraphs[2].tensors[_operator(model, "ADD", 2).inputs[1]]
        assert model.buffers[step.buffer].data.tolist() == [1, 0, 0, 0]
        model.buffers[step.buffer].data = [0, 0, 0, 0]

    path = tmp_path / "endless.tflite"
    path.write_bytes(damaged(seeds["loop"], change))
    Model(path)  # nothing of it is wrong
    with pytest.raises(UserError, match=r"endless\.tflite: expected an answer within 1 s, got none"):
        probe(path, seconds=1)


def test_the_numbers_of_operators_and_options_are_those_of_the_format() -> None:
    options = {
        number: name for name, number in vars(schema.BuiltinOptions).items() if isinstance(number, int)
    }
    shared = {"ReducerOptions", "Pool2DOptions", "LSTMOptions", "SequenceRNNOptions", "L2NormOptions"}
    for number, operator in OPERATORS.items():
        assert number == getattr(schema.BuiltinOperator, operator.name)
        if operator.options:
            spelt = options[operator.options.number]
            mine = spelt.removesuffix("Options").upper() == operator.name.removesuffix("_V2").replace("_", "")
            assert mine or spelt in shared, (operator.name, spelt)


def test_names_of_any_bytes_are_refused_in_one_line(seeds) -> None:
    content = seeds["loop"].read_bytes()
    with pytest.raises(UserError, match="expected UTF-8 text"):
        Model(content.replace(b"serve", b"s\xffrve"))


def test_the_seeds_answer_as_numpy_does(seeds) -> None:
    x = np.random.default_rng(2).normal(size=(1, device_models.STEPS, device_models.FEATURES))
    h = np.zeros((1, device_models.UNITS))
    for t in range(device_models.STEPS):
        h = device_models.next_state(x[:, t], h)
    expected = device_models.probabilities(h)
    for name, error in {"loop": 1e-5, "loop_int8": 0.1, "integer_border": 0.1}.items():
        answer = Model(seeds[name]).predict(x.astype(np.float32))
        np.testing.assert_allclose(answer, expected, atol=error, err_msg=name)
