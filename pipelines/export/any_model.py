"""Any Keras model -> a bundle of verified .tflite files, without an app.

Keras's recurrent layers are replaced by this project's layers and keep their weights. Each output of a file
is compared with that of the Keras model on the calibration inputs.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from ..errors import ExportError, UserError
from ..files import write_atomically
from ..ondevice.bundle import Bundle
from ..ondevice.manifest import ACTIVATION_BITS
from .bundle_writing import point_latest, write_bundle
from .card.card import versions, write_card
from .choice import (
    NO_RANGES,
    check_name,
    check_ranges,
    check_tolerance,
    default_executions,
    default_precisions,
)
from .foreign.files import load_foreign
from .keras.files import load_keras
from .keras.model_inputs import Arrays
from .keras.prepare import prepare
from .prepared_model import PreparedModel
from .tflite.convert import check_integer_io
from .variants import LeftOut, Variant, reasons, separated, variants
from .verify.error_trace import entry, plot

RANDOM = "random"
"""The calibration that draws random inputs."""
Calibration = Arrays | np.ndarray | Literal["random"] | None
"""Real inputs (N, ...): by input name, or an array if there is one input; or RANDOM."""


@dataclass(frozen=True)
class Report:
    """What `export_model` wrote, and what it left out."""

    bundle: Bundle
    variants: list[Variant]
    left_out: list[LeftOut]


class IncompleteExportError(ExportError):
    """A variant that the user named was left out. The other variants are written."""

    def __init__(self, message: str, report: Report | None) -> None:
        super().__init__(message)
        self.report = report
        """None if no variant could be made. Nothing is written then."""


def load_model(
    path: Path,
    *,
    allow_lambda: bool = False,
    signature: str | None = None,
    architecture: str | None = None,
) -> keras.Model:
    """Load a model from a .keras or HDF5 file or a SavedModel, or convert a .pt2 or .onnx file.

    Args:
        path: the file, or the folder of a SavedModel.
        allow_lambda: load layers that hold Python code, and run that code.
        signature: take this signature of a SavedModel as TensorFlow wrote it. Default: the layers that Keras
            2 described; if there are none, `serving_default` or the only signature.
        architecture: "package.module:function" that makes the model, if the file holds weights only.

    Raises:
        UserError: the file can't be read, or it holds code and `allow_lambda` is False.
    """
    converted = load_foreign(path) if path.is_file() and architecture is None else None
    if converted is not None:
        return converted
    return load_keras(path, allow_lambda=allow_lambda, signature=signature, architecture=architecture)


def convert(
    model: keras.Model,
    precision: str = "float32",
    execution: str = "loop",
    calibration: Calibration = None,
    *,
    steps: int | None = None,
    tolerance: float | None = None,
    integer_io: bool = False,
    lengths: bool = False,
) -> bytes:
    """Convert a Keras model to one .tflite file, run it, and compare its outputs with those of Keras.

    Args:
        model: a built Keras model. It is not changed.
        precision: "float32", "float16", "dynamic_int8", "int8", "int16x8" or "int4".
        execution: how recurrent layers run: "loop", "unrolled", "fused" or "step".
        calibration: real inputs (N, ...), by input name if there are several. The ranges of int8 and int16x8
            files are measured on them, weights of int4 are rounded for them, and the file is checked on
            them. "random" draws random inputs, whose ranges may be too narrow for real ones. By default
            files are only checked on random inputs.
        steps: the length of the sequences, if the model leaves it open. Default: that of `calibration`.
        tolerance: the largest difference from Keras that an output may have, as a share of the range of its
            values. By default it depends on the precision.
        integer_io: make float32 inputs and outputs integers; int8 and int16x8 only.
        lengths: make a file for sequences of any length up to `steps`: padded, with `length` (1,) as one
            more input, or NAME_length for each of several. `calibration` may hold them, too: (N,).

    Returns:
        The content of the file.

    Raises:
        UserError: the model can't be converted, the inputs don't fit it, or the tolerance is no number.
        ExportError: the model can't be converted in this precision and execution, or its error is too large.
    """
    check_tolerance(tolerance)
    if integer_io:
        check_integer_io([precision])
    check_ranges([precision], integers=integer_io, calibrated=calibration is not None)
    prepared = prepare(model, model.name, calibration=_given(calibration), steps=steps, lengths=lengths)
    with tempfile.TemporaryDirectory() as workspace:
        (made,) = variants(
            prepared,
            Path(workspace),
            executions=[execution],
            precisions=[precision],
            integer_io=integer_io,
            tolerance=tolerance,
        )
        if isinstance(made, LeftOut):
            traces = made.explain()
            raise ExportError("; ".join([*reasons([made]), *([entry(traces)] if traces else [])]))
    return made.content


def export_model(
    model: keras.Model,
    output: Path,
    name: str,
    *,
    precisions: Sequence[str] | None = None,
    executions: Sequence[str] | None = None,
    target: str = "tflite",
    calibration: Calibration = None,
    steps: int | None = None,
    tolerance: float | None = None,
    integer_io: bool = False,
    lengths: bool = False,
) -> Report:
    """Export a Keras model in several variants, and write the bundle `output/name`.

    A variant is left out if it can't be made or its error is too large. The manifest gives the reason.

    Args:
        model: a built Keras model. It is not changed.
        output, name: the bundle is `output/name`; the name is a plain file name.
        precisions, executions: what to make. By default loop and step, also unrolled for sequences of up
            to 64 steps, and every precision but int4; int8 and int16x8 only with a calibration.
        target: "micro" changes the default to what TFLite Micro can run: int8 and int16x8, in step if the
            model streams; in unrolled if not, and for sequences of up to 64 steps.
        calibration, steps, tolerance, integer_io, lengths: see `convert`. With integer_io, int8 and int16x8
            are the default precisions.

    Raises:
        UserError: the model can't be converted, or the name, tolerance or inputs are wrong. Then nothing
            is written.
        IncompleteExportError: a variant that the user named was left out: one whose precision and execution
            are both named, or all variants of a named precision or execution. The other variants are written
            first.

    For each variant with too large an error, `output/name_VARIANT.png` plots the error if it can be traced.
    """
    check_name(name)
    check_tolerance(tolerance)
    calibrated = calibration is not None
    wanted = _wanted(precisions, integer_io=integer_io, micro=target == "micro", calibrated=calibrated)
    prepared = prepare(model, name, calibration=_given(calibration), steps=steps, lengths=lengths)
    chosen = executions or default_executions(prepared.input_specs, target, streams=prepared.streams())
    rangeless = [] if calibrated else [each for each in wanted if each in ACTIVATION_BITS]
    with tempfile.TemporaryDirectory() as workspace:
        results = variants(
            prepared,
            Path(workspace),
            executions=chosen,
            precisions=[each for each in wanted if each not in rangeless],
            integer_io=integer_io,
            tolerance=tolerance,
        )
        made, left_out = separated(results)
        left_out = [_explained(each, output / f"{name}_{Path(each.file).stem}.png") for each in left_out]
        left_out += [_without_ranges(each, execution) for execution in chosen for each in rangeless]
        head = _head(name, _given(calibration) is None, prepared)
        report = _written(output, head, made, left_out, assets=prepared.host.assets()) if made else None
        missing = _named(left_out, made, precisions, executions) if made else left_out
        if missing or report is None:
            raise IncompleteExportError("; ".join(reasons(missing)), report)
    return report


def _wanted(
    precisions: Sequence[str] | None, *, integer_io: bool, micro: bool, calibrated: bool
) -> Sequence[str]:
    """Return the precisions to make, after a check of those that the user named."""
    if integer_io:
        check_integer_io(precisions or ())
    check_ranges(precisions or (), integers=integer_io or micro, calibrated=calibrated)
    return precisions or default_precisions(integer_io or micro)


def _given(calibration: Calibration) -> Arrays | np.ndarray | None:
    """Return the inputs that the user gave; None if random ones are to be drawn."""
    if isinstance(calibration, str):
        if calibration != RANDOM:
            raise UserError(f"calibration: expected arrays or {RANDOM!r}, got {calibration!r}")
        return None
    return calibration


def _written(
    output: Path,
    head: dict[str, Any],
    made: Sequence[Variant],
    left_out: Sequence[LeftOut],
    *,
    assets: Mapping[str, bytes],
) -> Report:
    head["left_out"] = [each.record() for each in left_out]
    files = [(each.record(), each.content) for each in made]
    bundle = write_bundle(output, head, files, assets, latest=False)
    bundle = write_card(bundle, facts={"record": {"made_with": versions()}})
    point_latest(bundle.folder)
    return Report(bundle, list(made), list(left_out))


def _named(
    left_out: Sequence[LeftOut],
    made: Sequence[Variant],
    precisions: Sequence[str] | None,
    executions: Sequence[str] | None,
) -> list[LeftOut]:
    """Return the left-out variants that the user named.

    If the user names both precisions and executions, each pair counts as named. If the user names only one
    kind, at least one variant of each name must be written.
    """
    if precisions and executions:
        return list(left_out)
    had = {name for each in made for name in (each.measured.precision, each.measured.execution)}
    if precisions:
        return [each for each in left_out if each.precision not in had]
    return [each for each in left_out if each.execution not in had] if executions else []


def _explained(left_out: LeftOut, file: Path) -> LeftOut:
    """Add to the reason what may help, and where the error enters; plot the error by time step to `file`."""
    if left_out.accepted_by is not None:
        left_out = replace(left_out, reason=f"{left_out.reason}; {left_out.advice()}")
    traces = left_out.explain()
    if not traces:
        return left_out
    file.parent.mkdir(parents=True, exist_ok=True)
    output = io.BytesIO()
    plot(traces, f"{left_out.file}: error against float32").savefig(output, format="png", dpi=120)
    write_atomically(file, output.getvalue())
    return replace(left_out, reason=f"{left_out.reason}; {entry(traces)}; plot: {file}")


def _without_ranges(precision: str, execution: str) -> LeftOut:
    return LeftOut(f"{precision}_{execution}.tflite", precision, execution, NO_RANGES)


def _head(name: str, random_inputs: bool, prepared: PreparedModel) -> dict[str, Any]:
    """Return the manifest's entries except the variants."""
    return {
        "app": "export",
        "run_id": name,
        "dataset": "random inputs" if random_inputs else "calibration inputs",
        "preset": "none",
        "config": {},
        "metric": {
            "name": "mean_abs_error",
            "value": 0.0,
            "higher_is_better": False,
            "baseline": prepared.reference.error_of_mean(),
        },
        "labels": [],
        "preprocessing": prepared.host.preprocessing(),
    }
