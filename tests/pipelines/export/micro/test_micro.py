"""C source for TFLite Micro: it compiles, holds the model, and what a microcontroller lacks is refused."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ExportError, UserError
from pipelines.export.micro import interpreter as micro_interpreter
from pipelines.export.micro import write as micro_module
from pipelines.export.micro.arena import Lifetime, lifetimes, measure_arena, packed_size, plan_arena
from pipelines.export.micro.graph import REGISTRATIONS
from pipelines.export.micro.write import Micro, write_micro
from pipelines.export.tflite import flatbuffer
from pipelines.export.tflite.flatbuffer import parse
from pipelines.export.tflite.metadata import Description, pack
from pipelines.export.tflite.quantize import quantize

COMPILERS = {"c11": (shutil.which("cc"), "c11", "c"), "c++17": (shutil.which("c++"), "c++17", "c++")}
# The converter's of full integer models, and LiteRT's of the calibration of `quantize`.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Statistics for quantized inputs:UserWarning"),
    pytest.mark.filterwarnings("ignore:Warning. Enabling `experimental_preserve_all_tensors`:UserWarning"),
]
FEATURES, UNITS, STATE = 8, 12, 20


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes a second; one test measures."""
    monkeypatch.setattr(micro_module, "measure_arena", lambda content: None)


def _examples() -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(20):
        yield rng.normal(size=(1, FEATURES)).astype(np.float32)


def _dense() -> tf.keras.Model:
    import keras

    keras.utils.set_random_seed(4)
    x = keras.Input((FEATURES,), batch_size=1, name="x")
    h = keras.layers.Dense(UNITS, "tanh", bias_initializer="normal")(x)
    return keras.Model(x, keras.layers.Dense(4, "softmax", bias_initializer="normal")(h))


@pytest.fixture(scope="module")
def converter() -> Callable[[], tf.lite.TFLiteConverter]:
    model = _dense()
    return lambda: tf.lite.TFLiteConverter.from_keras_model(model)


@pytest.fixture(scope="module")
def float32(converter: Callable[[], tf.lite.TFLiteConverter]) -> bytes:
    return converter().convert()


@pytest.fixture(scope="module", params=["int8", "int16x8"])
def content(request: pytest.FixtureRequest, converter: Callable[[], tf.lite.TFLiteConverter]) -> bytes:
    """Make Dense, tanh, Dense, softmax in integers, inputs and outputs too."""
    sets = {
        "int8": (tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.int8),
        "int16x8": (tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8, tf.int16),
    }
    ops, dtype = sets[request.param]
    tool = converter()
    tool.optimizations = [tf.lite.Optimize.DEFAULT]
    tool.representative_dataset = lambda: ([example] for example in _examples())
    tool.target_spec.supported_ops = [ops]
    tool.inference_input_type = tool.inference_output_type = dtype
    return tool.convert()


class _Stream(tf.Module):
    """A recurrent step with a state, as streaming models are exported."""

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(1)
        self.kernel = tf.Variable(rng.normal(size=(3, STATE)).astype(np.float32))
        self.recurrent = tf.Variable(rng.normal(scale=0.2, size=(STATE, STATE)).astype(np.float32))

    @tf.function(
        input_signature=[tf.TensorSpec((1, 1, 3), name="x"), tf.TensorSpec((1, STATE), name="rnn_h")]
    )
    def one_step(self, x: tf.Tensor, rnn_h: tf.Tensor) -> dict[str, tf.Tensor]:
        h = tf.tanh(x[:, 0] @ self.kernel + rnn_h @ self.recurrent)
        return {"probabilities": tf.nn.softmax(h[:, :5]), "rnn_h": h}

    @tf.function(input_signature=[])
    def start(self) -> dict[str, tf.Tensor]:
        return {"rnn_h": tf.fill((1, STATE), 0.25)}


def _step_example(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    arrays = {"x": rng.normal(size=(1, 1, 3)), "rnn_h": np.tanh(rng.normal(size=(1, STATE)))}
    return {name: array.astype(np.float32) for name, array in arrays.items()}


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder, module = str(tmp_path_factory.mktemp("stream")), _Stream()
    tf.saved_model.save(module, folder, {"init": module.start, "step": module.one_step})
    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["init", "step"])
    return quantize(converter.convert(), "int8", [_step_example(seed) for seed in range(20)], "step")


