"""The runtime on the device: answers, refusals, and what it must not import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from reference import device_models
from reference.device_models import FEATURES, STEPS
from reference.operator_files import Example

from pipelines.errors import UserError
from pipelines.ondevice.interpreter import rehearse
from pipelines.ondevice.model import Model
from pipelines.ondevice.probe import probe
from pipelines.ondevice.quantized_io import Quantization
from pipelines.ondevice.signature import Signature

ROOT = Path(__file__).parents[3]


@pytest.fixture
def model(tiny) -> Model:
    return Model(tiny.exported.bundle.variant_path())


def message(source) -> str:
    """Return the message of the UserError that loading `source` must raise; it is one line."""
    with pytest.raises(UserError) as caught:
        Model(source)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_inputs_and_outputs_are_named_with_shape_and_dtype(model: Model) -> None:
    assert model.inputs == {"tokens": ((1, 7), np.dtype("int32"))}
    assert model.outputs == {"probabilities": ((1, 3), np.dtype("float32"))}


def test_one_example_by_name(tiny, model: Model) -> None:
    answer = model(tokens=tiny.inputs[:1])
    np.testing.assert_allclose(answer["probabilities"], tiny.exported.outputs[:1], atol=1e-5)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_many_examples_in_their_order(tiny, model: Model, workers: int) -> None:
    expected = tiny.exported.outputs[:20]
    np.testing.assert_allclose(model.predict(tiny.inputs[:20], workers), expected, atol=1e-5)


def test_inputs_by_name_of_another_whole_number_type_and_order_in_memory(tiny, model: Model) -> None:
    inputs = np.asfortranarray(tiny.inputs[:5].astype(np.int64))
    np.testing.assert_allclose(model.predict({"tokens": inputs}), tiny.exported.outputs[:5], atol=1e-5)


def test_no_examples_no_answers(tiny, model: Model) -> None:
    assert model.predict(tiny.inputs[:0]).shape == (0, 3)


def test_answers_stay_when_others_follow(tiny, model: Model) -> None:
    first = model(tokens=tiny.inputs[:1])["probabilities"]
    before = first.copy()
    model(tokens=tiny.inputs[1:2])
    np.testing.assert_array_equal(first, before)


def test_file_and_content_are_the_same(tiny, model: Model) -> None:
    by_content = Model(tiny.content(), threads=2)
    np.testing.assert_array_equal(by_content.predict(tiny.inputs[:5]), model.predict(tiny.inputs[:5]))


def test_inputs_of_other_names_shapes_and_types_are_refused(tiny, model: Model) -> None:
    with pytest.raises(ValueError, match=r"expected inputs \['tokens'\], got \['words'\]"):
        model(words=tiny.inputs[:1])
    with pytest.raises(ValueError, match=r"tokens: expected int32 \(1, 7\), got int32 \(1, 6\)"):
        model(tokens=tiny.inputs[:1, :6])
    with pytest.raises(ValueError, match=r"tokens: expected int32 \(1, 7\), got float64 \(1, 7\)"):
        model(tokens=tiny.inputs[:1] * 1.0)


@pytest.mark.parametrize("share", [0.0, 0.0003, 0.001, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused_in_one_line(tiny, tmp_path: Path, share: float) -> None:
    content = tiny.content()
    path = tmp_path / "cut.tflite"
    path.write_bytes(content[: int(len(content) * share)])
    assert str(path) in message(path)


def test_a_file_that_lacks_its_last_byte_is_refused(tiny) -> None:
    message(tiny.content()[:-1])


@pytest.mark.parametrize(
    "content", [b"", b"TFL3", b"PK\3\4" + bytes(100), b"a text file\n" * 10, b"1234TFL3" * 20]
)
def test_foreign_files_are_refused_in_one_line(content: bytes) -> None:
    message(content)


def test_a_missing_file_and_a_folder_are_refused_in_one_line(tmp_path: Path) -> None:
    assert str(tmp_path / "none.tflite") in message(tmp_path / "none.tflite")
    assert str(tmp_path) in message(str(tmp_path))


def test_a_model_without_our_signature_is_refused(tiny) -> None:
    model = schema.ModelT.InitFromPackedBuf(tiny.content())
    model.signatureDefs[0].signatureKey = "other"
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    assert "signature 'serve'" in message(bytes(builder.Output()))


DEVICE = """
import json, sys
for name in ("tensorflow", "keras", "mlflow", "tyro", "sklearn", "matplotlib"):
    sys.modules[name] = None  # its import fails
