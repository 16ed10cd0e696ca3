"""Integer inputs and outputs leave answers as they were; states and tokens keep their types."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import layers
from pipelines.commands.export import Export, run
from pipelines.errors import UserError
from pipelines.export.any_model import convert, export_model
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.audit import list_ops
from pipelines.export.tflite.convert import convert as convert_saved_model
from pipelines.ondevice.model import Model, Stream

STEPS, FEATURES, UNITS = 6, 3, 5
X = np.random.default_rng(2).normal(size=(20, STEPS, FEATURES)).astype(np.float32)
EXAMPLES = [{"x": x[None]} for x in X]
DTYPES = {"int8": np.int8, "int16x8": np.int16}


def randomized(model: keras.Model) -> keras.Model:
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(0.5 * rng.normal(size=weight.shape))
    return model


def plain() -> keras.Model:
    """A model that ends in a softmax, whose scale and zero point TFLite fixes."""
    given = keras.Input([STEPS, FEATURES], name="x")
    return randomized(keras.Model(given, keras.layers.Dense(2, "softmax")(layers.LSTM(UNITS)(given))))


def masked() -> keras.Model:
    """A model whose mask reads the input in float32; both outputs are one float32 result of the loop."""
    given = keras.Input([STEPS, FEATURES], name="x")
    last = layers.GRU(UNITS, name="gru")(keras.layers.Masking()(given))
    return randomized(keras.Model(given, {"a": last, "b": last}))


@pytest.fixture(scope="module")
def saved_models(tmp_path_factory) -> dict[str, Path]:
    """SavedModels of `plain` by execution."""
    folders = {execution: tmp_path_factory.mktemp(execution) for execution in ("loop", "step", "fused")}
    for execution, folder in folders.items():
        write_saved_model(plain(), folder, {"x": ((STEPS, FEATURES), "float32")}, ["y"], execution=execution)
    return folders


@pytest.mark.parametrize(
    ("precision", "execution"),
    [("int8", "loop"), ("int16x8", "loop"), ("int8", "fused"), ("int8", "step"), ("int16x8", "step")],
)
def test_answers_are_those_of_the_file_with_float_inputs_and_outputs(
    saved_models, precision, execution
) -> None:
    real, integer = (
        convert_saved_model(saved_models[execution], precision, execution, EXAMPLES, integer_io=integer_io)
        for integer_io in (False, True)
    )
    conversions = [
        sum(list_ops(content).get(op, 0) for op in ("QUANTIZE", "DEQUANTIZE")) for content in (real, integer)
    ]
    assert conversions[1] == conversions[0] - 2, "one QUANTIZE and one DEQUANTIZE less"
    if execution == "step":
        streams = Stream(real), Stream(integer)
        assert streams[0].states == streams[1].states
        inputs, outputs = streams[1].inputs, streams[1].outputs
        answers = [
            np.concatenate([stream(x=X[:1, t : t + 1])["y"] for t in range(STEPS)]) for stream in streams
        ]
    else:
        models = Model(real), Model(integer)
        inputs, outputs = models[1].inputs, models[1].outputs
        answers = [model.predict(X) for model in models]
    assert {spec.dtype for spec in (*inputs.values(), *outputs.values())} == {np.dtype(DTYPES[precision])}
    np.testing.assert_allclose(*answers, atol=1e-6)


def test_a_softmax_has_the_scale_and_zero_point_that_tflite_fixes(saved_models) -> None:
    content = convert_saved_model(saved_models["loop"], "int8", "loop", EXAMPLES, integer_io=True)
    raw = Model(content, raw=True).predict(np.zeros([1, STEPS, FEATURES], np.int8))
    assert raw.dtype == np.int8
    # Its scale is 1/256 and its zero point -128, so that probabilities sum up to 256 steps.
    assert abs((raw.astype(int) + 128).sum() - 256) <= 1


@pytest.mark.parametrize(("precision", "bound"), [("int8", 0.05), ("int16x8", 0.005)])
def test_inputs_and_outputs_that_the_model_uses_in_float32(precision: str, bound: float) -> None:
    """Zero must stay exactly zero, or padding would not be masked."""
    padded = X.copy()
    padded[:, 4:] = 0
    model = masked()
    device = Model(convert(model, precision, calibration={"x": padded}, integer_io=True))
    specs = (*device.inputs.values(), *device.outputs.values())
    assert [spec.dtype for spec in specs] == [DTYPES[precision]] * 3
    for name, wanted in model(padded).items():
        np.testing.assert_allclose(device.predict(padded)[name], wanted, atol=bound)


def test_an_output_that_is_a_state_too() -> None:
    """The output becomes integer, and the state stays float32."""
    model = masked()
    stream = Stream(convert(model, "int16x8", "step", {"x": X}, integer_io=True))
    assert [spec.dtype for spec in stream.outputs.values()] == [np.int16] * 2
    assert [spec.dtype for spec in stream.states.values()] == [np.float32]
    answer = [stream(x=X[:1, t : t + 1]) for t in range(STEPS)][-1]
    np.testing.assert_allclose(answer["a"], model(X[:1])["a"], atol=0.005)
    np.testing.assert_allclose(answer["b"], stream.state["gru_h"], atol=1e-4)


def test_integer_inputs_stay_as_they_are() -> None:
    given = keras.Input([STEPS], dtype="int32", name="tokens")
    x = keras.layers.GRU(UNITS)(keras.layers.Embedding(9, 4, mask_zero=True)(given))
    model = randomized(keras.Model(given, keras.layers.Dense(2)(x)))
    device = Model(convert(model, "int8", calibration="random", integer_io=True))
    assert device.inputs["tokens"].dtype == np.int32
    assert [spec.dtype for spec in device.outputs.values()] == [np.int8]
    tokens = np.array([[3, 1, 8, 2, 0, 0]], np.int32)
    np.testing.assert_allclose(device(tokens=tokens)["dense"], model(tokens), atol=0.1)


def test_precisions_without_integer_activations_are_refused() -> None:
    message = "integer-io: expected a precision among int8, int16x8, got float16"
    with pytest.raises(UserError, match=message):
        convert(plain(), "float16", integer_io=True)
    with pytest.raises(UserError, match=message):
        export_model(plain(), Path("x"), "x", precisions=["int8", "float16"], integer_io=True)


def test_command_line(tmp_path: Path, capsys) -> None:
    given = keras.Input([STEPS, FEATURES], name="x")
    keras.Model(given, keras.layers.GRU(4)(given)).save(tmp_path / "mine.keras")
    export = Export(
        tmp_path / "mine.keras",
        tmp_path,
        execution=(("loop",),),
        calibration=Path("random"),
        integer_io=True,
        lengths=True,
        json=True,
    )
    run(export)
    variants = json.loads(capsys.readouterr().out)["variants"]
    assert {variant["file"] for variant in variants} == {"int8_loop.tflite", "int16x8_loop.tflite"}
    inputs = variants[0]["signatures"]["serve"]["inputs"]
    assert inputs["x"] == {"shape": [1, STEPS, FEATURES], "dtype": "int8"}
    assert inputs["length"] == {"shape": [1], "dtype": "int32"}