@pytest.fixture(params=COMPILERS)
def compiler(request: pytest.FixtureRequest) -> list[str]:
    path, standard, language = COMPILERS[request.param]
    if path is None:
        pytest.skip(f"no compiler for {request.param} here")
    return [path, f"-std={standard}", "-x", language, "-Wall", "-Wextra", "-Werror", "-pedantic"]


MAIN = """
#include <stdio.h>
#include "tiny.h"
int main(void) {
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < tiny_model_length; ++i) {
    crc ^= tiny_model[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) ? 0xedb88320u : 0u);
  }
  printf("%lu %lu %d\\n", (unsigned long)tiny_model_length, (unsigned long)(crc ^ 0xffffffffu),
         (int)((uintptr_t)tiny_model % 16));
  MORE
  return 0;
}
"""


def _run_c(micro: Micro, compiler: list[str], folder: Path, more: str = "") -> list[str]:
    main, program = folder / "main.c", folder / "program"
    main.write_text(MAIN.replace("MORE", more))
    source = micro.folder / "tiny.c"
    subprocess.run(
        [*compiler, f"-I{micro.folder}", str(main), str(source), "-o", str(program)], check=True, timeout=60
    )
    return subprocess.run([program], check=True, capture_output=True, text=True, timeout=20).stdout.split(
        "\n"
    )


def _macros(micro: Micro) -> dict[str, str]:
    text = (micro.folder / "tiny.h").read_text()
    return dict(re.findall(r"^#define TINY_(\w+) (.+)$", text, re.MULTILINE))


def test_the_compiled_program_holds_the_model(content: bytes, compiler: list[str], tmp_path: Path) -> None:
    micro = write_micro(content, tmp_path, "tiny")
    expected = (tmp_path / "tiny" / "tiny.tflite").read_bytes()
    assert expected == micro.content
    assert _run_c(micro, compiler, tmp_path)[0] == f"{len(expected)} {zlib.crc32(expected)} 0"
    macros = _macros(micro)
    assert int(macros["MODEL_BYTES"]) == len(expected)
    assert int(macros["MODEL_CRC32"].rstrip("u"), 16) == zlib.crc32(expected)


def test_the_held_model_answers_as_the_given_one(content: bytes, tmp_path: Path) -> None:
    micro = write_micro(pack(content, Description("tiny"), {"big": b"0" * 5000}), tmp_path, "tiny")
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


def test_constants_are_those_of_the_file(content: bytes, compiler: list[str], tmp_path: Path) -> None:
    micro = write_micro(content, tmp_path, "tiny")
    run = Interpreter(model_content=content).get_signature_runner()
    expected = []
    lines = ""
    for kind, details in (("INPUT", run.get_input_details()), ("OUTPUT", run.get_output_details())):
        ((name, detail),) = details.items()
        prefix = f"TINY_{kind}_{name.upper()}"
        lines += f"{{ const int shape[] = {prefix}_SHAPE; const {prefix}_TYPE value = 1;"
        lines += f'printf("%d %d %d %.9g %d %d %d\\n", shape[0], shape[1], {prefix}_SIZE, {prefix}_SCALE, '
        lines += f"{prefix}_ZERO_POINT, (int)sizeof value, {prefix}_INDEX); }}\n"
        scale, zero_point = detail["quantization"]
        size = int(np.prod(detail["shape"]))
        width = np.dtype(detail["dtype"]).itemsize
        expected.append([*detail["shape"], size, np.float32(scale), zero_point, width, 0])
    printed = _run_c(micro, compiler, tmp_path, lines)[1:3]
    assert [[float(word) for word in line.split()] for line in printed] == [
        [pytest.approx(float(number), rel=1e-8) for number in line] for line in expected
    ]