import numpy as np
from pipelines.ondevice import Bundle, Model
bundle = Bundle.open(sys.argv[1])
bundle.asset("vocabulary.json")
outputs = Model(bundle.variant_path(sys.argv[2])).predict(np.array(json.loads(sys.argv[3])))
loaded = {name.partition(".")[0] for name, module in sys.modules.items() if module}
foreign = loaded - set(sys.stdlib_module_names)
print(json.dumps({"outputs": outputs.tolist(), "modules": sorted(foreign)}))
"""


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic_int8"])
def test_a_device_needs_numpy_and_litert_only(tiny, precision: str) -> None:
    arguments = [str(tiny.folder), precision, json.dumps(tiny.inputs[:4].tolist())]
    command = [sys.executable, "-c", DEVICE, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    said = json.loads(done.stdout)
    np.testing.assert_allclose(said["outputs"], tiny.exported.outputs[:4], atol=0.02)
    # google is a namespace that protobuf's .pth file makes at every start of Python
    assert set(said["modules"]) - {"__main__", "google", "_distutils_hack"} <= {
        "numpy",
        "ai_edge_litert",
        "pipelines",
    }


# Modules are counted, since times vary on a busy machine.
STARTED = """
import sys
import numpy
before = set(sys.modules)
import pipelines.ondevice.model
added = set(sys.modules) - before
large = ("ai_edge_litert.schema", "flatbuffers", "zipfile", "concurrent")
print(len(added), *sorted(name for name in added if name.startswith(large)))
"""


def test_importing_it_loads_little_more_than_numpy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTED], check=True, capture_output=True, text=True, cwd=ROOT
    )
    count, *large = done.stdout.split()
    assert not large
    assert int(count) < 65


@pytest.fixture(scope="module")
def border(tmp_path_factory) -> dict[str, bytes]:
    """Models with float and with integer inputs and outputs, the same within."""
    folder = tmp_path_factory.mktemp("border")
    made = {"float": device_models.loop_int8(folder / "float")}
    for precision in ("int8", "int16x8"):
        made[precision] = device_models.integer_border(folder / precision, precision)
    return made


FLOATS = np.random.default_rng(6).normal(size=(10, STEPS, FEATURES)).astype(np.float32)


@pytest.mark.parametrize(("precision", "dtype"), [("int8", "int8"), ("int16x8", "int16")])
def test_integer_inputs_and_outputs_are_scaled(border, precision: str, dtype: str) -> None:
    model = Model(border[precision])
    assert {spec.dtype for spec in (*model.inputs.values(), *model.outputs.values())} == {np.dtype(dtype)}
    answers = model.predict(FLOATS, workers=2)
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers, Model(border["float"]).predict(FLOATS), atol=0.05)
    np.testing.assert_allclose(model.predict(FLOATS.astype(np.float64)), answers, atol=0.01)


def test_integers_inside_are_the_same_whoever_quantizes(border) -> None:
    np.testing.assert_array_equal(
        Model(border["int8"]).predict(FLOATS), Model(border["float"]).predict(FLOATS)
    )


def test_raw_is_what_the_file_has(border) -> None:
    raw, real = Model(border["int8"], raw=True), Model(border["int8"])
    whole = np.random.default_rng(7).integers(-128, 128, (10, STEPS, FEATURES)).astype(np.int8)
    answers = raw.predict(whole)
    assert answers.dtype == np.int8
    # Probabilities are in steps of 1/256 from -128 on; whole numbers given are taken as they are.
    np.testing.assert_array_equal((answers.astype(np.float32) + 128) / 256, real.predict(whole))
    with pytest.raises(ValueError, match=r"features: expected int8 \(1, 5, 3\), got float32"):
        raw.predict(FLOATS)


def test_no_examples_for_an_integer_model(border) -> None:
    assert Model(border["int8"]).predict(FLOATS[:0]).dtype == np.float32
    assert Model(border["int8"], raw=True).predict(FLOATS[:0]).dtype == np.int8


def test_quantizing_scales_rounds_and_clips() -> None:
    quantization = Quantization(scale=0.5, zero_point=10)
    given = np.array([-1e9, -69.0, -0.3, 0.0, 0.2, 0.3, 58.5, 59.0, np.inf])
    whole = quantization.quantize(given, np.dtype("int8"))
    assert whole.dtype == np.int8
    assert whole.tolist() == [-128, -128, 9, 10, 10, 11, 127, 127, 127]
    assert quantization.dequantize(whole).tolist() == [-69, -69, -0.5, 0, 0, 0.5, 58.5, 58.5, 58.5]
    with pytest.raises(ValueError, match="expected numbers, got NaN"):
        quantization.quantize(np.array([np.nan]), np.dtype("int8"))


def test_whole_numbers_are_never_wrapped(tiny, model: Model, border) -> None:
    with pytest.raises(ValueError, match=r"tokens: expected -2147483648 to 2147483647, got 2147483648 to"):
        model(tokens=np.full((1, 7), 2**31))
    with pytest.raises(ValueError, match=r"features: expected -128 to 127, got 128 to 128"):
        Model(border["int8"])(features=np.full((1, STEPS, FEATURES), 128))


@pytest.fixture(scope="module")
def any_length(tmp_path_factory) -> Model:
    return Model(device_models.any_length(tmp_path_factory.mktemp("any_length")))


def test_inputs_of_any_length(any_length: Model) -> None:
    assert any_length.inputs["features"].shape == (1, -1, 3)
    for length in (4, 1, 9, 2):
        x = np.arange(3.0 * length, dtype=np.float32).reshape(1, length, 3)
        answer = any_length(features=x)
        np.testing.assert_array_equal(answer["double"], 2 * x)
        np.testing.assert_allclose(answer["sum"], x.sum(1))
    for shape in ((1, 0, 3), (2, 4, 3), (1, 4, 2), (4, 3)):
        with pytest.raises(ValueError, match=r"features: expected float32 \(1, -1, 3\), got"):
            any_length(features=np.zeros(shape, np.float32))


def test_several_outputs_come_by_name(any_length: Model) -> None:
    x = np.random.default_rng(8).normal(size=(5, 4, 3)).astype(np.float32)
    answers = any_length.predict(x, workers=2)
    assert list(answers) == list(any_length.outputs)
    np.testing.assert_array_equal(answers["double"], 2 * x)
    np.testing.assert_allclose(answers["sum"], x.sum(1), atol=1e-5)
    assert {name: rows.shape for name, rows in any_length.predict(x[:0]).items()} == {
        "double": (0, 0, 3),
        "sum": (0, 3),
    }


def test_what_may_never_end_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/zero"), tmp_path / "pipe"):
        assert f"{path}: expected a .tflite file, found a device or a pipe" in message(path)


def test_an_oversized_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.tflite"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room
    assert "expected a .tflite file of at most 2,147,483,647 bytes, found 1,099,511,627,776" in message(path)


def test_what_cannot_be_invoked_is_a_user_error(tiny, model: Model) -> None:
    with pytest.raises(UserError, match=r"can't be invoked: .*gather"):
        model(tokens=np.full((1, 7), 10**6))
    np.testing.assert_allclose(model.predict(tiny.inputs[:1]), tiny.exported.outputs[:1], atol=1e-5)


def test_isolated_models_answer_as_others(tiny) -> None:
    isolated = Model(tiny.exported.bundle.variant_path(), isolated=True)
    np.testing.assert_allclose(isolated.predict(tiny.inputs[:3]), tiny.exported.outputs[:3], atol=1e-5)


def test_probing_says_what_is_wrong(tiny, tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    path.write_bytes(tiny.content()[:1000])
    with pytest.raises(UserError, match=r"^\S+cut\.tflite: not a sound \.tflite file: expected") as caught:
        probe(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_ends_its_process_ends_only_that(tiny, monkeypatch, tmp_path: Path) -> None:
    """The other process is made to die, as by a kernel of LiteRT: no file is known that still does that."""
    (tmp_path / "sitecustomize.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        UserError, match="model: expected an answer, but running it ended its process by SIGSEGV"
    ):
        Model(tiny.content(), isolated=True)


def test_rehearsing_runs_every_signature(tiny, tmp_path: Path) -> None:
    rehearse(tiny.content())
    rehearse(device_models.step(tmp_path))


def test_rehearsing_tries_extremes_and_random_values(tiny, monkeypatch) -> None:
    tried = []
    run = Signature.__call__

    def recorded(self, arrays, exact):
        tried.append(next(iter(arrays.values())))
        return run(self, arrays, exact)

    monkeypatch.setattr(Signature, "__call__", recorded)
    rehearse(tiny.content())
    limits = np.iinfo(tried[0].dtype)
    assert not tried[0].any()
    alike = {array.flat[0] for array in tried if len(set(array.flat)) == 1}
    assert {limits.min, limits.max, -1} <= alike
    assert any(len(set(array.flat)) > 1 for array in tried)


def test_open_sizes_are_checked_for_each_size_that_is_asked_for() -> None:
    content = Example("TILE", "f32 1,250; i32 2=1 4 > f32 1,1000", {}).content()
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for tensor, size in ((0, 250), (2, 1000)):
        model.subgraphs[0].tensors[tensor].shapeSignature = [-1, size]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    opened = Model(bytes(builder.Output()), max_memory=15_000)
    for size in (1, 3, 2):
        x = np.arange(250 * size, dtype=np.float32).reshape(size, 250)
        (answer,) = opened(in0=x).values()
        np.testing.assert_array_equal(answer, np.tile(x, (1, 4)))
    with pytest.raises(UserError, match=r"TILE: needs more than max_memory, 15000 bytes") as caught:
        opened(in0=np.zeros((4, 250), np.float32))
    assert len(str(caught.value).splitlines()) == 1
    (answer,) = opened(in0=x).values()
    np.testing.assert_array_equal(answer, np.tile(x, (1, 4)))


def test_max_memory_is_that_of_the_caller(tiny) -> None:
    with pytest.raises(UserError, match="needs more than max_memory, 100 bytes"):
        Model(tiny.content(), max_memory=100)
    with pytest.raises(UserError, match="needs more than max_memory, 100 bytes"):
        Model(tiny.content(), max_memory=100, isolated=True)
