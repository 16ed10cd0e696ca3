"""The runtime on the device: answers, refusals, and what it must not import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from pipelines.errors import UserError
from pipelines.ondevice import Model

ROOT = Path(__file__).parents[2]


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
from pipelines.bundle import Bundle
from pipelines.ondevice import Model
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
