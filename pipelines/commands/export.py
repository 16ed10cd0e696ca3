"""python -m pipelines export MODEL: turn a model of Keras, PyTorch or ONNX into verified .tflite files."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from ..data.array_files import read_arrays
from ..devices import import_tensorflow
from ..errors import UserError
from ..export.choice import GOOD_ENOUGH, check_name, check_ranges, check_tolerance, recommended
from ..files import require_writable
from ..ondevice.manifest import Execution, Precision
from ..ondevice.native_messages import held_back
from .model_source import located, require_there

if TYPE_CHECKING:
    from ..export.any_model import Calibration, Report

_ABOUT_ERRORS = """\
The relative error is the root mean square error as a share of the output's standard deviation; for classes, \
the share of decisions lost."""
INCOMPLETE = 3
"""The exit code if a variant that the user named was left out."""


@dataclass(frozen=True)
class Export:
    """Turn a model of Keras, PyTorch or ONNX into verified .tflite files.

    A variant is left out if it can't be made or its error is too large. The reason is printed. If you named
    the variant with --precision or --execution, the other variants are still written. The command then prints
    the error, writes a plot of it to OUTPUT if it can be traced, and ends with exit code 3.

    Exit codes: 0 done; 3 a variant that you named was left out, or no variant could be made; 2 the input is
    wrong; 1 anything else.
    """

    model: tyro.conf.Positional[Path]
    """A model saved by Keras 3 (MODEL.keras) or Keras 2 (HDF5, MODEL.h5), the folder of a SavedModel,
    weights alone with --architecture, a file of torch.export.save (MODEL.pt2), ONNX (MODEL.onnx), or a model
    in MLflow (models:/NAME@ALIAS, models:/NAME/VERSION, runs:/ID/PATH)."""
    output: Path = Path("exports/models")
    """The bundle is written to OUTPUT/NAME."""
    name: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """The name of the bundle. Default: the model's file name; in MLflow its name, or the run's id."""
    precision: Annotated[tuple[tuple[Precision, ...], ...], tyro.conf.UseAppendAction] = ()
    """The number formats of weights and activations, one or several. Default: all but
    int4; int8 and int16x8 only with --calibration."""
    execution: Annotated[tuple[tuple[Execution, ...], ...], tyro.conf.UseAppendAction] = ()
    """How recurrent layers run, one or several: in a while loop (loop), one step per call with the state in
    and out (step), with every step written out (unrolled), or as TFLite's own LSTM (fused). Default:
    loop and step, and unrolled for sequences of up to 64 steps."""
    target: Literal["tflite", "micro"] = "tflite"
    """micro: also write each integer variant that microcontrollers can run (step, unrolled) as C arrays for
    TFLite Micro, to OUTPUT/NAME_micro."""
    calibration: Annotated[Path | None, tyro.conf.arg(metavar="FILE.npz", help_behavior_hint="")] = None
    """Real inputs (N, ...): an .npz file with an array for each input, or an .npy file if there is one input;
    arrays of strings for texts. The ranges of int8 and int16x8 files are measured on them, and every file is
    checked on them. 100 to 200 examples are enough. "random" draws random inputs, whose ranges may be too
    narrow for real ones. Default: files are checked on random inputs, and int8 and int16x8 are not made."""
    steps: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="")] = None
    """The length of the sequences, if the model leaves it open. Default: that of the calibration inputs."""
    tolerance: Annotated[float | None, tyro.conf.arg(metavar="SHARE", help_behavior_hint="")] = None
    """The largest difference from Keras that an output may have, as a share of the range of its values.
    The default depends on the precision."""
    integer_io: bool = False
    """Make inputs and outputs of int8 and int16x8 files integers instead of float32. The states of a stream
    don't change."""
    lengths: bool = False
    """Make files for sequences of any length up to --steps. They take padded sequences and their `length`
    (1,), or NAME_length for each of several sequences."""
    custom_objects: Annotated[tuple[str, ...], tyro.conf.arg(metavar="MODULE[:CLASS]")] = ()
    """Import your own classes and functions that the model needs: package.module for all of a module, or
    package.module:Class."""
    allow_lambda: bool = False
    """Load layers that hold Python code. It runs on this machine: only for files that you trust."""
    signature: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """Convert this signature of a SavedModel as TensorFlow wrote it, as a loop. Default: the layers that
    Keras 2 described in the folder; if there are none, serving_default, or the only signature."""
    architecture: Annotated[str | None, tyro.conf.arg(metavar="MODULE:FUNCTION", help_behavior_hint="")] = (
        None
    )
    """Your own function package.module:function that returns the model, if the file holds weights only
    (.weights.h5, or HDF5 of Keras 2). It is imported and called."""
    json: bool = False
    """Print one JSON object instead of the table."""


