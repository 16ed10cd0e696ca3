"""What is said of variants that are left out."""

from __future__ import annotations

import json
import math

from pipelines.export.variants import LeftOut, reasons
from pipelines.ondevice.manifest import PRECISIONS


def _left_out(precision: str, execution: str, reason: str, **figures: float) -> LeftOut:
    return LeftOut(f"{precision}_{execution}.tflite", precision, execution, reason, figures)


def test_an_execution_that_fails_alike_in_all_precisions_takes_one_line() -> None:
    fused = [_left_out(precision, "fused", "expected an LSTM") for precision in PRECISIONS]
    far = _left_out("int8", "loop", "too far from Keras")
    assert reasons([*fused, far]) == ["fused: expected an LSTM", "int8 loop: too far from Keras"]
    assert reasons(fused[2:4]) == ["dynamic_int8, int8 fused: expected an LSTM"]


def test_figures_that_are_no_numbers_are_null_in_the_manifest() -> None:
    record = _left_out("int8", "loop", "differs by nan", max_abs_error=math.nan, metric=0.5).record()
    assert json.loads(json.dumps(record, allow_nan=False)) == {
        "file": "int8_loop.tflite",
        "reason": "differs by nan",
        "figures": {"max_abs_error": None, "metric": 0.5},
    }
    assert "figures" not in _left_out("int8", "fused", "expected an LSTM").record()


def test_finer_precisions_are_advised_where_there_are_any() -> None:
    missed = [LeftOut("file", each, "loop", "too far from Keras", accepted_by=0.31) for each in PRECISIONS]
    advice = {each.precision: each.advice() for each in missed}
    assert advice["float16"] == "accept it with --tolerance 0.31"
    assert advice["int8"] == f"try --precision int16x8, or {advice['float16']}"
    assert advice["int4"] == f"try --precision dynamic_int8, or {advice['float16']}"
