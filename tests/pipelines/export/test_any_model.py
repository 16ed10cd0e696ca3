"""A stock Keras model becomes verified files; what can't be is refused in one line."""

from __future__ import annotations

import copy
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import layers
from pipelines.errors import ExportError, UserError
from pipelines.export.any_model import convert, export_model, load_model
from pipelines.export.keras.model_inputs import input_specs, random_inputs, token_inputs
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.quantize import StaticQuantizer
from pipelines.export.verify.error_trace import entry, trace_error
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.manifest import EXECUTIONS
from pipelines.ondevice.model import Model, Stream

STEPS, FEATURES = 6, 3


def randomized(model: keras.Model) -> keras.Model:
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(0.5 * rng.normal(size=weight.shape))
    return model


def lstm() -> keras.Model:
    return randomized(
        keras.Sequential(
            [
                keras.Input([STEPS, FEATURES], name="x"),
                keras.layers.LSTM(5, return_sequences=True),
                keras.layers.LSTM(4),
                keras.layers.Dense(2, name="scores"),
            ]
        )
    )


def tokens() -> keras.Model:
    """Padding, both directions, two outputs, an open length."""
    given = keras.Input([None], dtype="int32", name="tokens")
    x = keras.layers.Embedding(20, 4, mask_zero=True)(given)
    x = keras.layers.Bidirectional(keras.layers.GRU(5))(x)
    return randomized(
        keras.Model(given, [keras.layers.Dense(2, name="a")(x), keras.layers.Dense(3, name="b")(x)])
    )


def encoder_decoder() -> keras.Model:
    source = keras.Input([STEPS, FEATURES], name="source")
    target = keras.Input([4, 2], name="target")
    _, h, c = keras.layers.LSTM(5, return_state=True)(source)
    x = keras.layers.LSTM(5, return_sequences=True)(target, initial_state=[h, c])
    return randomized(keras.Model([source, target], keras.layers.Dense(3, name="words")(x)))


def stateful() -> keras.Model:
    return randomized(
        keras.Sequential(
            [
                keras.Input(batch_shape=[1, STEPS, FEATURES], name="x"),
                keras.layers.GRU(5, stateful=True, return_sequences=True),
            ]
        )
    )


def made(model: keras.Model, folder: Path, **options) -> Bundle:
    return export_model(model, folder, "made", **options).bundle


def test_every_variant_of_an_lstm(tmp_path: Path) -> None:
    small = keras.Sequential([keras.Input([3, 2], name="x"), keras.layers.LSTM(2)])
    inputs = {"x": np.random.default_rng(0).normal(size=[4, 3, 2]).astype(np.float32)}
    report = export_model(small, tmp_path, "made", executions=EXECUTIONS, calibration=inputs)
    assert report.bundle.manifest["metric"]["name"] == "mean_abs_error"
    files = {variant.file for variant in report.variants}
    precisions = ("float32", "float16", "int8", "int16x8")  # no weight is large enough for dynamic_int8
    wanted = {f"{p}_{e}.tflite" for p in precisions for e in EXECUTIONS}
    assert files == wanted - {"int16x8_fused.tflite"}
    bundle = Bundle.open(tmp_path / "made")
    assert {record["file"] for record in bundle.variants} == files
    assert "no fused LSTM" in bundle.left_out["int16x8_fused.tflite"]
    for record in bundle.variants:
        # In a stream of this model the output is a state as well: CompiledModel gives it only once.
        twice = (
            ["interpreter", "compiled_model"]
            if record["execution"] in ("loop", "unrolled")
            else ["interpreter"]
        )
        assert record["runs_on"] == twice, record["file"]


def test_answers_are_those_of_keras(tmp_path: Path) -> None:
    model, x = lstm(), np.random.default_rng(2).normal(size=(3, STEPS, FEATURES)).astype(np.float32)
    bundle = made(model, tmp_path, precisions=["float32"], executions=["loop", "step"], calibration={"x": x})
    expected = np.asarray(model(x))
    answers = [Model(bundle.variant_path())(x=one[None])["scores"] for one in x]
    np.testing.assert_allclose(np.concatenate(answers), expected, atol=1e-6)
    stream = Stream(bundle.variant_path("float32_step.tflite"))
    for one, wanted in zip(x, expected, strict=True):
        stream.reset()
        last = [stream(x=step[None, None])["scores"] for step in one][-1]
        np.testing.assert_allclose(last[0], wanted, atol=1e-6)