def run(command: Export) -> None:
    """Run the export."""
    _check(command)
    calibration = _calibration(command.calibration)
    require_writable("--output", command.output)
    import_tensorflow()
    with held_back():  # TensorFlow tells of oneDNN and CUDA
        from ..export.any_model import IncompleteExportError, export_model, load_model
        from ..export.keras.files import register

    register(command.custom_objects)
    problem = None
    with located(command.model) as (path, usual):
        name = command.name or usual
        model = load_model(
            path,
            allow_lambda=command.allow_lambda,
            signature=command.signature,
            architecture=command.architecture,
        )
        try:
            report: Report | None = export_model(
                model,
                command.output,
                name,
                precisions=_flat(command.precision) or None,
                executions=_flat(command.execution) or None,
                target=command.target,
                calibration=calibration,
                steps=command.steps,
                tolerance=command.tolerance,
                integer_io=command.integer_io,
                lengths=command.lengths,
            )
        except IncompleteExportError as error:
            report, problem = error.report, error
    if report is not None:
        _tell(command, report, name)
    if problem is not None:
        print(f"error: {command.model}: {problem}", file=sys.stderr)
        raise SystemExit(INCOMPLETE)


def _flat(given: Sequence[Sequence[str]]) -> list[str]:
    """Return the values of an option that may be given several times, with several values."""
    return [value for each in given for value in each]


def _check(command: Export) -> None:
    require_there(command.model)
    if command.name is not None:
        check_name(command.name)
    if command.steps is not None and command.steps < 1:
        raise UserError(f"--steps: expected at least 1, got {command.steps}")
    check_tolerance(command.tolerance)
    integers = command.integer_io or command.target == "micro"
    check_ranges(_flat(command.precision), integers=integers, calibrated=command.calibration is not None)


def _for_microcontrollers(report: Report, folder: Path) -> list[Path]:
    """Write the C files of each variant that TFLite Micro runs, and return their folders."""
    from ..errors import ExportError
    from ..export.micro.write import write_micro

    written, refused = [], {}
    for each in report.variants:
        try:
            written.append(write_micro(each.content, folder, Path(each.file).stem).folder)
        except ExportError as error:
            refused[each.file] = str(error)
    reasons = "; ".join(f"{file}: {reason}" for file, reason in refused.items())
    if not written:
        raise UserError(f"--target micro: {reasons}")
    if reasons:
        print(f"left out of micro: {reasons}", file=sys.stderr)
    return written


def _calibration(path: Path | None) -> Calibration:
    """Return what --calibration names: arrays by name, one array, or "random"."""
    if path is None or str(path) == "random":
        return None if path is None else "random"
    try:
        return read_arrays(path)
    except UserError as error:
        raise UserError(f"--calibration {error}") from None


def _tell(command: Export, report: Report, name: str) -> None:
    """Write the C files if they are wanted, and print what was made."""
    micro = command.target == "micro"
    _print(command, report, _for_microcontrollers(report, command.output / f"{name}_micro") if micro else [])


def _print(command: Export, report: Report, written: Sequence[Path]) -> None:
    if command.json:
        print(json.dumps({**_as_json(report), "micro": [str(folder) for folder in written]}, indent=1))
    else:
        print("\n".join([_as_text(report), *(f"micro   {folder}" for folder in written)]))


def _as_json(report: Report) -> Mapping[str, Any]:
    return {
        "bundle": str(report.bundle.folder),
        "variants": [{**each.record(), "bytes": len(each.content)} for each in report.variants],
        "left_out": [each.record() for each in report.left_out],
    }


def _as_text(report: Report) -> str:
    from ..export.variants import reasons
    from .report import text_table

    rows = [
        (
            each.file,
            f"{len(each.content):,}",
            f"{each.measured.max_abs_error:.1e}",
            f"{each.measured.relative_error:.1%}",
            f"{each.measured.latency_ms['p50']:.3f}",
            "yes" if "compiled_model" in each.measured.runs_on else "no",
        )
        for each in report.variants
    ]
    table = text_table(("file", "bytes", "largest error", "relative error", "ms", "CompiledModel"), rows)
    left_out = "".join(f"\nleft out: {line}" for line in reasons(report.left_out))
    note = f"{table}\n{_ABOUT_ERRORS}{left_out}\n\nbundle  {report.bundle.folder}"
    return "\n".join([note, *_advice(report)])


def _advice(report: Report) -> list[str]:
    """Return which file to use, and the lines of Python that run it."""
    best = recommended(report.variants)
    if best is None:
        return [
            "",
            f"no file is within {GOOD_ENOUGH:.1%} of the Keras model: look at the errors, or train longer",
        ]
    runner, what = (
        ("Stream", "the inputs of one step") if best.measured.execution == "step" else ("Model", "")
    )
    (signature,) = best.measured.signatures.values()
    arguments = ", ".join(f"{name}={name}" for name in signature["inputs"])
    return [
        "",
        f"recommended: {best.file}, the smallest within {GOOD_ENOUGH:.1%} of the Keras model's answers",
        "",
        f"    from {__name__.partition('.')[0]}.ondevice import Bundle, {runner}",
        f"    model = {runner}(Bundle.open({str(report.bundle.folder)!r}).variant_path({best.file!r}))",
        f"    answers = model({arguments})" + (f"  # {what}; the state is kept" if what else ""),
    ]
