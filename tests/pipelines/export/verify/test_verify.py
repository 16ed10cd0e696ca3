"""The one verifier: what it measures, what it refuses, and how it says so."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace

import flatbuffers
import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from reference import device_models

import layers
from pipelines.errors import ExportError
from pipelines.export.any_model import convert
from pipelines.export.tflite.audit import list_ops
from pipelines.export.verify.compare import Bounds, compare, max_abs_error, problems
from pipelines.export.verify.compiled_process import CompiledModelProcess
from pipelines.export.verify.reference import Reference, Task
from pipelines.export.verify.tflite_file import TFLiteFile
from pipelines.export.verify.tolerances import TOLERANCES
from pipelines.export.verify.verify import Measured, MissedBoundError, verify

OUTPUT = "probabilities"


def _accuracy(outputs: np.ndarray, targets: np.ndarray) -> float:
    return float(np.mean(outputs.argmax(axis=1) == targets))


@pytest.fixture
def reference(tiny) -> Reference:
    outputs = tiny.model.predict_on_batch(tiny.inputs)
    return _reference(tiny.inputs, outputs, tiny.targets)


def _reference(inputs: np.ndarray, outputs: np.ndarray, targets: np.ndarray, **values: float) -> Reference:
    found = {"accuracy": _accuracy(outputs, targets), **values}
    return Reference({"tokens": inputs}, {OUTPUT: outputs}, Task(targets, {"accuracy": _accuracy}, found))


@pytest.fixture(scope="module")
def compiled() -> Iterator[CompiledModelProcess]:
    with CompiledModelProcess() as process:
        yield process


@pytest.fixture
def check(compiled):
    """Verify the loop variant of a precision."""

    def check(content: bytes, precision: str, reference: Reference, **options) -> Measured:
        return verify(content, precision, "loop", reference, compiled=compiled, **options)

    return check


def _with_outputs(reference: Reference, outputs: np.ndarray) -> Reference:
    return replace(reference, outputs={OUTPUT: outputs})


def _rebuilt(content: bytes, change) -> bytes:
    model = schema.ModelT.InitFromPackedBuf(content)
    change(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize("name", ["FlexTensorListReserve", "MyOwnOp"])
def test_flex_and_custom_ops_are_refused_by_name(tiny, reference, check, name: str) -> None:
    def make_custom(model) -> None:
        model.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
        model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        model.operatorCodes[0].customCode = name

    content = _rebuilt(tiny.content(), make_custom)
    with pytest.raises(ExportError, match=name):
        list_ops(content)
    with pytest.raises(ExportError, match=f"^not builtin TFLite ops: .*{name}"):
        check(content, "float32", reference)


def test_an_answer_beyond_the_tolerance_is_refused_with_its_figures(tiny, reference, check) -> None:
    outputs = reference.outputs[OUTPUT].copy()
    outputs[-1, 0] += 2e-4
    message = r"^output 'probabilities' differs from Keras by 0\.0002, at most 0\.0001 is allowed$"
    with pytest.raises(MissedBoundError, match=message) as missed:
        check(tiny.content(), "float32", _with_outputs(reference, outputs))
    assert missed.value.figures["max_abs_error"] == pytest.approx(2e-4, rel=0.01)
    assert missed.value.figures["metric"] == reference.task.values["accuracy"]


def test_in_int8_one_of_10_000_outputs_may_be_further_off(tiny, reference, check) -> None:
    inputs, targets, outputs = (
        np.repeat(array, 30, axis=0) for array in (tiny.inputs, tiny.targets, reference.outputs[OUTPUT])
    )
    many = _reference(inputs, outputs, targets)
    outputs[5, 0] += 0.6
    assert check(tiny.content(), "int8", many).max_abs_error == pytest.approx(0.6, rel=0.01)
    with pytest.raises(ExportError, match=r"differs from Keras by 0\.6, at most 0\.0001"):
        check(tiny.content(), "float32", many)
    outputs[[7, 9], 1] += 0.6
    with pytest.raises(ExportError, match=r"differs from Keras by 0\.6, at most 0\.5"):
        check(tiny.content(), "int8", many)


def test_a_number_where_keras_answers_none_is_refused(tiny, reference, check) -> None:
    outputs = reference.outputs[OUTPUT].copy()
    outputs[0, 0] = np.nan
    with pytest.raises(ExportError, match="differs from Keras by nan"):
        check(tiny.content(), "float32", _with_outputs(reference, outputs))
    assert check(tiny.content(), "int8", _with_outputs(reference, outputs)).max_abs_error < 0.1


def test_outputs_of_another_shape_are_refused(tiny, reference, check) -> None:
    narrow = _with_outputs(reference, reference.outputs[OUTPUT][:, :1])
    with pytest.raises(ExportError, match=r"output 'probabilities': expected shape \(210, 1\) as in Keras"):
        check(tiny.content(), "float32", narrow)


def test_a_loss_in_the_metric_is_refused(tiny, reference, check) -> None:
    better = _reference(tiny.inputs, reference.outputs[OUTPUT], tiny.targets, accuracy=1.0)
    with pytest.raises(ExportError, match=r"^accuracy is 0\.\d+, at least 0\.9800 is needed \(Keras: 1"):
        check(tiny.content("dynamic_int8"), "dynamic_int8", better)


def test_where_lower_is_better_a_rise_of_the_metric_is_refused(tiny, reference, check) -> None:
    task = replace(reference.task, higher_is_better=False, values={"accuracy": 0.1})
    with pytest.raises(ExportError, match=r"^accuracy is 0\.\d+, at most 0\.1071 is needed"):
        check(tiny.content(), "float32", replace(reference, task=task))


def test_what_cannot_be_invoked_is_refused(tiny, reference, check) -> None:
    unknown_words = replace(reference, inputs={"tokens": np.full_like(tiny.inputs, 1000)})
    with pytest.raises(ExportError, match=r"^can't be invoked: .*gather"):
        check(tiny.content("float16"), "float16", unknown_words)


def test_runs_on_leaves_out_what_did_not_run(tiny, reference, monkeypatch, caplog) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with caplog.at_level(logging.WARNING), CompiledModelProcess() as failing:
        measured = verify(tiny.content(), "float32", "loop", reference, compiled=failing)
    assert measured.record()["runs_on"] == ["interpreter"]
    assert "float32 loop: CompiledModel does not run it: exit code 1" in caplog.text


def test_a_process_that_hangs_or_dies_is_replaced(tiny, reference, tmp_path, monkeypatch) -> None:
    stand_in = tmp_path / "python"
    stand_in.write_text("#!/bin/sh\nexec sleep 60\n")
    stand_in.chmod(0o755)
    file, some = TFLiteFile(tiny.content(), "loop"), reference.first(2)
    with CompiledModelProcess(seconds=0.2) as process:
        with monkeypatch.context() as patched:
            patched.setattr("sys.executable", str(stand_in))
            with pytest.raises(ExportError, match=r"no answer in 0\.2 s"):
                process.outputs(file, some)
        process._seconds = 60
        np.testing.assert_allclose(process.outputs(file, some)[OUTPUT], some.outputs[OUTPUT], atol=1e-5)
        process._process.kill()
        with pytest.raises(ExportError, match="exit code -9"):
            process.outputs(file, some)
        assert process.outputs(file, some)[OUTPUT].shape == (2, 3)


def test_few_examples_are_told(tiny, reference, check, caplog) -> None:
    few = _reference(tiny.inputs[:20], reference.outputs[OUTPUT][:20], tiny.targets[:20])
    with caplog.at_level(logging.WARNING):
        check(tiny.content(), "float32", few)
    assert "compared on only 20 test examples; at least" in caplog.text


def test_without_a_task_the_metric_is_the_mean_error(tiny, reference, check) -> None:
    measured = check(tiny.content("int8"), "int8", replace(reference, task=None))
    record = measured.record()
    assert record["metric"] == record["errors"]["mean_abs"][OUTPUT] > 0
    assert record["errors"]["max_abs"] == {OUTPUT: record["max_abs_error"]}
    assert "interval" not in record


def test_the_tolerance_of_the_user_is_a_share_of_the_range(tiny, reference, check) -> None:
    outputs_only = replace(reference, task=None)
    with pytest.raises(ExportError, match=r"at most \d\.?\d*e-07 is allowed"):
        check(tiny.content("int8"), "int8", outputs_only, tolerance=1e-6)
    check(tiny.content("int8"), "int8", outputs_only, tolerance=1.0)


def test_integer_inputs_and_outputs_run_on_compiled_model(compiled, tmp_path) -> None:
    given = keras.Input([5, 3], name="x")
    model = keras.Model(given, keras.layers.Dense(2, name="y")(layers.GRU(4)(given)))
    x = np.random.default_rng(0).normal(size=(6, 5, 3)).astype(np.float32)
    file = TFLiteFile(convert(model, "int8", "loop", {"x": x}, integer_io=True), "loop")
    assert {file.model.inputs["x"].dtype, file.model.outputs["y"].dtype} == {np.dtype(np.int8)}
    reference = Reference({"x": x}, {"y": np.asarray(model(x))})
    in_interpreter = file.outputs(reference.inputs, reference.outputs)["y"]
    np.testing.assert_allclose(in_interpreter, reference.outputs["y"], atol=0.1)
    np.testing.assert_allclose(compiled.outputs(file, reference)["y"], in_interpreter, atol=0.02)


def test_a_stream_runs_on_compiled_model_from_the_state_that_init_gives(compiled, tmp_path) -> None:
    file = TFLiteFile(device_models.step(tmp_path), "step")
    assert any(state.any() for state in file.model.state.values())
    x = np.random.default_rng(0).normal(size=(3, 5, device_models.FEATURES)).astype(np.float32)
    reference = Reference({"features": x}, {"probabilities": np.zeros((3, 5, device_models.CLASSES))})
    in_interpreter = file.outputs(reference.inputs, reference.outputs)["probabilities"]
    on_compiled_model = compiled.outputs(file, reference)["probabilities"]
    np.testing.assert_allclose(on_compiled_model, in_interpreter, atol=1e-5)
    assert np.ptp(in_interpreter[:, :, 0]) > 0.01


def test_an_output_that_compiled_model_does_not_give_is_said(compiled) -> None:
    """The output of this stream is its state as well."""
    model = keras.Sequential([keras.Input([5, 3], name="x"), layers.GRU(4, name="y")])
    x = np.zeros((2, 5, 3), np.float32)
    file = TFLiteFile(convert(model, "float32", "step", {"x": x}), "step")
    with pytest.raises(ExportError, match="it gives no output y"):
        compiled.outputs(file, Reference({"x": x}, {"y": np.asarray(model(x))}))


REAL, WHOLE = np.array([[0.0, 2.0], [1.0, 1.5]]), np.array([[1, 2], [3, 4], [5, 6], [7, 8]])


def test_whole_numbers_differ_by_the_share_of_examples_with_another_answer() -> None:
    assert max_abs_error(WHOLE, WHOLE) == 0
    assert max_abs_error(np.array([[1, 11], [3, 4], [14, 15], [7, 8]]), WHOLE) == 0.5
    assert max_abs_error(WHOLE + 0.25, WHOLE * 1.0) == 0.25
    with pytest.raises(ValueError, match=r"expected shape \(4, 2\)"):
        max_abs_error(WHOLE[:3], WHOLE)


def _problems(outputs: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], *bound) -> list[str]:
    return problems(compare(outputs, expected, Bounds(TOLERANCES["int8"], *bound)))


def test_bounds_with_a_task_without_one_and_of_the_user() -> None:
    off = {"y": np.add(REAL, [[0.55, 0.0], [0.0, 0.0]])}
    # The root mean square error is .55 / 2; the standard deviation of 0, 2, 1 and 1.5 is .74.
    assert "by 0.275 (root mean square), at most 0.185 is allowed" in _problems(off, {"y": REAL}, False)[0]
    assert _problems({"y": np.add(REAL, 0.15)}, {"y": REAL}, False) == []
    halves = np.divide(REAL, 2)  # range over 1, like probabilities; REAL ranges over 2
    too_far = {"y": np.add(halves, [[0.55, 0.0], [0.0, 0.0]])}
    assert "by 0.55, at most 0.5 is allowed" in _problems(too_far, {"y": halves}, True)[0]
    assert _problems(off, {"y": REAL}, True) == []
    assert "by 1.1, at most 1 is allowed" in _problems({"y": np.add(REAL, 1.1)}, {"y": REAL}, True)[0]
    assert "by 0.55, at most 0.2 is allowed" in _problems(off, {"y": REAL}, False, 0.1)[0]
    answers = {"y": np.array([[1, 2], [0, 0], [0, 0], [7, 8]])}
    assert _problems(answers, {"y": WHOLE}, True) == []  # the metric says how good they are
    assert _problems(answers, {"y": WHOLE}, False) == [
        "output 'y' differs from Keras in 0.5 of the examples, at most 0.375 is allowed"
    ]


def test_many_outputs_far_off_are_a_problem_even_if_the_mean_error_is_small() -> None:
    expected = np.random.default_rng(0).normal(size=(1000, 1))
    off = expected.copy()
    off[:9] += 1.5  # more than 5 times .25
    assert _problems({"y": off}, {"y": expected}, False) == []
    off[:12] = expected[:12] + 1.5
    (said,) = _problems({"y": off}, {"y": expected}, False)
    assert said.startswith("1.20% of output 'y' differs from Keras by more than 1.2")
    assert said.endswith("at most 1.00% is allowed")


def test_a_constant_output_is_held_to_the_resolution_of_float32() -> None:
    constant = np.full((5, 2), 100.0, np.float32)
    assert _problems({"y": constant * np.float32(1 + 1e-6)}, {"y": constant}, False) == []
    assert len(_problems({"y": constant + 0.01}, {"y": constant}, False)) == 1


def test_where_keras_answers_no_number_the_same_is_right_and_all_else_is_wrong() -> None:
    expected = np.array([[-np.inf, 1.0], [0.5, np.nan]])
    assert _problems({"y": expected + 0.01 * np.eye(2)[::-1]}, {"y": expected}, False) == []
    for wrong in (np.nan_to_num(expected), np.full((2, 2), np.nan), -expected):
        assert "nan" in _problems({"y": wrong}, {"y": expected}, False)[0]


def test_integers_may_answer_anything_where_keras_answers_no_number() -> None:
    expected = np.array([[-np.inf, 1.0], [0.5, np.nan]])
    reference = Reference({}, {"y": expected})
    for precision, accepted in {"int8": True, "int16x8": True, "float32": False}.items():
        found = compare({"y": np.nan_to_num(expected)}, {"y": expected}, Bounds.of(precision, reference))
        assert (not problems(found)) == accepted
    for wrong in (3.0, np.nan):
        found = compare({"y": np.full((2, 2), wrong)}, {"y": expected}, Bounds.of("int8", reference))
        assert len(problems(found)) == 1
    assert reference.error_of_mean() == 0.0
    assert Reference({}, {"y": np.array([[1.0], [np.nan], [3.0]])}).error_of_mean() == 1.0


CLASSES = np.array([[0.52, 0.48], [0.9, 0.1], [0.2, 0.8], [0.51, 0.49]] * 10)


def test_classes_may_turn_where_it_costs_little_and_only_there() -> None:
    close = CLASSES.copy()
    close[[0, 3]] = close[[0, 3]][:, ::-1]
    assert _problems({"y": close}, {"y": CLASSES}, False) == []
    lost = CLASSES.copy()
    lost[[1, 5]] = [0.45, 0.55]
    (said,) = _problems({"y": lost}, {"y": CLASSES}, False)
    assert said == "output 'y' decides otherwise than Keras in 0.05 of the cases, at most 0.04 is allowed"
    surer = np.where(CLASSES > 0.5, 0.999, 0.001)
    (said,) = _problems({"y": surer}, {"y": CLASSES}, False)
    assert "nats, at most 0.06 is allowed" in said
    assert len(_problems({"y": CLASSES * np.nan}, {"y": CLASSES}, False)) == 1


def test_one_hot_answers_have_decisions_only() -> None:
    chosen = np.eye(3)[[0, 1, 2, 0] * 10]
    turned = chosen.copy()
    turned[0] = [0, 1, 0]
    assert _problems({"y": turned}, {"y": chosen}, False) == []
    turned[1] = [1, 0, 0]
    (said,) = _problems({"y": turned}, {"y": chosen}, False)
    assert "in 0.05 of the cases" in said


def test_a_sigmoid_decides_between_yes_and_no() -> None:
    yes = np.linspace(0.49, 0.51, 40)[:, None]  # hardly moves, as an untrained network
    shifted = {"y": yes + 1 / 256}
    assert len(_problems(shifted, {"y": yes}, False)) == 1
    bounds = Bounds(TOLERANCES["int8"], False, sigmoids={"y"})
    assert problems(compare(shifted, {"y": yes}, bounds)) == []
    assert len(problems(compare({"y": 1 - yes**0 * 0.9}, {"y": yes**0 * 0.9}, bounds))) == 1


def test_every_output_is_compared_and_a_sequence_names_its_step() -> None:
    expected = {"a": np.zeros((2, 4, 1)), "b": np.zeros((2, 1)), "c": np.zeros((2, 1))}
    outputs = {name: array.copy() for name, array in expected.items()}
    outputs["a"][1, 2:] = 1
    outputs["b"][0] = np.nan
    first, second = _problems(outputs, expected, False)
    assert first.startswith("output 'a' differs from Keras by 0.5 (root mean square), ")
    assert first.endswith("the largest error is at step 2 of 4")
    assert second.startswith("output 'b' differs from Keras by nan")
