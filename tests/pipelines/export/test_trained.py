"""From a Keras model to variants: what is written, and what is refused."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipelines.errors import ExportError, UserError
from pipelines.export.keras.saved_model import SavedModelPredictor
from pipelines.export.trained import RunInfo, export
from pipelines.export.verify.tolerances import TOLERANCES
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.manifest import USUAL_PRECISIONS


def _accuracy(outputs: np.ndarray, targets: np.ndarray) -> float:
    return float(np.mean(outputs.argmax(axis=1) == targets))


def test_saved_model_has_a_signature_for_one_and_one_for_many(tiny) -> None:
    signatures = tf.saved_model.load(str(tiny.saved_model)).signatures
    one, many = (
        signatures[name].structured_input_signature[1]["tokens"] for name in ("serve", "serve_batch")
    )
    assert one.shape.as_list() == [1, 7]
    assert many.shape.as_list() == [None, 7]
    assert one.dtype == many.dtype == tf.int32
    assert set(signatures["serve"].structured_outputs) == {"probabilities"}


@pytest.mark.parametrize("batch_size", [256, 7, 1])
def test_saved_model_answers_as_keras_for_any_batch(tiny, batch_size: int) -> None:
    expected = tiny.model.predict_on_batch(tiny.inputs[:15])
    answers = SavedModelPredictor(tiny.saved_model, batch_size)(tiny.inputs[:15].astype(np.int64))
    np.testing.assert_allclose(answers, expected, atol=1e-6)


def test_rows_are_keras_saved_model_and_every_variant(tiny) -> None:
    rows = {row.variant: row for row in tiny.exported.rows}
    assert list(rows) == ["Keras", "SavedModel", *(f"{name}_loop.tflite" for name in USUAL_PRECISIONS)]
    assert rows["Keras"].max_abs_error == 0
    assert rows["float32_loop.tflite"].max_abs_error < 1e-5
    assert all(row.latency_p50_ms > 0 and row.bytes > 0 for row in rows.values())
    assert rows["Keras"].metric == _accuracy(tiny.model.predict_on_batch(tiny.inputs), tiny.targets) < 1


def test_manifest_says_what_was_measured(tiny) -> None:
    manifest = tiny.exported.bundle.manifest
    assert manifest["metric"] == {
        "name": "accuracy",
        "value": tiny.exported.rows[0].metric,
        "higher_is_better": True,
        "baseline": 0.4,
    }
    assert (manifest["app"], manifest["run_id"], manifest["labels"]) == (
        "tiny",
        "run1",
        ["bad", "fair", "good"],
    )
    for variant in manifest["variants"]:
        assert variant["runs_on"] == ["interpreter", "compiled_model"]
        assert variant["ops"]["WHILE"] == 1
        assert variant["signatures"]["serve"] == {
            "inputs": {"tokens": {"shape": [1, 7], "dtype": "int32"}},
            "outputs": {"probabilities": {"shape": [1, 3], "dtype": "float32"}},
        }
        assert 0 < variant["latency_ms"]["p50"] <= variant["latency_ms"]["p95"]
        assert variant["max_abs_error"] <= TOLERANCES[variant["precision"]].max_abs_error


def test_fewer_bits_make_larger_errors(tiny) -> None:
    variants = {variant["precision"]: variant for variant in tiny.exported.bundle.variants}
    errors = {name: variant["max_abs_error"] for name, variant in variants.items()}
    assert errors["float32"] < errors["float16"] < errors["dynamic_int8"] < errors["int8"]
    assert errors["float16"] < errors["int16x8"] < errors["int8"]
    assert "DEQUANTIZE" not in variants["float32"]["ops"]
    assert variants["float16"]["ops"]["DEQUANTIZE"] > 0


def test_a_variant_beyond_its_bound_is_left_out_by_name_and_the_rest_is_written(
    tiny, tmp_path: Path, monkeypatch, caplog
) -> None:
    tight = TOLERANCES["int8"]._replace(max_abs_error=1e-9, outliers=0.0)
    monkeypatch.setitem(TOLERANCES, "int8", tight)
    info = RunInfo("tiny", "run3", "embedded", "default", {}, ["a", "b", "c"], {}, 0.0)
    with caplog.at_level(logging.WARNING):
        exported = export(
            tiny.trained({"accuracy": lambda outputs, targets: 0.5}),
            info,
            assets={},
            output=tmp_path / "exports",
            workspace=tmp_path,
            precisions=("float32", "int8"),
        )
    bundle = Bundle.open(exported.bundle.folder)
    assert [variant["file"] for variant in bundle.variants] == ["float32_loop.tflite"]
    assert [row.variant for row in exported.rows] == ["Keras", "SavedModel", "float32_loop.tflite"]
    reason = exported.left_out["int8_loop.tflite"]
    assert re.fullmatch(
        r"output 'probabilities' differs from Keras by 0\.\d+, at most 1e-09 is allowed", reason
    )
    assert bundle.left_out == exported.left_out
    assert f"int8_loop.tflite: left out: {reason}" in caplog.text
    for name in ("int8", "int8_loop.tflite"):
        with pytest.raises(UserError, match=f"was left out of the bundle: {reason}"):
            bundle.variant_path(name)
    assert not (bundle.folder / "int8_loop.tflite").exists()


def test_a_failed_export_leaves_no_bundle_and_says_nothing_on_stdout(tiny, tmp_path: Path, capfd) -> None:
    info = RunInfo("tiny", "run2", "embedded", "default", {}, ["a", "b", "c"], {}, 0.0)
    with pytest.raises(ExportError, match=r"float32_loop\.tflite: accuracy is nan"):
        export(
            tiny.trained({"accuracy": lambda outputs, targets: float("nan")}),
            info,
            assets={},
            output=tmp_path / "out",
            workspace=tmp_path,
        )
    assert not (tmp_path / "out").exists()
    assert capfd.readouterr().out == ""