def test_two_outputs_and_an_open_length(tmp_path: Path) -> None:
    report = export_model(
        tokens(),
        tmp_path,
        "made",
        precisions=["float32", "int8"],
        executions=["loop"],
        steps=4,
        calibration="random",
    )
    assert [set(variant.measured.errors) for variant in report.variants] == [{"a", "b"}] * 2
    assert Model(report.bundle.variant_path()).inputs["tokens"].shape == (1, 4)


def test_two_inputs_and_a_shared_state(tmp_path: Path) -> None:
    report = export_model(
        encoder_decoder(), tmp_path, "made", precisions=["float32", "int16x8"], calibration="random"
    )
    assert {variant.measured.execution for variant in report.variants} == {"loop", "unrolled"}
    assert {each.execution for each in report.left_out} == {"step"}


def test_a_stateful_layer_becomes_a_stream(tmp_path: Path) -> None:
    model = stateful()
    bundle = made(model, tmp_path, precisions=["float32"], executions=["step"])
    stream = Stream(bundle.variant_path("float32_step.tflite"))
    x = np.random.default_rng(3).normal(size=(1, STEPS, FEATURES)).astype(np.float32)
    (name,) = stream.outputs
    answers = [stream(x=x[:, t : t + 1])[name] for t in range(STEPS)]
    model.layers[0].reset_state()
    np.testing.assert_allclose(np.concatenate(answers, axis=1), model(x), atol=1e-6)


def test_integer_steps_follow_the_integer_sequence(tmp_path: Path) -> None:
    """Not bit for bit: the sequence model maps all inputs before its loop, and rounds them there."""
    bounds = {"int8": 0.05, "int16x8": 0.005}
    x = np.random.default_rng(2).normal(size=(5, STEPS, FEATURES)).astype(np.float32)
    bundle = made(
        lstm(), tmp_path, precisions=list(bounds), executions=["loop", "step"], calibration={"x": x}
    )
    for precision, bound in bounds.items():
        whole = Model(bundle.variant_path(f"{precision}_loop.tflite"))
        stream = Stream(bundle.variant_path(f"{precision}_step.tflite"))
        for one in x:
            stream.reset()
            last = [stream(x=step[None, None])["scores"] for step in one][-1]
            np.testing.assert_allclose(last, whole(x=one[None])["scores"], atol=bound)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"calibration": {name: np.zeros((2, STEPS, FEATURES)) for name in "xy"}},
            r"expected inputs \['x'\], got \['x', 'y'\]",
        ),
        ({"calibration": "ranodm"}, "calibration: expected arrays or 'random', got 'ranodm'"),
        ({"precisions": ["float32", "int16x8"]}, "int16x8 needs real inputs to measure its ranges"),
        ({"integer_io": True}, "int8 needs real inputs to measure its ranges"),
        ({"calibration": {"x": np.zeros((2, 5, FEATURES))}}, r"x: expected float32 \(N, 6, 3\), got float64"),
        ({"calibration": {"x": np.zeros((0, STEPS, FEATURES))}}, "expected the same number of examples"),
        ({"calibration": {"x": np.full((2, STEPS, FEATURES), np.nan)}}, "x: expected finite numbers"),
    ],
    ids=["name", "word", "no ranges", "no ranges for integers", "shape", "empty", "nan"],
)
def test_inputs_that_are_not_the_models_are_refused(tmp_path: Path, options, message: str) -> None:
    with pytest.raises(UserError, match=message):
        export_model(lstm(), tmp_path / "out", "made", **options)
    assert not (tmp_path / "out").exists()


def test_one_input_needs_no_name() -> None:
    x = np.random.default_rng(2).normal(size=(3, STEPS, FEATURES)).astype(np.float32)
    model = lstm()
    content = convert(model, "float32", calibration=x)
    assert convert(model, "float32", calibration={"another": x}) == content
    np.testing.assert_allclose(Model(content).predict(x), model(x), atol=1e-6)


@pytest.mark.parametrize("embedded", ["first", "nested", "behind a dropout"])
def test_tokens_are_known_by_the_embedding_behind_them(embedded: str) -> None:
    """Keras declares the input of such a Sequential model as float32."""
    layer = keras.layers.Embedding(500, 4)
    if embedded == "nested":
        layer = keras.Sequential([keras.Input([STEPS]), layer])
    front = [keras.layers.Dropout(0.1)] if embedded == "behind a dropout" else []
    model = randomized(
        keras.Sequential([keras.Input([STEPS]), *front, layer, keras.layers.LSTM(4), keras.layers.Dense(2)])
    )
    assert model.inputs[0].dtype == "float32"
    assert token_inputs(model) == {model.inputs[0].name}
    drawn = random_inputs(model, input_specs(model, None, None))[model.inputs[0].name]
    np.testing.assert_array_equal(drawn, drawn.astype(int))
    assert drawn.min() >= 1
    assert 300 < drawn.max() < 500
    content = convert(model, "int8", calibration=drawn, integer_io=True)
    (given,) = Model(content, raw=True).inputs.values()
    assert given.dtype == np.float32, "the ids are not quantised"
    np.testing.assert_allclose(Model(content).predict(drawn), model(drawn), atol=0.1)


