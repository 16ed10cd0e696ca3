"""ONNX files become Keras models that answer the same."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.commands.export import Export, run
from pipelines.errors import UserError
from pipelines.export.any_model import load_model
from pipelines.export.foreign import recurrent
from pipelines.ondevice.model import Model, Stream

onnx = pytest.importorskip("onnx", reason='needs onnx: pip install ".[onnx]"')
make = onnx.helper

ROWS, STEPS, FEATURES, UNITS, WORDS = 2, 6, 5, 4, 9
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
Shape = list[Any]


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return (0.6 * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def saved(file: Path, nodes: list[Any], stored: dict[str, np.ndarray], given: Shape, outputs: dict) -> Path:
    """Write a network with one input, x."""
    kind = INT64 if nodes[0].op_type == "Gather" else FLOAT
    graph = make.make_graph(
        nodes,
        "net",
        [make.make_tensor_value_info("x", kind, given)],
        [make.make_tensor_value_info(name, FLOAT, shape) for name, shape in outputs.items()],
        [onnx.numpy_helper.from_array(array, name) for name, array in stored.items()],
    )
    opset = [make.make_opsetid("", 18)]
    onnx.save(make.make_model(graph, opset_imports=opset, ir_version=9), file)
    return file


def recurrent_file(
    file: Path,
    kind: str,
    *,
    bias: bool = True,
    peepholes: bool = False,
    tail: list[Any] | None = None,
    outputs: dict[str, Shape] | None = None,
    **attributes: Any,
) -> Path:
    """Write a network of one recurrent operation, in which the steps come first unless layout=1."""
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    rows = GATES[kind] * UNITS
    stored = {"w": drawn(directions, rows, FEATURES), "r": drawn(directions, rows, UNITS, seed=1)}
    names = ["x", "w", "r", "", "", "", "", ""]
    if bias:
        stored["b"], names[3] = drawn(directions, 2 * rows, seed=2), "b"
    if peepholes:
        stored["p"], names[7] = drawn(directions, 3 * UNITS, seed=3), "p"
    made = ["y", "y_h", "y_c"][: 3 if kind == "LSTM" else 2]
    while not names[-1]:
        names.pop()
    node = make.make_node(kind, names, made, name="net", hidden_size=UNITS, **attributes)
    given = ["rows", "steps", FEATURES] if attributes.get("layout") else ["steps", "rows", FEATURES]
    every = dict.fromkeys(made[:1], [None] * 4) | dict.fromkeys(made[1:], [None] * 3)
    return saved(file, [node, *(tail or [])], stored, given, outputs or every)


def answers(file: Path, x: np.ndarray) -> list[np.ndarray]:
    """Return what the network answers: in ONNX Runtime if it is there and has the operation."""
    model = onnx.load(file)
    layout = any(each.name == "layout" and each.i for node in model.graph.node for each in node.attribute)
    try:
        import onnxruntime
    except ModuleNotFoundError:
        onnxruntime = None
    if onnxruntime and not layout:
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        return session.run(None, {"x": x})
    if b"Relu" in file.read_bytes() and model.graph.node[0].op_type == "RNN":
        pytest.skip("ONNX's reference implementation has no RNN of relu, and there is no ONNX Runtime")
    return onnx.reference.ReferenceEvaluator(model).run(None, {"x": x})


def compare(file: Path, steps: int, batch: int) -> None:
    """Assert that model and file answer the same."""
    model = load_model(file)
    x = drawn(ROWS, steps, FEATURES, seed=9)
    wanted = answers(file, np.ascontiguousarray(np.moveaxis(x, 0, batch)))
    found = model(x)
    found = found if isinstance(found, (list, tuple)) else [found]
    for got, want in zip(found, wanted, strict=True):
        place = list(want.shape).index(ROWS)  # no other axis has this size
        np.testing.assert_allclose(got, np.moveaxis(want, place, 0), atol=2e-5, rtol=0)


DIRECTIONS = ("forward", "reverse", "bidirectional")
OPTIONS: dict[str, dict[str, Any]] = {
    "LSTM": {},
    "LSTM without bias": {"bias": False},
    "LSTM with peepholes": {"peepholes": True},
    "GRU": {},
    "GRU, reset after": {"linear_before_reset": 1},
    "RNN": {},
}


SIDE_BY_SIDE = [
    make.make_node("Constant", [], ["shape"], value_ints=[0, 0, -1]),
    make.make_node("Transpose", ["y"], ["turned"], perm=[0, 2, 1, 3]),
    make.make_node("Reshape", ["turned", "shape"], ["out"]),
]
"""The outputs of both directions in one axis. Alone, their number would look like that of the rows."""


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", OPTIONS)
def test_recurrent_operations_answer_as_in_onnx(name: str, direction: str, tmp_path: Path) -> None:
    kind = name.replace(",", " ").split()[0]
    file, options = tmp_path / "net.onnx", {**OPTIONS[name], "direction": direction}
    if direction == "bidirectional":
        options |= {"tail": SIDE_BY_SIDE, "outputs": {"out": [None] * 3}}
    recurrent_file(file, kind, **options)
    compare(file, STEPS, batch=1)
    compare(file, 2 * STEPS + 1, batch=1)


@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_layer_may_start_from_the_states_of_another(kind: str, layout: int, tmp_path: Path) -> None:
    states = ["y_h", "y_c"] if kind == "LSTM" else ["y_h"]
    names = ["x", "w", "r", "b", "", *states]
    tail = [make.make_node(kind, names, ["z", "out"], hidden_size=UNITS, layout=layout)]
    outputs = {"out": [None] * 3}
    file = recurrent_file(tmp_path / "net.onnx", kind, tail=tail, outputs=outputs, layout=layout)
    compare(file, STEPS, batch=1 - layout)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_the_batch_may_come_first(kind: str, tmp_path: Path) -> None:
    compare(recurrent_file(tmp_path / "net.onnx", kind, layout=1), STEPS, batch=0)


def test_a_recurrent_operation_of_relu(tmp_path: Path) -> None:
    compare(recurrent_file(tmp_path / "net.onnx", "RNN", activations=["Relu"]), STEPS, batch=1)


def chain(file: Path) -> Path:
    """Write tokens, embedding, convolution, norms, GRU, its last state, dense layers and activations."""
    node = make.make_node
    nodes = [
        node("Gather", ["table", "x"], ["e"], name="embedding"),
        node("Transpose", ["e"], ["e1"], perm=[0, 2, 1]),
        node("Pad", ["e1", "pads"], ["e2"]),
        node("Conv", ["e2", "k", "kb"], ["c"], pads=[0, 1]),
        node("BatchNormalization", ["c", "gain", "shift", "mean", "var"], ["n"], epsilon=1e-3),
        node("LeakyRelu", ["n"], ["a"]),
        node("Transpose", ["a"], ["a1"], perm=[2, 0, 1]),
        node("GRU", ["a1", "w", "r"], ["y", "h"], hidden_size=UNITS, linear_before_reset=1),
        node("Squeeze", ["h", "zero"], ["h1"]),
        node("LayerNormalization", ["h1", "gain4", "shift4"], ["l"]),
        node("MatMul", ["l", "m"], ["p"]),
        node("Add", ["p", "mb"], ["p1"]),
        node("HardSigmoid", ["p1"], ["s"]),
        node("Gemm", ["s", "g", "gb"], ["q"], transB=1, alpha=0.5),
        node("Softmax", ["q"], ["out"], axis=1),
    ]
    stored = {
        **{"table": drawn(WORDS, FEATURES), "k": drawn(UNITS, FEATURES, 3), "kb": drawn(UNITS)},
        **{name: drawn(UNITS, seed=i) for i, name in enumerate(("gain", "shift", "mean", "gain4", "shift4"))},
        **{"pads": np.array([0, 0, 1, 0, 0, 0]), "var": drawn(UNITS) ** 2 + 0.5, "zero": np.array([0])},
        **{"w": drawn(1, 3 * UNITS, UNITS), "r": drawn(1, 3 * UNITS, UNITS, seed=1)},
        **{"m": drawn(UNITS, 7), "mb": drawn(7), "g": drawn(3, 7), "gb": drawn(3)},
    }
    return saved(file, nodes, stored, ["rows", "steps"], {"out": ["rows", 3]})


@pytest.mark.parametrize("steps", [STEPS, 3 * STEPS])
def test_a_chain_of_many_operations(steps: int, tmp_path: Path) -> None:
    file = chain(tmp_path / "net.onnx")
    tokens = np.random.default_rng(3).integers(0, WORDS, (ROWS, steps))
    np.testing.assert_allclose(load_model(file)(tokens), answers(file, tokens)[0], atol=2e-5)


def test_layers_return_no_more_than_is_read(tmp_path: Path) -> None:
    (layer,) = (
        each for each in load_model(chain(tmp_path / "a.onnx")).layers if type(each).__name__ == "GRU"
    )
    assert (layer.return_sequences, layer.return_state) == (False, False)


def test_the_command_exports_a_file(tmp_path: Path, capsys) -> None:
    tail = [make.make_node("Squeeze", ["y", "one"], ["out"])]
    tail.insert(0, make.make_node("Constant", [], ["one"], value_ints=[1]))
    file = recurrent_file(tmp_path / "net.onnx", "LSTM", tail=tail, outputs={"out": [None] * 3})
    run(Export(file, tmp_path, precision=(("float32",),), execution=(("loop", "step"),), steps=STEPS))
    assert "float32_step.tflite" in capsys.readouterr().out
    x = drawn(1, STEPS, FEATURES, seed=9)
    wanted = np.moveaxis(answers(file, np.moveaxis(x, 0, 1))[0], 1, 0)
    (answer,) = Model(tmp_path / "net" / "float32_loop.tflite")(x=x).values()
    np.testing.assert_allclose(answer, wanted, atol=1e-5)
    stream = Stream(tmp_path / "net" / "float32_step.tflite")
    steps = [next(iter(stream(x=x[:, i : i + 1]).values())) for i in range(STEPS)]
    np.testing.assert_allclose(np.concatenate(steps, 1), wanted, atol=1e-5)


SWAPS = [("lstm", pair) for pair in ("if", "ig", "io", "fg", "fo", "go")]
SWAPS += [("gru", pair) for pair in ("zr", "zg", "rg")]


@pytest.mark.parametrize(("cell", "pair"), SWAPS)
def test_swapped_gates_are_never_returned(cell: str, pair: str, tmp_path: Path, monkeypatch) -> None:
    one, other = pair
    swapped = recurrent.GATES[cell].translate(str.maketrans({one: other, other: one}))
    monkeypatch.setitem(recurrent.GATES, cell, swapped)
    with pytest.raises(UserError, match="differs from the original"):
        load_model(recurrent_file(tmp_path / "net.onnx", cell.upper()))


@pytest.mark.parametrize("mutant", ["peepholes", "reset", "direction"])
def test_other_mistakes_are_never_returned(mutant: str, tmp_path: Path, monkeypatch) -> None:
    def mistaken(name: str, cell: str, weights: Any, options: Any, backwards: bool) -> recurrent.Recurrence:
        ((only,),) = weights
        if mutant == "peepholes":
            only.peepholes[:] = only.peepholes[[0, 2, 1]]
        elif mutant == "reset":
            options = {"reset_after": not options["reset_after"]}
        return recurrent.Recurrence(name, cell, weights, options, backwards != (mutant == "direction"))

    monkeypatch.setattr("pipelines.export.foreign.onnx_layers.Recurrence", mistaken)
    kind = "GRU" if mutant == "reset" else "LSTM"
    with pytest.raises(UserError, match="differs from the original"):
        load_model(recurrent_file(tmp_path / "net.onnx", kind, peepholes=mutant == "peepholes"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip": 1.0}, r"net \(LSTM\): expected no clip and no input_forget"),
        ({"input_forget": 1}, r"net \(LSTM\): expected no clip and no input_forget"),
        (
            {"activations": ["Relu", "Tanh", "Tanh"]},
            "expected the activations sigmoid, tanh, tanh, found relu",
        ),
        (
            {"tail": [make.make_node("Det", ["y"], ["d"], name="det")], "outputs": {"d": [None] * 2}},
            r"det \(Det\)",
        ),
        (
            {"tail": [make.make_node("ReduceL1", ["y"], ["d"])], "outputs": {"d": [None] * 4}},
            r"net\.onnx: d \(ReduceL1\): has no counterpart: accepted are Abs, Add, ",
        ),
        (
            {"tail": [make.make_node("Flatten", ["y"], ["d"])], "outputs": {"d": [None] * 2}},
            r"d \(Flatten\): .* mixes the batch, axis 1, with other axes",
        ),
    ],
)
def test_what_is_not_accepted_is_named(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message) as error:
        load_model(recurrent_file(tmp_path / "net.onnx", "LSTM", **options))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no network", b"\x80\x05."])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(UserError, match=r"net\.onnx: expected a network in an ONNX file: .") as error:
        load_model(tmp_path / "net.onnx")
    assert "\n" not in str(error.value)


def test_a_network_that_torch_wrote(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = pytest.importorskip("torch", reason='needs torch: pip install ".[torch]"')

        class Net(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.lstm = torch.nn.LSTM(FEATURES, UNITS, 2, bidirectional=True, batch_first=True)
                self.dense = torch.nn.Linear(2 * UNITS, 3)

            def forward(self, x: Any) -> Any:
                states = self.lstm(x)[1][0]
                return self.dense(torch.cat((states[-2], states[-1]), 1))

        module, file = Net().eval(), tmp_path / "net.onnx"
        axes = {"x": {0: "rows", 1: "steps"}}
        example = torch.zeros(3, STEPS, FEATURES)
        torch.onnx.export(module, (example,), file, dynamo=False, input_names=["x"], dynamic_axes=axes)
    x = drawn(ROWS, 2 * STEPS, FEATURES)
    np.testing.assert_allclose(load_model(file)(x), module(torch.from_numpy(x)).detach(), atol=2e-5)
