"""Models as people have them: every file answers rightly on inputs that the export has never seen.

The files run in LiteRT's own interpreter, in one call after the other without a reset. `make test-long` makes
every model in every precision and execution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import pytest
from reference.plain_litert import answers
from reference.zoo import ZOO, Specimen, inputs_of, lambda_in_front, randomized

from pipelines.errors import UserError
from pipelines.export.any_model import IncompleteExportError, Report, export_model, load_model
from pipelines.export.variants import LeftOut
from pipelines.ondevice.manifest import EXECUTIONS, PRECISIONS

# Models inside others warn about every mask, although they use it.
pytestmark = pytest.mark.filterwarnings("ignore:Layer '.*was passed an input with a mask")

BOUNDS = {"float32": 2e-5, "float16": 0.01, "dynamic_int8": 0.1, "int8": 0.2, "int16x8": 0.06, "int4": 0.5}
"""The root mean square error of fresh answers, as a share of their standard deviation."""
FEW = {
    "time distributed sequential": ("step",),
    "masked tokens": ("loop",),
    "residual": ("fused",),
    "prelu": ("unrolled",),
}
"""What `make test` makes, in float32 and int8."""
EVERYWHERE = {
    "dynamic_int8": "the same file as float32",
    "int16x8_fused": "no fused LSTM in this precision",
    "int4_fused": "no fused LSTM in this precision",
    "int4": "no weights that TFLite can hold in four bits",
}
"""What may be left out of every model, with a part of the reason."""
CALIBRATED, FRESH = 64, 32


@pytest.mark.parametrize("name", FEW)
def test_some_variants(name: str, tmp_path: Path) -> None:
    model, report = exported(ZOO[name], tmp_path, ["float32", "int8"], FEW[name])
    assert len(report.variants) == 2
    judge(ZOO[name], model, report)


@pytest.mark.long
@pytest.mark.parametrize("name", ZOO)
def test_every_variant(name: str, tmp_path: Path) -> None:
    model, report = exported(ZOO[name], tmp_path, PRECISIONS, EXECUTIONS)
    judge(ZOO[name], model, report)
    left_out = {key for each in report.left_out for key in keys(each)}
    assert not set(ZOO[name].left_out) - left_out, "expected to be left out, but made"


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    lambda_in_front().save(tmp_path / "model.keras")
    with pytest.raises(UserError, match=r"it holds Python code .* --allow-lambda"):
        load_model(tmp_path / "model.keras")


def exported(
    specimen: Specimen, folder: Path, precisions: Sequence[str], executions: Sequence[str]
) -> tuple[keras.Model, Report]:
    """Export a model as `python -m pipelines export` does; return it and the report."""
    model = loaded = randomized(specimen.make())
    if specimen.saved:
        model.save(folder / "model.keras")
        loaded = load_model(folder / "model.keras")
    calibration = inputs_of(specimen, model, CALIBRATED, seed=1)
    try:
        report = export_model(
            loaded, folder, "zoo", precisions=precisions, executions=executions, calibration=calibration
        )
    except IncompleteExportError as error:
        if error.report is None:
            raise
        report = error.report
    return model, report


def judge(specimen: Specimen, model: keras.Model, report: Report) -> None:
    """Check every file on fresh inputs, and the reason of each that is left out."""
    inputs = inputs_of(specimen, model, FRESH, seed=2)
    names = list(report.variants[0].measured.errors)
    given = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    outputs = [np.asarray(each, np.float32) for each in keras.tree.flatten(model(given, training=False))]
    expected = dict(zip(names, outputs, strict=True))
    wrong = []
    for each in report.variants:
        got = answers(each.content, inputs, expected, each.measured.execution)
        errors = {name: relative_error(got[name], wanted) for name, wanted in expected.items()}
        bound = specimen.bounds.get(each.measured.precision, BOUNDS[each.measured.precision])
        if not max(errors.values()) <= bound:
            wrong.append(f"{each.file}: {errors}, {each.measured.relative_error:.2g} on the calibration")
    assert not wrong
    known: Mapping[str, str] = {**EVERYWHERE, **specimen.left_out}
    for left in report.left_out:
        assert any(known[key] in left.reason for key in keys(left) if key in known), left


def keys(left_out: LeftOut) -> tuple[str, str, str]:
    """Return the names under which a variant may be expected to be left out."""
    return left_out.execution, left_out.precision, Path(left_out.file).stem


def relative_error(got: np.ndarray, wanted: np.ndarray) -> float:
    """Return the root mean square error as a share of the standard deviation of what is wanted."""
    assert got.shape == wanted.shape
    return float(np.sqrt(np.mean((got.astype(np.float64) - wanted) ** 2)) / max(np.std(wanted), 1e-6))