def test_ops_are_listed_and_registered(content: bytes, tmp_path: Path) -> None:
    micro = write_micro(content, tmp_path, "tiny")
    assert micro.ops == ("FULLY_CONNECTED", "SOFTMAX", "TANH")
    assert (micro.folder / "tiny_ops.txt").read_text().split() == list(micro.ops)
    if (compiler := shutil.which("c++")) is None:
        pytest.skip("no C++ compiler here")
    stub = tmp_path / "tensorflow/lite/micro/micro_mutable_op_resolver.h"
    stub.parent.mkdir(parents=True)
    adds = "".join(
        f"  TfLiteStatus {name}() {{ return count++ < N ? kTfLiteOk : kTfLiteError; }}\n"
        for name in ("AddFullyConnected", "AddSoftmax", "AddTanh")
    )
    stub.write_text(
        "enum TfLiteStatus { kTfLiteOk, kTfLiteError };\nnamespace tflite {\n"
        f"template <unsigned N> struct MicroMutableOpResolver {{ unsigned count = 0;\n{adds}}};\n}}\n"
    )
    main = tmp_path / "main.cc"
    main.write_text(
        '#include "tiny_ops.h"\n'
        "int main() { tiny_resolver r; return tiny_register_ops(r) == kTfLiteOk && r.count == 3 ? 0 : 1; }\n"
    )
    program = str(tmp_path / "program")
    command = [
        compiler,
        "-std=c++17",
        "-Wall",
        f"-I{tmp_path}",
        f"-I{micro.folder}",
        str(main),
        "-o",
        program,
    ]
    subprocess.run(command, check=True, timeout=60)
    subprocess.run([program], check=True, timeout=20)


def test_registrations_are_named_as_in_tflite_micro() -> None:
    # Some that the rule for names could get wrong, as the header of MicroMutableOpResolver has them.
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


def test_a_step_is_what_runs_and_its_states_begin_as_init_says(
    step: bytes, compiler: list[str], tmp_path: Path
) -> None:
    micro = write_micro(step, tmp_path, "tiny")
    model = schema.Model.GetRootAs(micro.content)
    assert model.SubgraphsLength() == 1
    assert Interpreter(model_content=micro.content).get_signature_list().keys() == {"step"}
    more = (
        'printf("%d", TINY_RNN_H_COPIES);\n'
        'for (int i = 0; i < TINY_INPUT_RNN_H_SIZE; ++i) printf(" %g", (double)tiny_initial_rnn_h[i]);'
    )
    assert _run_c(micro, compiler, tmp_path, more)[1].split() == ["1"] + ["0.25"] * STATE
    graph = model.Subgraphs(0)
    macros = _macros(micro)
    widths = {"X": 3, "RNN_H": STATE}
    for name, width in widths.items():
        tensor = graph.Tensors(graph.Inputs(int(macros[f"INPUT_{name}_INDEX"])))
        assert tensor.ShapeAsNumpy()[-1] == width


def test_the_step_answers_as_before(step: bytes, tmp_path: Path) -> None:
    micro = write_micro(step, tmp_path, "tiny")
    runs = [Interpreter(model_content=each).get_signature_runner("step") for each in (step, micro.content)]
    for seed in range(5):
        before, after = (run(**_step_example(seed)) for run in runs)
        for name in before:
            np.testing.assert_array_equal(after[name], before[name])


def test_states_that_are_held_differently_are_told(step: bytes, tmp_path: Path) -> None:
    model = parse(step)
    (signature,) = (each for each in model.signatureDefs if each.signatureKey == b"step")
    (state,) = (each for each in signature.outputs if each.name == b"rnn_h")
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = np.float32([0.5]), np.int64([0])
    model.subgraphs[signature.subgraphIndex].tensors[state.tensorIndex].quantization = quantization
    micro = write_micro(flatbuffer.pack(model), tmp_path, "tiny")
    assert _macros(micro)["RNN_H_COPIES"] == "0"


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
            write_micro(flatbuffer.pack(model), tmp_path, "tiny", allow_float=allow_float)


def test_float16_is_refused(converter: Callable[[], tf.lite.TFLiteConverter], tmp_path: Path) -> None:
    tool = converter()
    tool.optimizations = [tf.lite.Optimize.DEFAULT]
    tool.target_spec.supported_types = [tf.float16]
    model = parse(tool.convert())
    model.subgraphs[0].tensors[0].type = schema.TensorType.FLOAT16
    with pytest.raises(ExportError, match="no tensors of float16"):
        write_micro(flatbuffer.pack(model), tmp_path, "tiny", allow_float=True)