def test_numbers_are_no_tokens() -> None:
    assert token_inputs(lstm()) == set()
    assert token_inputs(tokens()) == {"tokens"}


def test_weights_too_small_to_quantise_give_no_second_file(tmp_path: Path) -> None:
    small = keras.Sequential([keras.Input([3, 1], name="x"), keras.layers.SimpleRNN(1)])
    report = export_model(small, tmp_path, "made", executions=["loop"])
    (same,) = (each for each in report.left_out if each.precision == "dynamic_int8")
    assert same.reason == "the same file as float32: no weight is large enough to be quantised; use float32"


def test_an_open_length_wants_steps(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tokens: the model leaves its length open.*: expected --steps"):
        export_model(tokens(), tmp_path, "made")


def test_what_cannot_be_had_says_why(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="fused: forward_gru: execution 'fused': expected an LSTM"):
        export_model(tokens(), tmp_path, "made", executions=["fused"], steps=7)


def test_an_error_beyond_the_tolerance_names_variant_output_and_step(tmp_path: Path) -> None:
    with pytest.raises(
        ExportError, match=r"int8 step: output '\w+' differs .* allowed; the largest error is at step \d of 6"
    ) as step:
        convert(stateful(), "int8", "step", "random", tolerance=1e-6)
    assert "largest at layer gru" in str(step.value)
    assert "plot" not in str(step.value)
    with pytest.raises(ExportError, match=r"int8 loop: .* largest at layer (lstm|dense|scores)") as loop:
        export_model(
            lstm(),
            tmp_path,
            "other",
            precisions=["int8"],
            executions=["loop"],
            tolerance=1e-6,
            calibration="random",
        )
    plot = tmp_path / "other_int8_loop.png"
    assert str(plot) in str(loop.value)
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "other").exists()


def test_the_trace_finds_the_tensor_that_was_broken(tmp_path: Path) -> None:
    specs = {"x": ((STEPS, FEATURES), "float32")}
    write_saved_model(layers.convert_model(lstm()), tmp_path, specs, ["y"])
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path), signature_keys=["serve"])
    converter._experimental_enable_dynamic_update_slice = True  # as in `convert`
    exact = StaticQuantizer(converter.convert(), list, "serve").float_model
    example = {"x": np.random.default_rng(1).normal(size=(1, STEPS, FEATURES)).astype(np.float32)}
    assert max(trace.worst for trace in trace_error(exact, exact, example)) == 0
    model = copy.deepcopy(exact)
    body = next(graph for graph in reversed(model.subgraphs) if b"while_body" in graph.name)
    constants = [tensor for tensor in body.tensors if model.buffers[tensor.buffer].data is not None]
    weights = max(constants, key=lambda tensor: len(model.buffers[tensor.buffer].data))
    model.buffers[weights.buffer].data = np.zeros_like(model.buffers[weights.buffer].data)
    traces = trace_error(exact, model, example)
    assert entry(traces).startswith("the error enters at layer lstm")
    first = next(trace for trace in traces if trace.worst > 0.05)
    assert len(first.by_step) == STEPS
    assert first.by_step[0] < 1e-6 < first.by_step[1], "the first state is zero, whatever its weights"


def test_a_file_that_holds_no_model(tmp_path: Path) -> None:
    (tmp_path / "bad.keras").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"bad.keras: expected a model in a .keras, .h5"):
        load_model(tmp_path / "bad.keras")


def test_a_model_that_answers_no_number_to_some_inputs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The logarithm of a zero: the other answers decide, and integer files have finite ranges."""
    x = keras.Input([4, 2], name="x")
    model = keras.Model(x, keras.layers.Dense(2)(keras.layers.GRU(3)(keras.ops.log(x))))
    given = np.random.default_rng(0).uniform(0.5, 2, [20, 4, 2]).astype(np.float32)
    given[:5, 1] = 0
    report = export_model(
        model, tmp_path, "logs", calibration=given, executions=["loop"], precisions=["float32", "int8"]
    )
    files = [each["file"] for each in report.bundle.manifest["variants"]]
    assert files == ["float32_loop.tflite", "int8_loop.tflite"]
    assert "is infinite or NaN in 5 of 20 examples" in caplog.text