@pytest.fixture(scope="module")
def foreign() -> bytes:
    """Make a model of ops that TFLite Micro does not have."""
    function = tf.function(
        lambda x: tf.reduce_prod(tf.math.sign(x), axis=1), input_signature=[tf.TensorSpec((1, 4))]
    ).get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([function]).convert()


def test_ops_that_tflite_micro_lacks_are_named(foreign: bytes, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="not among the ops of TFLite Micro: REDUCE_PROD, SIGN"):
        write_micro(foreign, tmp_path, "tiny", allow_float=True)
    assert list(tmp_path.iterdir()) == []


def test_dynamic_shapes_are_refused(content: bytes, tmp_path: Path) -> None:
    model = parse(content)
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shapeSignature = np.array([-1, FEATURES], np.int32)
    with pytest.raises(ExportError, match=r"no dynamic shapes: tensor .* is \[-1, 8\]"):
        write_micro(flatbuffer.pack(model), tmp_path, "tiny")


@pytest.mark.parametrize("name", ["", "Tiny", "2tiny", "a-b", "../tiny", "a b", "x" * 51])
def test_names_that_are_no_c_names_are_refused(content: bytes, name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected lower-case letters"):
        write_micro(content, tmp_path, name)


def test_a_signature_that_is_not_there_is_refused(step: bytes, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected one of \['init', 'step'\], got 'serve'"):
        write_micro(step, tmp_path, "tiny", signature="serve")


def test_the_same_model_gives_the_same_files(content: bytes, tmp_path: Path) -> None:
    first, second = (write_micro(content, tmp_path / each, "tiny") for each in ("a", "b"))
    files = sorted(path.name for path in first.folder.iterdir())
    assert files == ["tiny.c", "tiny.h", "tiny.tflite", "tiny_ops.h", "tiny_ops.txt"]
    for file in files:
        assert (first.folder / file).read_bytes() == (second.folder / file).read_bytes()
    again = write_micro(first.content, tmp_path / "c", "tiny")
    assert again.content == first.content


def test_writing_again_replaces_and_other_files_are_left_alone(
    content: bytes, step: bytes, tmp_path: Path
) -> None:
    write_micro(content, tmp_path, "tiny")
    micro = write_micro(step, tmp_path, "tiny")
    assert (micro.folder / "tiny.tflite").read_bytes() == micro.content
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    (micro.folder / "mine.c").write_text("int x;")
    with pytest.raises(UserError, match=r"found other files: \['mine\.c'\]"):
        write_micro(content, tmp_path, "tiny")
    assert (micro.folder / "tiny.tflite").read_bytes() == micro.content


def test_a_full_disk_leaves_what_was_there(
    content: bytes, step: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = write_micro(step, tmp_path, "tiny").content

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        write_micro(content, tmp_path, "tiny")
    assert (tmp_path / "tiny" / "tiny.tflite").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_the_plan_of_a_chain_is_its_largest_pair(content: bytes, tmp_path: Path) -> None:
    """Dense 8 -> 12, tanh 12 -> 12, Dense 12 -> 4: two tensors of 12 are alive at most."""
    micro = write_micro(content, tmp_path, "tiny")
    width = {"int8": 1, "int16": 2}[next(iter(_dtypes(content)))]
    assert micro.tensors_bytes == 2 * -(-UNITS * width // 16) * 16
    found = lifetimes(parse(micro.content))
    assert sorted(found, key=lambda one: one.first) == [
        Lifetime(FEATURES * width, 0, 0),
        Lifetime(UNITS * width, 0, 1),
        Lifetime(UNITS * width, 1, 2),
        Lifetime(4 * width, 2, 3),
        Lifetime(4 * width, 3, 4),
    ]


def _dtypes(content: bytes) -> set[str]:
    details = Interpreter(model_content=content).get_signature_runner().get_input_details()
    return {np.dtype(detail["dtype"]).name for detail in details.values()}


@given(
    st.lists(st.tuples(st.integers(1, 200), st.integers(0, 8), st.integers(0, 5)), min_size=1, max_size=12)
)
def test_a_packing_is_between_the_most_alive_and_their_sum(tensors: list[tuple[int, int, int]]) -> None:
    alive = [Lifetime(size, first, first + length) for size, first, length in tensors]
    rounded = {one: -(-one.size // 16) * 16 for one in alive}
    most = max(sum(rounded[one] for one in alive if one.first <= now <= one.last) for now in range(14))
    assert most <= packed_size(alive) <= sum(rounded[one] for one in alive)


def test_a_loops_tensors_live_beside_those_around_it() -> None:
    function = tf.function(
        lambda x: tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, tf.tanh(h) * 2.0), (0, x))[1],
        input_signature=[tf.TensorSpec((1, 64))],
    ).get_concrete_function()
    model = parse(tf.lite.TFLiteConverter.from_concrete_functions([function]).convert())
    assert len(model.subgraphs) > 1
    outer = [one for one in lifetimes(model) if one.size == 256]
    (at,) = (
        i
        for i, op in enumerate(model.subgraphs[0].operators)
        if hasattr(op.builtinOptions, "bodySubgraphIndex")
    )
    spans = [one for one in outer if one.first <= at]
    assert len(outer) >= 5  # x, the loop's result, and in the body h, tanh of it and twice that
    assert plan_arena(model) >= 256 * 4
    assert any(one.last - one.first >= 3 for one in spans)  # held while the body runs


needs_tflite_micro = pytest.mark.skipif(
    find_spec("tflite_micro") is None, reason="tflite-micro is not installed"
)


def _run_micro(content: bytes, inputs: list[np.ndarray], folder: Path) -> list[np.ndarray]:
    (folder / "model.tflite").write_bytes(content)
    np.savez(folder / "in.npz", **{str(i): array for i, array in enumerate(inputs)})
    files = [str(folder / name) for name in ("model.tflite", "in.npz", "out.npz")]
    command = [sys.executable, "-P", micro_interpreter.__file__, *files]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    outputs = np.load(folder / "out.npz")
    return [outputs[str(i)] for i in range(len(outputs.files))]


@needs_tflite_micro
def test_tflite_micro_answers_as_the_interpreter(content: bytes, tmp_path: Path) -> None:
    micro = write_micro(content, tmp_path, "tiny")
    run = Interpreter(model_content=content).get_signature_runner()
    ((name, detail),) = run.get_input_details().items()
    given = np.arange(-4, 4, dtype=detail["dtype"])[None] * 20
    (expected,) = run(**{name: given}).values()
    (answer,) = _run_micro(micro.content, [given], tmp_path)
    assert np.abs(answer.astype(int) - expected).max() <= 1
    assert len(set(expected.reshape(-1))) > 1


@needs_tflite_micro
def test_tflite_micro_runs_the_step(step: bytes, tmp_path: Path) -> None:
    micro = write_micro(step, tmp_path, "tiny")
    macros = _macros(micro)
    example = _step_example(3)
    order = sorted(example, key=lambda name: int(macros[f"INPUT_{name.upper()}_INDEX"]))
    answers = _run_micro(micro.content, [example[name] for name in order], tmp_path)
    expected = Interpreter(model_content=step).get_signature_runner("step")(**example)
    for name, array in expected.items():
        answer = answers[int(macros[f"OUTPUT_{name.upper()}_INDEX"])]
        np.testing.assert_allclose(answer, array, atol=0.02)


@needs_tflite_micro
def test_the_measured_arena_is_enough_and_more_than_the_plan(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(micro_module, "measure_arena", measure_arena)
    micro = write_micro(content, tmp_path, "tiny")
    assert micro.arena_bytes is not None
    assert micro.arena_bytes > micro.tensors_bytes
    assert int(_macros(micro)["ARENA_BYTES"]) == micro.arena_bytes
    micro_interpreter.run(micro.content, {}, micro.arena_bytes)


@needs_tflite_micro
def test_what_tflite_micro_does_not_load_is_refused(foreign: bytes) -> None:
    with pytest.raises(ExportError, match=r"TFLite Micro does not run it: .*SIGN"):
        measure_arena(foreign)


def test_without_tflite_micro_nothing_is_said_to_be_measured(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(micro_module, "measure_arena", measure_arena)
    monkeypatch.setattr("pipelines.export.micro.arena.importlib.util.find_spec", lambda name: None)
    micro = write_micro(content, tmp_path, "tiny")
    assert micro.arena_bytes is None
    assert "ARENA_BYTES" not in _macros(micro)
    assert "was not measured" in (micro.folder / "tiny.h").read_text()
